"""Stories in a sealed store, one record of which somebody without the key forges, drops, replays or reorders.

Whatever record it is: by the command that follows nobody comes under the policy who would not have, and then everybody
can be let out. IAM is asked, not the store.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, seed, settings
from hypothesis import strategies as st

from rollout.domain.progress.gate_result import Result
from rollout.domain.progress.messages import Delivery
from rollout.domain.progress.records import (
    Approved,
    GateOverridden,
    GateRead,
    Record,
    ReleaseEnded,
    RunEnded,
    RunEnding,
    RunStarted,
    Told,
    WaveCarried,
)
from rollout.domain.progress.release_scope import ReleaseScope
from rollout.domain.progress.stages import Stage
from rollout.files.private_files import FolderStore
from rollout.sandbox.serving.server import Sandbox
from rollout.store.formats.journal_chain import Chain, Opening, opening_line
from rollout.store.formats.journal_lines import line_of
from rollout.store.formats.seals import Trust
from rollout.store.markers import StoredMarker
from rollout.store.plan_files import FolderPlans
from tests.cli.shell import Said, Shell
from tests.end_to_end.iam_state import denied_by_us
from tests.end_to_end.small_organization import MANAGEMENT, MEMBER, describe, with_settings
from tests.snapshots import Snapshot
from tests.store.sealing import Told as Unheeded

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
AGO = NOW - timedelta(days=15)
EVIL = "20261123T090000Z-evil"
CISO = "arn:aws:sts::111122223333:assumed-role/Security/ciso"
ALWAYS = {"ROLLOUT_GATES__NOTICE_FOR_UNAFFECTED": "true"}
APPROVAL = {"ROLLOUT_GATES__APPROVAL": "true"}

ENFORCE = ("apply", "--stage", "enforce", "--yes")
FIX = ("verify", "--fix", "memberships", "--yes")
END = ("release", "--all", "--end", "--yes")
RELEASE = ("release", "--all", "--reason", "INC-7", "--yes")
STATES: dict[str, tuple[tuple[str, ...], ...]] = {
    "untold": (("plan",), ("apply",)),
    "told": (("apply", "--stage", "notify", "--yes"),),
    "ana is out": (("release", "--user", f"arn:aws:iam::{MEMBER}:user/ana", "--reason", "INC-1", "--yes"),),
    "enforced": (ENFORCE,),
    "released": (RELEASE,),
    "ended": (END,),
}
"""By name, what was done since the state before."""
FORGERIES = (
    "rehearsed",
    "ended well",
    "told",
    "carried",
    "approved",
    "gate passed",
    "overridden",
    "release ended",
)
ADDING = ("forge", "replay", "copy", "mark")
KINDS = (*ADDING, "drop", "swap", "move", "lose", "unmark")


@dataclass(frozen=True)
class Tampering:
    """One record that is not what was written. Numbers go round: each stands for some segment or some line.

    `mended`: the checksums are made to fit, as anybody can who has this code. What is added is met by a machine that is
    new, which remembers nothing; what is taken away, by one that has seen it.
    """

    kind: str
    segment: int = 0
    line: int = 1
    to_segment: int = 0
    to_line: int = 1
    record: str = "told"
    mended: bool = True


tamperings = st.builds(
    Tampering,
    kind=st.sampled_from(KINDS),
    segment=st.integers(0, 5),
    line=st.integers(0, 12),
    to_segment=st.integers(0, 6),  # one more than there are: a segment of its own
    to_line=st.integers(0, 12),
    record=st.sampled_from(FORGERIES),
    mended=st.booleans(),
)


commands = st.sampled_from((ENFORCE, FIX, END))


@dataclass
class Stories:
    """A small organization whose store somebody tampers with, in each state that a rollout goes through."""

    sandbox: Sandbox
    folder: Path
    kept: dict[str, tuple[Path, Snapshot]] = field(default_factory=dict)
    honest: dict[tuple[str, tuple[str, ...], bool], set[str]] = field(default_factory=dict)

    @classmethod
    @contextmanager
    def begun(cls, folder: Path) -> Iterator[Stories]:
        """Start the organization, and live through the story once."""
        description = describe(folder / "organization.json")
        with Sandbox.start(NOW, instance="tampering", description=description, ticking=False) as sandbox:
            stories = cls(sandbox, folder)
            stories._live()
            yield stories

    @property
    def work(self) -> Path:
        """The folder of the operator; the store and what the machine remembers are in it."""
        return self.folder / "work"

    def denied(self) -> set[str]:
        """Names of the users who can do nothing without MFA by a policy of ours."""
        return set(denied_by_us(self.sandbox, MANAGEMENT, MEMBER))

    def _live(self) -> None:
        more = "rules: {max_exempt_percent: 50}\nstore: store\nstore_key: file:rollout.key\n"
        with_settings(self.work, self.sandbox, more)
        assert 0 == self.type("init", "--store-key", "rollout.key").code
        for state, commands in STATES.items():
            for words in commands:
                said = self.type(*words)
                assert 0 == said.code, (words, said.err)
            if state == "told":
                self.sandbox.advance(timedelta(days=1))
            copy = self.folder / state.replace(" ", "-")
            shutil.copytree(self.work, copy)
            self.kept[state] = copy, Snapshot.of(self.sandbox)

    def type(self, *words: str, approval: bool = False) -> Said:
        """Type a command; the machine remembers what it has seen."""
        shell = Shell(self.work, self.sandbox.environment())
        env = {"XDG_STATE_HOME": str(self.work / "state"), **ALWAYS, **(APPROVAL if approval else {})}
        return shell(*words, env=env)

    def put_back(self, state: str) -> None:
        """Go back to a state, in AWS, in the store, and on the machine."""
        copy, organization = self.kept[state]
        shutil.rmtree(self.work)
        shutil.copytree(copy, self.work)
        organization.restore(self.sandbox)

    def would_come(self, state: str, words: tuple[str, ...], *, approval: bool = False) -> set[str]:
        """Who comes under the policy by the command where nobody has tampered, by name."""
        key = (state, words, approval)
        if key not in self.honest:
            self.put_back(state)
            before = self.denied()
            self.type(*words, approval=approval)
            self.honest[key] = self.denied() - before
        return self.honest[key]

    def hold(
        self, state: str, words: tuple[str, ...], tampering: Tampering, *, approval: bool = False
    ) -> Said:
        """Tamper, command, let everybody out; and assert that the promise is kept."""
        self.put_back(state)
        self.tamper(tampering)
        if tampering.kind in ADDING:
            shutil.rmtree(self.work / "state")
        before = self.denied()
        said = self.type(*words, approval=approval)
        came = self.denied() - before
        released = self.type(*RELEASE)
        assert 0 == released.code, (tampering, released.err)
        assert set() == self.denied(), (tampering, released)
        wronged = came - self.would_come(state, words, approval=approval) if came else came
        assert not wronged, f"under the policy by {tampering}: {wronged}; {said}"
        assert said.code in {0, 1, 3, 4, 5, 6}, said.err
        return said

    # --- What somebody does who has the code, but not the key ---

    @property
    def store(self) -> Path:
        return self.work / "store"

    def tamper(self, how: Tampering) -> None:
        """Change one record. What cannot be (a line of an empty segment) changes nothing."""
        if how.kind == "unmark":
            markers = sorted(path for path in self.store.rglob(".rollout/releases/**/*") if path.is_file())
            if markers:
                markers[how.line % len(markers)].unlink()
            return
        if how.kind == "mark":
            marker = StoredMarker(FolderStore(self.store), self.sandbox.organization_id)
            marker.add(ReleaseEnded(EVIL, NOW, ReleaseScope(everybody=True), "all is well", CISO))
            return
        segments = self._segments()
        path = segments[how.segment % len(segments)]
        lines = path.read_bytes().splitlines(keepends=True)
        line = lines[how.line % len(lines)]
        if how.kind == "lose":
            path.unlink()
            return
        if how.kind == "copy":
            self._write(path.with_name(f"{EVIL}.jsonl"), lines, mended=how.mended)
            return
        target = [*segments, path.with_name(f"{EVIL}.jsonl")][how.to_segment % (len(segments) + 1)]
        others = lines if target == path else self._lines(target)
        if not others:
            others.append(opening_line(Opening("SegmentOpened", EVIL, len(segments) + 1, {})))
            others.append(line_of(self.forged("notified", EVIL)))
        place = how.to_line % (len(others) + 1)
        match how.kind:
            case "forge":
                others.insert(place, line_of(self.forged(how.record, target.stem)))
            case "drop":
                lines.remove(line)
                target, others = path, lines
            case "replay":
                others.insert(place, line)
            case "swap":
                here, there = how.line % len(lines), how.to_line % len(lines)
                lines[here], lines[there] = lines[there], lines[here]
                target, others = path, lines
            case _:  # move
                lines.remove(line)
                others.insert(place, line)
                if target != path:
                    self._write(path, lines, mended=how.mended)
        self._write(target, others, mended=how.mended)

    def forged(self, what: str, run: str) -> Record:
        """A record that would bring people under the policy, were it true."""
        plan = FolderPlans(self.store, trust=Trust(None, Unheeded())).load(None)
        header = plan.header
        [wave] = header.waves
        entry = next(entry for part in plan.accounts() for entry in part.entries if entry.wave)
        assert entry.impact
        about = (header.organization_id, header.id, header.checksum)
        match what:
            case "rehearsed":
                return RunStarted(run, AGO, *about, Stage.DRY_RUN, CISO, "0.1")
            case "notified":
                return RunStarted(run, AGO, *about, Stage.NOTIFY, CISO, "0.1")
            case "ended well":
                return RunEnded(run, AGO, RunEnding.DONE)
            case "told":
                return Told(run, AGO, entry.user, wave, entry.address, entry.impact, NOW, Delivery.DELIVERED)
            case "carried":
                return WaveCarried(run, AGO, wave, Stage.NOTIFY)
            case "approved":
                return Approved(run, AGO, header.organization_id, wave, header.checksum, "CAB-1", CISO)
            case "gate passed":
                return GateRead(run, AGO, wave, "approval", Result.PASS, "by the CISO")
            case "overridden":
                return GateOverridden(run, AGO, wave, "approval", "INC-9", CISO)
            case _:
                return ReleaseEnded(run, NOW, ReleaseScope(everybody=True), "all is well", CISO)

    def _segments(self) -> list[Path]:
        opened = {path: json.loads(self._lines(path)[0]) for path in (self.store / "journal").iterdir()}
        return sorted(opened, key=lambda path: int(opened[path]["number"]))

    def _lines(self, path: Path) -> list[bytes]:
        return path.read_bytes().splitlines(keepends=True) if path.exists() else []

    def _write(self, path: Path, lines: list[bytes], *, mended: bool) -> None:
        if mended:
            chain = Chain(path.stem)
            bare = [re.sub(rb',"sum":"[0-9a-f]{16}"\}\n?$', b"}\n", line) for line in lines]
            lines = [chain.add(line) for line in bare if line]
        path.write_bytes(b"".join(lines))


def tamper_at_random(number: int, at_random: settings) -> None:
    """Draw so many examples; `number` is the seed."""

    @seed(number)
    @at_random
    @given(st.sampled_from(tuple(STATES)), commands, tamperings, st.booleans())
    def promise(state: str, words: tuple[str, ...], tampering: Tampering, approval: bool) -> None:
        stories.hold(state, words, tampering, approval=approval)

    with TemporaryDirectory() as folder, Stories.begun(Path(folder)) as stories:
        promise()
