"""In which ways people can enrol, and what else they may do: as `show --user`, the plan and the notice tell it."""

from __future__ import annotations

import csv

import pytest

from tests.cli.shell import Shell

PAYMENTS, DEV, HUB = "333344445555", "444455556666", "222233334444"

PEOPLE = {
    (PAYMENTS, "gita.rao"): (
        ["no-mfa", "passkey-way", "enrolment-policy"],
        ["passkey"],
        False,
        'Choose "Passkey or security key": an authenticator app is not allowed for this user',
    ),
    (PAYMENTS, "henrik.dahl"): (
        ["no-mfa", "keys-in-use", "passkey-way", "enrolment-policy"],
        ["passkey"],
        False,
        "A passkey gives no codes",
    ),
    (PAYMENTS, "bertil.aas"): (
        ["no-mfa", "enrolment-policy"],
        ["authenticator-app", "passkey"],
        False,
        "registered for codes by SMS. AWS no longer",
    ),
    (DEV, "ylva.strand"): (
        ["no-mfa"],
        ["authenticator-app", "passkey"],
        True,
        "The password of this user expires on ",
    ),
    (HUB, "ivan.horvat"): (
        ["has-mfa", "keys-in-use", "passkey-only"],
        ["authenticator-app", "passkey"],
        True,
        "aws login",
    ),
    (HUB, "hana.suzuki"): (
        ["has-mfa", "keys-in-use", "passkey-only"],
        ["authenticator-app", "passkey"],
        False,
        "authenticator app",
    ),
}


@pytest.mark.parametrize(("account", "name"), PEOPLE)
def test_a_user_is_told_the_ways_that_are_open(account: str, name: str, planned: Shell):
    reasons, ways, aws_login, told = PEOPLE[account, name]
    (shown,) = planned("show", "--account", account, "--user", name, "--json").json["accounts"][0]["users"]
    assert ("enforce", reasons, ways, aws_login) == (
        shown["verdict"],
        shown["because"],
        shown["can_register"],
        shown["aws_login"],
    )
    message = " ".join(planned("notices", "--preview", shown["arn"]).out.split())
    assert told in message
    promised = aws_login and "keys-in-use" in reasons
    assert promised == ("aws login" in message), "to whoever has keys and rights, and to nobody else"


def test_who_has_only_keys_cannot_use_a_passkey_and_is_held(planned: Shell):
    said = " ".join(planned("show", "--user", "iris.blum").out.split())
    assert "hold" in said
    assert "iam:CreateVirtualMFADevice is denied by NoAuthenticatorApps" in said
    assert "a passkey is registered on the console, and there is no password for it" in said


def test_the_plan_the_csv_and_the_explanation_tell_the_way(planned: Shell):
    (plan,) = (planned.folder / "plans").glob("*.yaml")
    (group,) = (text for text in plan.read_text().split("- {") if "gita.rao" in text)
    assert "passkey-way" in group
    explained = planned("show", "--user", "gita.rao", "--evidence").out
    assert "iam:EnableMFADevice (iam:RegisterSecurityKey=Create)" in explained
    assert "signin:AuthorizeOAuth2Access" in explained
    assert 0 == planned("report").code
    (users,) = (planned.folder / "reports").glob("*/users.csv")
    rows = csv.DictReader(users.read_text("utf-8-sig").splitlines())
    assert ["passkey"] == [row["can_register"] for row in rows if row["user_name"] == "gita.rao"]
