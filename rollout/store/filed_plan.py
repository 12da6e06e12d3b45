"""One plan in the store: its file, its evidence, its index and its renewal, refused when its content was altered."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime

from rollout.domain.plan.entries import AccountPlan, Header
from rollout.domain.plan.outline import AccountOutline, outline_of
from rollout.errors import KeyUnusable, NoPlan, PlanRefused
from rollout.files.bounded_files import SMALL, BeyondLimit, BoundedStream, Limits
from rollout.store.files import NamedFiles
from rollout.store.formats import evidence, plan_index, plan_yaml
from rollout.store.formats.renewal import read_renewal, renewal_bytes
from rollout.store.formats.seals import Trust

ENDING = ".yaml"
EVIDENCE = ".evidence.jsonl.gz"
INDEX = ".index.jsonl"
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

    def outlines(self) -> Iterator[AccountOutline]:
        """Yield what is known of each account without reading it. Raises NoPlan, PlanRefused.

        A plan without an index is read whole, as those of earlier versions are.
        """
        index = self._index()
        if index is None:
            yield from map(outline_of, self.accounts())
        else:
            yield from (one.content.outline for one in index)

    def accounts(self, only: frozenset[str] | None = None) -> Iterator[AccountPlan]:
        """Yield one account at a time, its document joined with its evidence. Raises NoPlan, PlanRefused.

        `only`: the IDs of the accounts that are wanted; the others are not even read where the plan has an index.
        Both files are verified again, since days may pass between opening a plan and applying it.
        """
        index = self._index() if only is not None else None
        if index is None or only is None:
            yield from self._whole(only)
            return
        found: set[str] = set()
        try:
            for part in self._indexed(plan_index.chosen(index, only)):
                found.add(part.account_id)
                yield part
        except PlanRefused:
            # Either the index names another place, or the plan itself was altered: reading it whole tells.
            yield from self._whole(only - found)

    def _whole(self, only: frozenset[str] | None) -> Iterator[AccountPlan]:
        """Verify both files and read them from the beginning."""
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
                part = reader.join(located)
                if only is None or part.account_id in only:
                    yield part
            reader.finish()

    def _index(self) -> list[plan_index.Indexed] | None:
        """Read the index; None where there is none, or where it is not the one that the plan was written with."""
        digest = self.header.digests.index
        if not digest:
            return None
        try:
            with _reading(self.files, beside(self.name, INDEX), plan_index.LIMITS) as stream:
                return plan_index.read_index(stream, digest)
        except (FileNotFoundError, NoPlan, plan_index.UnusableIndex):
            return None

    def _indexed(self, wanted: Iterator[plan_index.Indexed]) -> Iterator[AccountPlan]:
        """Read accounts where the index says that they are; each has to have the digest in the index."""
        check_file(self)
        evidence_name = beside(self.name)
        there = self.files.where(evidence_name)
        for one in wanted:
            with _reading(self.files, self.name, plan_yaml.LIMITS, one.place.document) as document:
                located = plan_yaml.read_account(document, self.location, one.place.line)
            with _reading(self.files, evidence_name, evidence.LIMITS, one.place.evidence) as zipped:
                yield evidence.read_one(located, zipped, one.content.evidence, there)


def checked(plan: FiledPlan, *, whole: bool) -> FiledPlan:
    """Check the file and its seal, and look for a renewal; with `whole` check the evidence too, else only look for it.

    Raises NoPlan, PlanRefused.
    """
    if whole:
        _check(plan)
    else:
        check_file(plan)
        with _evidence(plan):
            pass
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
    check_file(plan)
    with _evidence(plan) as stream:
        evidence.verify(stream, plan.header.digests.evidence, stream.where)


@contextmanager
def _evidence(plan: FiledPlan) -> Iterator[BoundedStream]:
    """Open a plan's evidence. Raises PlanRefused where it is missing."""
    name = beside(plan.name)
    try:
        with _reading(plan.files, name, evidence.LIMITS) as stream:
            yield stream
    except FileNotFoundError as problem:
        raise PlanRefused(
            f"the evidence of {plan.location} is missing: {plan.files.where(name)} does not exist",
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
def _reading(files: NamedFiles, name: str, limits: Limits, start: int = 0) -> Iterator[BoundedStream]:
    """Open a file, to be read within limits, from a byte of it on.

    Raises PlanRefused beyond them, NoPlan when it cannot be read, and FileNotFoundError when it does not exist.
    """
    try:
        with files.reading(name, start) as stream:
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
