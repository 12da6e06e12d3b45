"""Whom notices go to: from the list of those without an address to a message in the language of its reader."""

from __future__ import annotations

import csv
from datetime import timedelta
from email import message_from_bytes
from email.policy import default
from pathlib import Path

import pytest

from rollout.sandbox.serving.server import Sandbox
from rollout.wiring.people_file import COLUMNS
from tests.aws.stub import AwsStub, Fail
from tests.cli.shell import Shell

TEMP, LEGACY = "arn:aws:iam::222233334444:user/temp4711", "arn:aws:iam::222233334444:user/legacy.admin"
SCREEN = "arn:aws:iam::666677778888:user/noc-screen"


def in_file(people: Path) -> dict[str, str]:
    """Settings that look into a file of people last."""
    return {"ROLLOUT_NOTIFY__FIND": f"[{{tag: email}}, {{username_is_address: true}}, {{file: {people}}}]"}


def written(path: Path, *rows: dict[str, str]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    return path


def test_the_plan_lists_who_has_no_address_and_a_file_to_fill_in_brings_them_in(
    planned: Shell, sandbox: Sandbox
):
    said = planned("plan")
    assert "Without a known address" in said.out
    assert "rollout notices --unreached people.csv" in said.err
    people = planned.folder / "people.csv"
    assert f"{people}: " in planned("notices", "--unreached", str(people)).out
    rows = list(csv.DictReader(people.read_text("utf-8").splitlines()))
    assert {TEMP, LEGACY} <= {row["arn"] for row in rows}
    assert {""} == {row["address"] for row in rows}
    assert 2 == planned("notices", "--unreached", str(people)).code, "a file that may be filled in stays"

    for row in rows:
        if row["arn"] == TEMP:
            row |= {"address": "temp@example.com", "language": "de", "zone": "Europe/Berlin"}
    written(people, *rows)
    sandbox.advance(timedelta(minutes=1))
    assert 4 == planned("plan", env=in_file(people)).code
    (shown,) = planned("show", "--user", "temp4711", "--json", env=in_file(people)).json["accounts"][0][
        "users"
    ]
    assert "enforce" == shown["verdict"]
    explained = " ".join(planned("show", "--user", "temp4711", env=in_file(people)).out.split())
    assert "temp@example.com (by people.csv line " in explained
    (left,) = planned("show", "--user", "legacy.admin", "--json", env=in_file(people)).json["accounts"][0][
        "users"
    ]
    assert ["unreached"] == left["because"]

    preview = planned("notices", "--preview", TEMP, env=in_file(people)).out
    assert "To: temp@example.com" in preview
    assert "Uhr Ortszeit Europe/Berlin (UTC+01:00)" in preview
    assert "Guten Tag," in preview


def test_a_message_is_sent_in_the_language_and_zone_of_its_reader(planned: Shell, sandbox: Sandbox):
    people = written(
        planned.folder / "people.csv",
        {"user": "CHEN.WEI", "address": "chen.wei@example.com", "language": "de", "zone": "Asia/Tokyo"},
    )
    find = {"ROLLOUT_NOTIFY__FIND": f"[{{file: {people}}}, {{catch_all: all@example.com}}]"}
    only = ("--account", "222233334444", "--user", "chen.wei")
    sandbox.advance(timedelta(minutes=1))
    assert planned("plan", env=find).code in (0, 4)
    assert planned("apply", "--stage", "dry-run", env=find).code in (0, 4)
    said = planned("apply", "--stage", "notify", "--wave", "rest", *only, "--yes", env=find)
    assert said.code in (0, 4), said.err
    (mail,) = (
        message_from_bytes(path.read_bytes(), policy=default)
        for path in (planned.folder / "outbox").glob("*.eml")
    )
    assert "chen.wei@example.com" == mail["To"]
    assert "Uhr Ortszeit Asia/Tokyo (UTC+09:00)" in mail["Subject"]
    assert "de" == mail["Content-Language"]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"user": "a", "address": "a@b@c"}, 'address "a@b@c" is not a plain email address'),
        ({"user": "a", "address": "a@example.com", "manager": "boss"}, 'manager "boss" is not'),
        ({"address": "a@example.com"}, "neither user nor arn"),
        ({"user": "a", "address": "a@example.com", "zone": "Mars"}, '"Mars" is no time zone'),
        (
            {"user": "a", "address": "a@example.com", "language": "fr"},
            'there are no words for messages in the language "fr"',
        ),
        ({"user": "a", "address": "a@example.com", "account": "12"}, 'account "12" is not 12 digits'),
    ],
)
def test_a_wrong_line_is_named_and_stops_what_judges(bare: Shell, row: dict[str, str], said: str):
    people = written(bare.folder / "people.csv", {"user": "ok", "address": "ok@example.com"}, row)
    answer = bare("plan", env=in_file(people))
    assert 2 == answer.code
    assert f"people.csv:3: {said}" in answer.err.replace("\n", " ")


def test_a_user_is_named_once(bare: Shell):
    twice = {"user": "a", "address": "a@example.com"}
    people = written(bare.folder / "people.csv", twice, {**twice, "user": "A"})
    assert "people.csv:3: A is there twice" in bare("plan", env=in_file(people)).err


@pytest.mark.parametrize("text", ["", "user\n", "user,address,phone\n", "a;b\n", 'user,address\n"a'])
def test_another_file_is_refused(bare: Shell, text: str):
    people = bare.folder / "people.csv"
    people.write_text(text, "utf-8")
    assert 2 == bare("plan", env=in_file(people)).code


def test_letting_out_needs_no_file_of_people(planned: Shell):
    gone = in_file(planned.folder / "gone.csv")
    assert 2 == planned("plan", env=gone).code
    assert 4 == planned("release", "--all", "--reason", "INC-7", "--yes", env=gone).code, (
        "one account is closed to us"
    )
    assert "gone.csv" not in planned("rollback", "--wave", "rest", "--dry-run", env=gone).err


def test_a_person_of_identity_center_is_found_by_user_name(bare: Shell):
    """The organization is the embedded one; Identity Center is one that knows a single person."""
    center = AwsStub()
    here = {f"AWS_ENDPOINT_URL_{service}": center.endpoint for service in ("SSO_ADMIN", "IDENTITYSTORE")}
    find = {"ROLLOUT_NOTIFY__FIND": "[{tag: email}, {identity_center: eu-central-1}]", **here}
    store = {"OwnerAccountId": "111122223333", "IdentityStoreId": "d-1234567890"}
    center.on("ListInstances", {"Instances": [store]})
    temp = {"UserName": "Temp4711", "Emails": [{"Value": "temp@example.com"}]}
    center.on("ListUsers", {"Users": [temp | {"Locale": "de_DE", "Timezone": "Mars"}]})
    assert 4 == bare("plan", env=find).code
    assert {"ListInstances": 1, "ListUsers": 1} == center.counts(), "once in a command"
    explained = " ".join(bare("show", "--user", "temp4711", env=find).out.split())
    assert "temp@example.com (by user name in Identity Center)" in explained
    assert "Guten Tag," in bare("notices", "--preview", TEMP, env=find).out
    center.on("ListUsers", Fail("AccessDeniedException"))
    refused = bare("plan", env=find)
    assert 1 == refused.code
    assert "identitystore:ListUsers" in refused.err
    center.stop()
