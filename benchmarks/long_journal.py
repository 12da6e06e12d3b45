"""What a journal of 200,000 lines costs: the seconds until a command begins, and the memory that it takes.

python -m benchmarks.long_journal [lines] [people]

`apply` begins with the first account that it enters; `release --account`, with its first write to AWS: there they are
measured and interrupted. Each command is run twice, first as after the journal was copied here, then as on every later
day. AWS Organizations answers with pages of 20 accounts, as on AWS.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count, cycle, islice
from pathlib import Path

from benchmarks.measuring import Cost, watched
from rollout.domain.plan.entries import AccountPlan, PlanEntry
from rollout.domain.policy.changes import (
    AddMember,
    Applied,
    AttachToGroup,
    Change,
    CreateGroup,
    CreatePolicy,
    SkipCode,
)
from rollout.domain.policy.force_mfa import PolicyAmendments, allow_half, force_mfa
from rollout.domain.progress.gate_result import Result
from rollout.domain.progress.messages import Delivery
from rollout.domain.progress.records import (
    Before,
    GateRead,
    Intent,
    Record,
    RunEnded,
    RunEnding,
    RunStarted,
    Settled,
    Told,
    UserSkipped,
)
from rollout.domain.progress.stages import Stage
from rollout.domain.verdicts.verdict import Impact
from rollout.sandbox.answers import organization_answers
from rollout.sandbox.serving.server import Sandbox
from rollout.store.folder.segments import FolderJournal
from rollout.store.plan_files import FolderPlans
from rollout.wiring.seed_policy import seed
from tests.builders import an_account_plan, an_entry
from tests.interventions import at_call
from tests.kill.organization import KEY, settings
from tests.store.memory import parted

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
PER_ACCOUNT = 50
WAVE = "last"
GATES = ("dry_run_done", "soak", "failure_tolerance", "window")
NIGHTLY = 400
"""So many users a night wait for their day."""
CALLER = "arn:aws:iam::111122223333:user/operator"


def account_id(number: int) -> str:
    """The id of an account of fifty."""
    return f"{700_000_000_000 + number:012d}"


def somebody(number: int) -> PlanEntry:
    """One of the people."""
    where = account_id(number // PER_ACCOUNT)
    return an_entry(f"first.last{number:06d}", impact=Impact.ENROL, wave=WAVE, account_id=where)


class Year:
    """The runs of a year of nights: some people are told, some enforced, and many wait."""

    def __init__(self, organization_id: str, plan_checksum: str, people: int) -> None:
        """Nobody has been told yet."""
        self._organization_id, self._checksum = organization_id, plan_checksum
        self._people, self._numbers = people, count(1)
        self._untold, self._unenforced = iter(range(people)), iter(range(people))
        self._waiting = cycle(range(people))

    def nights(self, lines: int) -> Iterator[list[Record]]:
        """Yield a rehearsal, and then night after night until there are so many records."""
        start = NOW - timedelta(days=365)
        rehearsed = [*self._begun("rehearsal", start, Stage.DRY_RUN), *self._ended("rehearsal", start)]
        yield rehearsed
        written, total = len(rehearsed), max(1, (lines - 3 * self._people) // NIGHTLY)
        share = -(-self._people // total)
        for night in range(lines):
            at = start + timedelta(days=364) * min(1.0, night / total)
            records = list(self._night(f"night-{night:04d}", at, share, min(NIGHTLY, lines - written)))
            yield records
            written += len(records)
            if written >= lines:
                return

    def _night(self, run: str, at: datetime, share: int, waiting: int) -> Iterator[Record]:
        yield from self._begun(run, at, Stage.ENFORCE)
        for gate in GATES:
            yield GateRead(run, at, WAVE, gate, Result.PASS, "rehearsed 2026-01-01 09:00 UTC")
        for number in islice(self._untold, share):
            one, due = somebody(number), at + timedelta(days=14)
            said = f"<{run}-{number}@rollout>"
            yield Told(run, at, one.user, WAVE, one.address, Impact.ENROL, due, Delivery.DELIVERED, said)
        for number in islice(self._unenforced, share):
            where = account_id(number // PER_ACCOUNT)
            arn = f"arn:aws:iam::{where}:policy/rollout/ForceMFA"
            if number % PER_ACCOUNT == 0:
                yield from self._made(run, at, CreatePolicy(where, arn, "ForceMFA", "/rollout/", HALF, {}))
                yield from self._made(run, at, CreateGroup(where, "ForceMFA", "/rollout/"))
                yield from self._made(run, at, AttachToGroup(where, "ForceMFA", arn))
            yield from self._made(run, at, AddMember(where, "ForceMFA", somebody(number).user))
        for number in islice(self._waiting, waiting):
            why = "told for 2026-06-01; ready from 2026-06-01 00:00 UTC"
            yield UserSkipped(run, at, somebody(number).user, WAVE, SkipCode.WAITING, why)
        yield from self._ended(run, at)

    def _begun(self, run: str, at: datetime, stage: Stage) -> Iterator[Record]:
        yield RunStarted(run, at, self._organization_id, "k3f9", self._checksum, stage, CALLER, "1.0.0")

    def _ended(self, run: str, at: datetime) -> Iterator[Record]:
        yield RunEnded(run, at, RunEnding.DONE, {"waiting": 1})

    def _made(self, run: str, at: datetime, change: Change) -> Iterator[Record]:
        number = next(self._numbers)
        yield Intent(run, at, number, change, Before.ABSENT, WAVE)
        yield Settled(run, at, run, number, Applied(f"8e3a1f5c-0000-4000-8000-{number:012d}"))


FULL = force_mfa(seed(), "aws", PolicyAmendments())
HALF = allow_half(FULL)


def write_journal(folder: Path, organization_id: str, plan_checksum: str, lines: int, people: int) -> None:
    """Give a folder the journal of a year."""
    for records in Year(organization_id, plan_checksum, people).nights(lines):
        journal = FolderJournal(folder, records[0].run)
        journal.append(*records)
        journal.close()


def write_plan(folder: Path, people: int) -> str:
    """Put everybody in the folder's plan, in place of the few whom it has; return its checksum."""
    plans = FolderPlans(folder)
    header = plans.load(None).header
    whole = replace(header, waves={WAVE: people}, left_out=())
    return plans.save(*parted(whole, _parts(people))).header.checksum


def _parts(people: int) -> Iterator[AccountPlan]:
    for first in range(0, people, PER_ACCOUNT):
        where = account_id(first // PER_ACCOUNT)
        some = (somebody(number) for number in range(first, min(first + PER_ACCOUNT, people)))
        yield an_account_plan(*some, account_id=where, name=f"account {where}")


def describe(accounts: int, path: Path) -> None:
    """Describe the organization; that there is nobody in its accounts is no matter until a run has begun."""
    operator = {"name": "operator", "created": "500d ago", "policies": ["AdministratorAccess"], "keys": [KEY]}
    everything = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    members = [
        {
            "id": account_id(number),
            "name": f"account {number}",
            "joined": "900d ago",
            "roles": [{"name": "OrganizationAccountAccessRole"}],
            # The policy is in force where the brake is to be pulled.
            "policies": ["ForceMFA"] if number < 2 else [],
        }
        for number in range(accounts)
    ]
    management = {"id": "111122223333", "name": "management", "joined": "900d ago", "users": [operator]}
    content = {
        "operator": "operator",
        "management": management,
        "members": members,
        "aws_managed_policies": {"AdministratorAccess": {"document": everything}},
        "customer_managed_policies": {
            "ForceMFA": {"path": "/rollout/", "document": FULL, "tags": {"rollout:tool": "rollout"}}
        },
    }
    path.write_text(json.dumps(content))


@dataclass(frozen=True)
class Command:
    """One command, measured up to its end, or up to the AWS call by which it begins."""

    words: tuple[str, ...]
    begins_with: str = ""

    def measured(self, folder: Path, sandbox: Sandbox) -> Cost:
        """Run it in a process of its own."""
        process = subprocess.Popen(
            [sys.executable, "-m", "rollout", *self.words],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(Path.cwd()), **sandbox.environment()},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        if not self.begins_with:
            return watched(process)[0]
        began, found = time.monotonic(), list[Cost]()

        def begun() -> None:
            found.append(Cost(time.monotonic() - began, *used_by(process.pid)))
            process.send_signal(signal.SIGINT)

        with at_call(sandbox, self.begins_with, do=begun):
            process.wait()
        return found[0]


def used_by(process: int) -> tuple[float, float]:
    """The CPU seconds that a process has used so far, and its peak of memory in MB."""
    stat = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    status = Path(f"/proc/{process}/status").read_text()
    peak = int(status.partition("VmHWM:")[2].split()[0])
    return (int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK"), peak / 1024


def costs(
    lines: int, people: int, tell: Callable[[str], object] = lambda _: None
) -> Iterator[tuple[str, Cost]]:
    """Make the organization, its plan and its journal, and yield what each command costs, such as `first apply`."""
    with tempfile.TemporaryDirectory() as made:
        folder, description = Path(made) / "work", Path(made) / "organization.json"
        folder.mkdir()
        describe(-(-people // PER_ACCOUNT), description)
        organization_answers._ACCOUNTS_A_PAGE = 20  # noqa: SLF001 - in tests, short pages show more
        with Sandbox.start(NOW, instance="long journal", description=description, ticking=False) as sandbox:
            (folder / "rollout.yaml").write_text(settings(sandbox.organization_id, waves=1))
            Command(("plan", "--account", account_id(0))).measured(folder, sandbox)
            checksum = write_plan(folder, people)
            write_journal(folder, sandbox.organization_id, checksum, lines, people)
            segments = list((folder / "journal").iterdir())
            size = sum(path.stat().st_size for path in segments) >> 20
            tell(f"{lines} lines, {people} people: {len(segments)} segments, {size} MB")
            for number, turn in enumerate(("first", "later")):
                release = ("release", "--account", account_id(number), "--reason", "x", "--yes")
                commands = {
                    "apply": Command(("apply", "--stage", "notify", "--yes"), "AssumeRole"),
                    "notices": Command(("notices",)),
                    "status": Command(("status", "--json")),
                    "release": Command(release, "CreatePolicyVersion"),
                }
                for name, command in commands.items():
                    yield f"{turn} {name}", command.measured(folder, sandbox)


def main() -> None:
    """Print what each command costs."""
    lines = int(sys.argv[1]) if len(sys.argv) > 1 else 200_000
    people = int(sys.argv[2]) if len(sys.argv) > 2 else 20_000
    say: Callable[[str], object] = partial(print, flush=True)
    for name, cost in costs(lines, people, say):
        say(f"{name:14} {cost.seconds:6.1f} s {cost.cpu:6.1f} s CPU {cost.peak:5.0f} MB")


if __name__ == "__main__":
    main()
