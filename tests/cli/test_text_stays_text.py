"""Text stays text: whatever names, tags, paths, reasons, the store and AWS's errors hold, no command lets it act.

Every command runs in an organization, a folder and a store full of hostile text. A new command needs a line in
`COMMAND_LINES`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from rollout.cli.app import app
from rollout.domain.progress.records import AccountFailed, Approved, GateOverridden, Released, RunStarted
from rollout.domain.progress.release_scope import ReleaseScope
from rollout.domain.progress.stages import Stage
from rollout.sandbox.serving.server import Sandbox
from rollout.store.folder.segments import FolderJournal
from rollout.store.lock_holder import Holder
from tests.cli.shell import Said, Shell
from tests.interventions import Call, at_call

RAW = "\x1b\x07\r\u202e\u2066\u200b\u200e\u061c\x9b\x7f"
"""Colours and titles of terminals, a bell, other directions, no width."""
EVIL = f"\x1b[31m{RAW}\nforged [bold red]:smile:"
SHOWN = r"\x1b[31m\x1b\x07\r\u202e\u2066\u200b\u200e\u061c\x9b\x7f\nforged [bold red]:smile:"
IAM = "\x9b\x7f\u202e\u2066\u200b\nforged [bold red]:smile:"
"""The same for IAM, whose answers are XML: that can carry no control character below the space but line breaks."""
NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
ACCOUNT, SHUT = "222233334444", "333344445555"

PERSON = {
    "created": "500d ago",
    "path": f"/team{IAM}/",
    "tags": {"email": "someone@example.com", f"note{IAM}": IAM},
    "password": {"created": "500d ago", "changed": "60d ago", "used": "2d ago"},
}
ORGANIZATION = {
    "operator": "cloud-admin",
    "management": {
        "id": "111122223333",
        "name": f"management{EVIL}",
        "joined": "900d ago",
        "users": [
            {"name": "cloud-admin", "created": "900d ago", "policies": ["AdministratorAccess"]}
            | {"keys": [{"created": "50d ago", "used": "1m ago"}]}
        ],
    },
    "members": [
        {
            "id": ACCOUNT,
            "name": f"payments{EVIL}",
            "ou": f"Workloads{EVIL}",
            "joined": "900d ago",
            "tags": {"stage": EVIL},
            "roles": [{"name": "OrganizationAccountAccessRole"}],
            "groups": [{"name": f"Everyone{IAM}", "policies": ["Own"]}],
            "users": [
                *({**PERSON, "name": name, "groups": [f"Everyone{IAM}"]} for name in ("ann", "bob", "cy")),
                {**PERSON, "name": "=covered+,.@-", "policies": [f"Nothing{IAM}"]},
                {**PERSON, "name": "unreached", "tags": {"email": IAM}},
                {"name": "ci", "created": "90d ago", "path": f"/bots{IAM}/"}
                | {"keys": [{"created": "80d ago", "used": "1h ago", "service": "s3"}]},
            ],
        },
        {"id": SHUT, "name": f"shut{EVIL}", "ou": f"Workloads{EVIL}", "joined": "800d ago"},
    ],
    "aws_managed_policies": {
        "AdministratorAccess": {
            "document": {"Version": "2012-10-17"}
            | {"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
        }
    },
    "customer_managed_policies": {
        "Own": {
            "description": IAM,
            "document": {"Version": "2012-10-17"}
            | {"Statement": [{"Sid": IAM, "Effect": "Allow", "Action": "iam:*", "Resource": "*"}]},
        },
        f"Nothing{IAM}": {
            "document": {"Version": "2012-10-17"}
            | {
                "Statement": [
                    {"Sid": IAM, "Effect": "Deny", "NotAction": "iam:*MFA*", "Resource": "*"}
                    | {"Condition": {"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}}}
                ]
            },
        },
    },
}
SETTINGS = """
access: {roles: [OrganizationAccountAccessRole]}
waves: [{name: canary, users: [ann, bob]}, {name: rest}]
gates: {lead_time: 1d, soak: 0d, failure_tolerance: {count: 3, percent: 100}}
notify: {outbox: outbox/, outbox_counts: true}
"""

COMMAND_LINES: Mapping[tuple[str, ...], tuple[tuple[str, ...], ...]] = {
    ("init",): ((), ("--store-key", "../key"), ("--folder", f"no{EVIL}")),
    ("doctor",): ((), ("--json",), ("--account", f"*{EVIL}*"), ("--account", f"no{EVIL}")),
    ("plan",): (
        (),
        ("--json",),
        ("--out", f"plans{EVIL}/x.yaml"),
        ("--account", f"no{EVIL}"),
        ("--config", EVIL),
    ),
    ("inventory",): (("--out", f"users{EVIL}.csv"), ("--out", "users.csv", "--json"), ("--out", EVIL)),
    ("show",): (
        (),
        ("--json",),
        ("--user", "*"),
        ("--wave", EVIL),
        ("--user", f"no{EVIL}"),
        (f"no{EVIL}",),
        ("--account", f"payments{EVIL}"),
    ),
    ("approve",): (
        ("--wave", "canary", "--reason", "CAB-1"),
        ("--wave", "rest", "--reason", "CAB-1", "--json"),
        ("--wave", EVIL, "--reason", "CAB-1"),
    ),
    ("prove",): (
        ("--account", ACCOUNT, "--plan"),
        ("--account", ACCOUNT, "--plan", "--json"),
        ("--account", ACCOUNT, "--clean", "--yes"),
        ("--account", EVIL),
    ),
    ("apply",): (
        ("--stage", "dry-run"),
        ("--stage", "dry-run", "--json"),
        ("--stage", "notify", "--yes"),
        ("--stage", "enforce"),
        ("--stage", "enforce", "--yes"),
        ("--wave", EVIL),
        ("--override-gate", EVIL, "--reason", "why"),
    ),
    ("status",): ((), ("--json",), (f"no{EVIL}",)),
    ("notices",): ((), ("--json",), ("--preview", "*ann"), ("--preview", EVIL), ("--user", EVIL)),
    ("verify",): ((), ("--json",), ("--fix", "--yes"), (f"no{EVIL}",)),
    ("release",): (
        ("--all", "--reason", "drill", "--yes"),
        ("--all", "--reason", "drill", "--yes", "--json"),
        ("--account", f"no{EVIL}", "--reason", "drill"),
        ("--all", "--reason", "drill", "--for", EVIL),
        ("--all", "--end", "--yes"),
    ),
    ("rollback",): (("--all", "--dry-run", "--json"), ("--plan", f"no{EVIL}"), ("--all", "--yes")),
    ("report",): ((), ("--json",)),
    ("acknowledge",): ((f"no{EVIL}",), ("answers.txt", "--json"), ("answers.txt",)),
    ("unlock",): ((), ("--yes",)),
    ("policy",): ((), ("--diff", EVIL), ("--config", EVIL)),
    ("explain",): ((EVIL,), ("--json",)),
    ("policy", "simulate"): ((EVIL,), (f"queries{EVIL}",)),
    ("seal",): (("--config", "sealed.yaml"), ("--config", "sealed.yaml", "--yes", "--json")),
    # Their organizations are the packaged one: what is hostile is only the folder and what is typed.
    ("demo",): ((f"no{EVIL}",),),
    ("sandbox", "start"): ((f"no{EVIL}",),),
    ("sandbox", "advance"): (("1d",), (EVIL,)),
    ("sandbox", "stop"): ((), (f"no{EVIL}",)),
}
"""What is typed of each command, in this order: each says something that is hostile."""


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """An organization in which every name that AWS leaves free is hostile."""
    description = tmp_path_factory.mktemp("hostile") / "organization.yaml"
    description.write_text(yaml.safe_dump(ORGANIZATION))
    with Sandbox.start(NOW, instance="hostile", description=description, ticking=False) as running:
        yield running


@pytest.fixture(scope="module")
def shell(sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Shell:
    folder = tmp_path_factory.mktemp("store") / f"of{EVIL}"
    folder.mkdir()
    settings = f"organization: {sandbox.organization_id}\n{SETTINGS}"
    (folder / "rollout.yaml").write_text(settings)
    (folder / "sealed.yaml").write_text(f"{settings}store_key: file:../key\n")
    (folder / "answers.txt").write_text(f'account,user,answer\n1,"{EVIL}",ready\n', "utf-8")
    (folder / f"queries{EVIL}").write_text(json.dumps({"id": EVIL, "policies": EVIL}))
    return Shell(folder, sandbox.environment())


@pytest.fixture(scope="module")
def everything_said(shell: Shell, sandbox: Sandbox) -> dict[tuple[str, ...], list[Said]]:
    """What every command said of it, typed in an order in which there is something to say."""
    moments: dict[tuple[str, ...], Callable[[], object]] = {
        ("status",): lambda: forge(shell, sandbox.organization_id),
        ("apply", "--stage", "enforce", "--yes"): lambda: sandbox.advance(timedelta(days=2)),
        ("verify",): lambda: sandbox._world.iam(ACCOUNT).remove_user_from_group("ForceMFA", "bob"),
        ("unlock",): lambda: lock(shell.folder, sandbox.organization_id),
    }
    said: dict[tuple[str, ...], list[Said]] = {}
    with at_call(sandbox, "AddUserToGroup", when=about_ann, refuse="AccessDenied", saying=IAM):
        for command, typed in COMMAND_LINES.items():
            for words in typed:
                moments.get((*command, *words), lambda: None)()
                said.setdefault(command, []).append(shell(*command, *words))
    return said


def about_ann(call: Call) -> bool:
    return call.params["UserName"] == "ann"


def forge(shell: Shell, organization_id: str) -> None:
    """Write into the store what its own tools would not: a run, an approval, an override and a release."""
    (plan,) = (shell.folder / "plans").glob("*.yaml")
    checksum = plan.read_text().partition('checksum: "')[2].partition('"')[0]
    journal = FolderJournal(shell.folder, "forged")
    scope = ReleaseScope(accounts=(ACCOUNT,))
    journal.append(
        RunStarted("forged", NOW, organization_id, EVIL, checksum, Stage.ENFORCE, EVIL, EVIL, EVIL),
        AccountFailed("forged", NOW, ACCOUNT, EVIL, EVIL),
        GateOverridden("forged", NOW, "canary", "soak", EVIL, EVIL),
        Approved("forged", NOW, organization_id, "rest", checksum, EVIL, EVIL),
        Released("forged", NOW, scope, NOW + timedelta(minutes=1), EVIL, EVIL),
    )


def lock(folder: Path, organization_id: str) -> None:
    path = folder / ".rollout" / "locks" / f"{organization_id}.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(Holder(EVIL, EVIL, 1, EVIL).holding(NOW, EVIL).written())


def acts(text: str) -> set[str]:
    """What of a text a terminal would obey, but for the ends of our own lines."""
    found = set(RAW) & set(text)
    forged = re.search(r"(?:x7f|\u200b|\x7f) *\n *forged", text)  # and not where a table folds an escape
    return found | ({"a line of its own"} if forged else set())


def leaves(command: Any = None, way: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], list[Any]]]:
    """Every command that can be run, with its options and arguments, also those that will be added one day."""
    command = command or typer.main.get_command(app)
    below = getattr(command, "commands", {})
    if way and (not below or command.invoke_without_command):
        yield way, command.params
    for name, inner in below.items():
        yield from leaves(inner, (*way, name))


LEAVES = dict(leaves())


@pytest.mark.parametrize("command", sorted(LEAVES), ids=" ".join)
def test_what_comes_from_outside_is_shown_and_does_not_act(
    command: tuple[str, ...], everything_said: dict[tuple[str, ...], list[Said]]
):
    assert command in COMMAND_LINES, "a new command: say in COMMAND_LINES how it meets hostile text"
    for said in everything_said[command]:
        assert set() == acts(said.out)
        assert set() == acts(said.err)
        assert "Traceback" not in said.err
    # The start of it: a table may fold the rest.
    assert any(r"\x1b[31m" in said.out + said.err for said in everything_said[command])


def test_markup_and_names_of_emoji_stay_what_they_are(everything_said: dict[tuple[str, ...], list[Said]]):
    for command in (("show",), ("apply",), ("report",), ("unlock",), ("release",)):
        assert any(SHOWN in said.out + said.err for said in everything_said[command])


def test_json_has_the_true_values_in_ascii(everything_said: dict[tuple[str, ...], list[Said]]):
    with_json = {way for way, options in LEAVES.items() if any("--json" in one.opts for one in options)}
    assert with_json == {
        way for way, typed in COMMAND_LINES.items() if any("--json" in words for words in typed)
    }
    documents = {
        command: said.out
        for command, typed in COMMAND_LINES.items()
        for words, said in zip(typed, everything_said[command], strict=True)
        if "--json" in words
    }
    assert all(text.isascii() and json.loads(text) is not None for text in documents.values())
    names = [one["name"] for one in json.loads(documents["show",])["accounts"]]
    assert [f"management{EVIL}", f"payments{EVIL}"] == names


def test_what_people_read_in_files_does_not_act_either(
    everything_said: dict[tuple[str, ...], list[Said]], shell: Shell
):
    """Plans in a pull request, tables, the page, messages. What machines read (journal, evidence) keeps true values."""
    kinds = (".yaml", ".csv", ".html", ".eml")
    texts = {
        path.name: path.read_bytes().decode() for path in shell.folder.rglob("*") if path.suffix in kinds
    }
    texts = {
        name: text.replace("\r\n", "\n") if name.endswith(".eml") else text for name, text in texts.items()
    }
    assert set(kinds) == {Path(name).suffix for name in texts}
    assert {name: set[str]() for name in texts} == {name: acts(text) for name, text in texts.items()}
    accounts = texts["accounts.csv"]
    assert f"payments{SHOWN}" in accounts


FREE_TEXT = [
    (way, option.opts[0])
    for way, options in sorted(LEAVES.items())
    for option in options
    if getattr(option, "metavar", None) == "TEXT"
]


def test_free_text_is_known_by_its_metavar():
    assert {(("apply",), "--reason"), (("approve",), "--reason"), (("release",), "--reason")} <= set(
        FREE_TEXT
    )


@pytest.mark.parametrize(("command", "option"), FREE_TEXT, ids=str)
def test_free_text_that_would_be_recorded_is_refused(command: tuple[str, ...], option: str, shell: Shell):
    before = shell.files()
    for sign in (*RAW, "\n"):
        said = shell(*command, option, f"CAB{sign}-1")
        assert 2 == said.code
        assert f"{option} has a hidden character: U+{ord(sign):04X}" in said.err
    assert before == shell.files()
