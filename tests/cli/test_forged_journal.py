"""Whoever can write to a store without a key can write anything there, and nothing of it ends in a traceback."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from rollout.domain.people.users import UserRef
from rollout.domain.policy import changes as c
from rollout.domain.policy.possible import why_impossible
from rollout.domain.progress import records as r
from rollout.domain.progress.gate_result import Result
from rollout.domain.progress.messages import Delivery
from rollout.domain.progress.release_scope import ReleaseScope
from rollout.domain.progress.stages import Stage
from rollout.domain.verdicts.verdict import Impact
from rollout.store.folder.segments import FolderJournal
from rollout.store.plan_files import FolderPlans
from tests.cli.conftest import NOW
from tests.cli.shell import Shell, listening, writes

RUN = "20261124T100000Z-evil"
ACCOUNTS = ("444455556666", "999999999999", "", "not-an-id", "4444/5555666", "*", "1" * 300)
NAMES = ("a/b", "", "../../x", "x" * 300, "\u202ealice", "*")
ARNS = (
    "",
    "alice",
    "arn:aws:iam::444455556666:user",
    "arn:aws-cn:iam::444455556666:user/alice",
    "arn:aws:iam::999999999999:policy/rollout/ForceMFA",
    "arn:aws:iam::444455556666:policy/rollout/a/b/ForceMFA",
    "arn:aws-cn:iam::444455556666:policy/rollout/ForceMFA",
    "arn:aws:iam::444455556666:policy/rollout/ForceMFA",
    "arn:aws:iam::aws:policy/AdministratorAccess",
    "arn:aws:iam::444455556666:role/rollout/ForceMFA",
    "::::::",
    "*",
)
DOCUMENTS: tuple[dict[str, object], ...] = (
    {},
    {"Statement": "x"},
    {"Version": 1, "Statement": [{"Effect": 3}, None]},
)


def refs() -> Iterator[UserRef]:
    for account, (name, arn) in product(ACCOUNTS[:5], zip(NAMES, ARNS, strict=False)):
        yield UserRef(account, name, f"AIDA{abs(hash((account, name, arn))) % 10**9}", arn)
    yield UserRef("444455556666", "nobody", "AIDANOBODY", "arn:aws:iam::444455556666:user/nobody")
    yield UserRef("444455556666", "milan.kovac", "AIDANOBODY2", "arn:aws:iam::444455556666:user/milan.kovac")


def made() -> Iterator[c.Change]:
    for account, arn in product(ACCOUNTS, ARNS):
        name = arn.rpartition("/")[2]
        yield c.CreatePolicy(account, arn, name, "no-path", DOCUMENTS[len(arn) % 3], {})
        yield c.CreateVersion(account, arn, DOCUMENTS[len(arn) % 3], ("AIDA1", ""))
        yield c.SetDefaultVersion(account, arn, "v0", ("",))
        yield c.AttachToGroup(account, "ForceMFA", arn)
        yield c.AttachToGroup(account, "a/b", arn)
        yield c.DeleteVersion(account, arn, "latest")
        yield c.DeletePolicy(account, f"{arn}x")
    for account, group in product(ACCOUNTS, (*NAMES, "ForceMFA")):
        yield c.CreateGroup(account, group, "rollout")
    for ref in refs():
        yield c.AddMember(ref.account_id, "ForceMFA", ref)
        yield c.AddMember(ref.account_id, "a/b", replace(ref, id=f"{ref.id}2"))
        yield c.AttachToUser(ref.account_id, replace(ref, id=f"{ref.id}3"), ref.arn)
        yield c.AttachToUser(
            "444455556666", replace(ref, id=f"{ref.id}4"), "arn:aws:iam::444455556666:policy/x"
        )


def forged(organization: str, plan: str, checksum: str) -> Iterator[r.Record]:
    """One run that has done the impossible, in every account and in none."""
    at, early, late = NOW, datetime(2000, 1, 1, tzinfo=UTC), datetime(2199, 12, 31, tzinfo=UTC)
    yield r.RunStarted(RUN, at, organization, plan, checksum, Stage.ENFORCE, "", "")
    for number, change in enumerate(made()):
        yield r.Intent(RUN, at, number, change, r.Before.ABSENT, ("canary", "", "a/b")[number % 3])
        possible = not why_impossible(change)
        if number % 4 or possible:  # an open one is waited for
            outcome = (c.Applied(""), c.Failed("", -1), c.Skipped(c.SkipCode.GONE))[
                0 if possible else number % 3
            ]
            yield r.Settled(RUN, at, RUN, number, outcome)
    yield r.Settled(RUN, at, "no-such-run", -1, c.Applied(""))
    for moment, ref in product((early, at, late), refs()):
        yield r.Told(
            RUN, moment, ref, "canary", "", Impact.CLI, datetime(2199, 1, 1, tzinfo=UTC), Delivery.DELIVERED
        )
        yield r.Reminded(
            RUN,
            moment,
            ref,
            "",
            "x",
            Impact.NONE,
            datetime(2000, 1, 1, tzinfo=UTC),
            timedelta(days=-9),
            Delivery.QUEUED,
        )
        yield r.UserSkipped(RUN, moment, ref, "no-such-wave", c.SkipCode.RELEASED)
        yield r.Deadlocked(RUN, moment, organization, ref, "rest", "")
        for seen in r.Enforcement:
            yield r.EnforcementSeen(
                RUN, moment, organization, replace(ref, id=f"{ref.id}{seen}"), "", seen, ref.arn
            )
    for account in ACCOUNTS:
        yield r.AccountFailed(RUN, at, account, "")
        yield r.Released(RUN, at, ReleaseScope(accounts=(account,)), None, "", "")
    yield r.RunStarted(f"{RUN}-2", at, organization, plan, checksum, Stage.DRY_RUN, "", "", "release")
    yield r.Released(f"{RUN}-2", at, ReleaseScope(wave="no-such-wave", users=tuple(refs())), late, "", "")
    yield r.Released(RUN, at, ReleaseScope(), None, "", "")
    yield r.ReleaseEnded(RUN, at, ReleaseScope(users=tuple(refs())), "", "")
    yield r.GateRead(RUN, late, "no-such-wave", "no-such-gate", Result.PASS, "")
    yield r.GateOverridden(RUN, at, "", "soak", "", "")
    yield r.Approved("", late, organization, "canary", "", "", "")
    for stage, moment in product(Stage, (early, late)):
        yield r.WaveCarried(RUN, moment, f"wave {stage}", stage)
    yield r.WaveUndone(RUN, late, "")
    yield r.RunEnded(RUN, early, r.RunEnding.DONE, {"failed": -1, "": 10**18})


COMMANDS = [
    ("status",),
    ("status", "--json"),
    ("notices",),
    ("show",),
    ("report",),
    ("verify",),
    ("verify", "--fix", "memberships", "--yes"),
    ("plan",),
    ("apply", "--stage", "notify", "--yes"),
    ("apply", "--stage", "enforce", "--yes"),
    ("rollback", "--all", "--dry-run"),
    ("rollback", "--all", "--yes"),
    ("rollback", "--user", "*", "--yes"),
    ("release", "--all", "--reason", "INC-1", "--yes"),
    ("release", "--wave", "canary", "--reason", "INC-1", "--yes"),
    ("release", "--wave", "no-such-wave", "--reason", "INC-1", "--yes"),
    ("release", "--user", "*", "--reason", "INC-1", "--yes"),
    ("release", "--all", "--end", "--yes"),
    ("unlock", "--yes"),
]


def forge(shell: Shell) -> None:
    header = FolderPlans(shell.folder).load(None).header
    journal = FolderJournal(shell.folder, RUN)
    journal.append(*forged(header.organization_id, header.id, header.checksum))
    journal.close()


# Takes up to four seconds each: all commands, on ten accounts.
@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_a_journal_of_impossible_things_ends_no_command_in_a_traceback(
    words: tuple[str, ...], rehearsed: Shell
):
    forge(rehearsed)
    with listening() as heard:
        said = rehearsed(*words)
    assert said.code in {0, 1, 3, 4, 5}, said
    if words[0] in {"rollback", "release"}:
        assert [] == writes(heard)


def test_what_stands_is_undone_and_what_never_was_is_left(rehearsed: Shell):
    with listening() as heard:
        assert 0 == rehearsed("apply", "--stage", "enforce", "--yes").code
    made = [line for line in writes(heard) if line.split()[1].startswith(("Add", "Attach", "Create"))]
    assert len(made) == 5
    forge(rehearsed)

    found = [one for one in rehearsed("verify", "--json").json["drift"] if one["kind"] == "impossible-record"]
    assert {"not-an-id", "", "*"} < {one["account_id"] for one in found}
    with listening() as heard:
        said = rehearsed("rollback", "--all", "--yes", "--json")
    assert 0 == said.code, said.err
    undone = {line.split()[1] for line in writes(heard)}
    assert {"RemoveUserFromGroup", "DetachGroupPolicy", "DeleteGroup", "DeletePolicy"} <= undone
    assert "rollout never made this: the policy is in another account" in said.out


def test_names_without_end_keep_nobody_under_the_policy(rehearsed: Shell):
    """A session policy has 2,048 characters; whoever writes to the store must not fill it."""
    assert 0 == rehearsed("apply", "--stage", "enforce", "--yes").code
    header = FolderPlans(rehearsed.folder).load(None).header
    journal = FolderJournal(rehearsed.folder, RUN)
    records: list[r.Record] = [
        r.RunStarted(RUN, NOW, header.organization_id, header.id, header.checksum, Stage.ENFORCE, "", "")
    ]
    for number, (at, account) in enumerate(product(range(60), ("222233334444", "300040005000"))):
        name, iam = f"ForceMFA{at}", f"arn:aws:iam::{account}:policy"
        endless: tuple[c.Change, ...] = (
            c.CreatePolicy(account, f"{iam}/rollout/{name}", name, "/rollout/", {}, {}),
            c.CreateGroup(account, name, "/rollout/"),
            c.AttachToGroup(account, name, f"{iam}/Theirs{at}"),
        )
        for place, change in enumerate(endless, 3 * number):
            records.append(r.Intent(RUN, NOW, place, change, r.Before.ABSENT))
            records.append(r.Settled(RUN, NOW, RUN, place, c.Applied("")))
    journal.append(*records)
    journal.close()
    with listening() as heard:
        said = rehearsed("release", "--all", "--reason", "INC-1", "--yes", "--json")
    assert ["iam SetDefaultPolicyVersion 200"] == writes(heard)
    assert {"200030004000"} == {one["account"] for one in said.json["accounts"] if one["failed"]}
