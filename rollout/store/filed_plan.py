"""One plan in the store: its file, its evidence and its renewal, refused when one of them was altered."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime

from rollout.domain.plan.entries import AccountPlan, Header
from rollout.errors import KeyUnusable, NoPlan, PlanRefused
from rollout.files.bounded_files import SMALL, BeyondLimit, BoundedStream, Limits
from rollout.store.files import NamedFiles
from rollout.store.formats import evidence, plan_yaml
from rollout.store.formats.renewal import read_renewal, renewal_bytes
from rollout.store.formats.seals import Trust

ENDING = ".yaml"
EVIDENCE = ".evidence.jsonl.gz"
RENEWAL = ".renewed.json"
MOST_OF_A_RENEWAL = 4096


@dataclass(frozen=True, slots=True)
class FiledPlan:
    """Implements `StoredPlan`: a plan whose checksum, seal and evidence digest were verified."""

    files: NamedFiles
    name: str
    header: Header
    renewed: datetime | None = None
    trust: Trust = field(default_factory=Trust)

    @property
    def stem(self) -> str:
        """The stem of the file name, which also names the report folder."""
        return self.name.rpartition("/")[2].removesuffix(ENDING)

    @property
    def location(self) -> str:
        """The file's path or address, for messages."""
        return self.files.where(self.name)

    def renew(self, at: datetime) -> FiledPlan:
        """Note beside the plan that planning again made no difference. Raises Unwritable, KeyUnusable."""
        with self.files.writing(beside(self.name, RENEWAL)) as stream:
            stream.write(renewal_bytes(self.header.checksum, at, self.trust.seals))
        return replace(self, renewed=at)

    def seal(self) -> None:
        """Put the seal of the store's key into the file; its checksum stays. Raises Unwritable, KeyUnusable."""
        seals = self.trust.seals
        if seals is None:
            return
        with _reading(self.files, self.name, plan_yaml.LIMITS) as stream:
            lines = [plan_yaml.resealed(line, seals) for line in stream]
        with self.files.writing(self.name) as written:
            written.writelines(lines)

    def accounts(self) -> Iterator[AccountPlan]:
        """Yield one account at a time, its document joined with its evidence. Raises NoPlan, PlanRefused.

        Both files are verified again, since days may pass between opening a plan and applying it.
        """
        _check(self)
        evidence_name = beside(self.name)
        there = self.files.where(evidence_name)
        with (
            _reading(self.files, self.name, plan_yaml.LIMITS) as documents,
            _reading(self.files, evidence_name, evidence.LIMITS) as zipped,
            evidence.unpacked(zipped, there) as lines,
        ):
            reader = evidence.EvidenceReader(lines, there)
            for located in plan_yaml.read_accounts(documents, self.location):
                yield reader.join(located)
            reader.finish()


def checked(plan: FiledPlan) -> FiledPlan:
    """Check both files and the seal, and look for a renewal. Raises NoPlan, PlanRefused."""
    _check(plan)
    _check_seal(plan)
    try:
        with _reading(plan.files, beside(plan.name, RENEWAL), SMALL) as stream:
            note = stream.read(MOST_OF_A_RENEWAL)
    except FileNotFoundError:
        return plan
    return replace(plan, renewed=read_renewal(note, plan.header.checksum, plan.trust.usable()))


def _check_seal(plan: FiledPlan) -> None:
    """Tell of a plan without a seal in a store that has a key, and of one with a seal in a store without."""
    seals, seal = plan.trust.usable(), plan.header.seal
    if seals is None:
        if plan.trust.seals is None and seal:
            plan.trust.tell(
                KeyUnusable(
                    f"{plan.location} is sealed with a key, and rollout.yaml names none, so it cannot be checked",
                    cure="set store_key in rollout.yaml as those have it who made the plan",
                )
            )
    elif not plan_yaml.is_sealed(plan.header, seals):
        why = "is sealed, but not with this store's key" if seal else "is not sealed"
        plan.trust.tell(
            PlanRefused(
                f"{plan.location} {why}",
                cure="plan again; or, if the plan is yours and older than the key, seal it with `rollout seal`",
            )
        )


def is_whole(plan: FiledPlan) -> bool:
    try:
        _check(plan)
    except (NoPlan, PlanRefused):
        return False
    return True


def _check(plan: FiledPlan) -> None:
    """Verify both files against the header. Raises NoPlan, PlanRefused."""
    evidence_name = beside(plan.name)
    there = plan.files.where(evidence_name)
    check_file(plan)
    try:
        with _reading(plan.files, evidence_name, evidence.LIMITS) as stream:
            evidence.verify(stream, plan.header.digests.evidence, there)
    except FileNotFoundError as problem:
        raise PlanRefused(
            f"the evidence of {plan.location} is missing: {there} does not exist",
            cure="restore that file next to the plan, or run `rollout plan` again",
        ) from problem


def check_file(plan: FiledPlan) -> None:
    try:
        with _reading(plan.files, plan.name, plan_yaml.LIMITS) as stream:
            plan_yaml.verify(stream, plan.header.checksum, plan.location)
    except FileNotFoundError as problem:
        raise NoPlan(f"{plan.location} no longer exists", cure="run `rollout plan`") from problem


def header_of(files: NamedFiles, name: str) -> Header:
    with _reading(files, name, plan_yaml.LIMITS) as stream:
        return plan_yaml.read_header(stream, files.where(name))


@contextmanager
def _reading(files: NamedFiles, name: str, limits: Limits) -> Iterator[BoundedStream]:
    """Open a file, to be read within limits.

    Raises PlanRefused beyond them, NoPlan when it cannot be read, and FileNotFoundError when it does not exist.
    """
    try:
        with files.reading(name) as stream:
            yield BoundedStream(stream, files.where(name), limits)
    except FileNotFoundError:
        raise
    except BeyondLimit as problem:
        raise PlanRefused(str(problem), cure=plan_yaml.PLAN_AGAIN) from problem
    except OSError as problem:
        raise NoPlan(
            f"{files.where(name)} cannot be read: {problem.strerror or problem}",
            cure="check the file's permissions (ls -l)",
        ) from problem


def beside(name: str, ending: str = EVIDENCE) -> str:
    return name.removesuffix(ENDING) + ending
