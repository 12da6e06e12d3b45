"""Digests what a report is made from, and computes the digests of a filed report again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from rollout.domain.progress.progress import Progress
from rollout.domain.progress.records import Proved, Record
from rollout.errors import NoPlan, PlanRefused, RolloutError
from rollout.reporting.evidence_page import DIGESTS, unsealed
from rollout.reporting.store_digests import StoreDigests
from rollout.store.formats.journal_lines import line_of
from rollout.wiring.stores import Files
from rollout.workflows.ports import StoredPlan

_CHUNK = 1 << 16
_LARGEST = 64 << 20


@dataclass(slots=True)
class JournalDigests:
    """Digests records as they pass, by run; of a run that is in `most`, no more than so many."""

    most: Mapping[str, int] = field(default_factory=dict)
    runs: dict[str, tuple[int, Any]] = field(default_factory=dict)
    proofs: dict[str, str] = field(default_factory=dict)
    """The file of each proof by its digest, as the records name them."""

    def passing(self, records: Iterable[Record]) -> Iterator[Record]:
        """Give the records on."""
        for record in records:
            number, found = self.runs.get(record.run, (0, None))
            if number < self.most.get(record.run, number + 1):
                found = found or sha256()
                found.update(line_of(record))
                self.runs[record.run] = (number + 1, found)
            if isinstance(record, Proved):
                self.proofs[record.digest] = record.file
            yield record

    @property
    def found(self) -> dict[str, tuple[int, str]]:
        """The number of records of each run, and the digest of their lines."""
        return {run: (number, f"sha256:{found.hexdigest()}") for run, (number, found) in self.runs.items()}


def store_digests(stored: StoredPlan, progress: Progress, journal: JournalDigests) -> StoreDigests:
    """Gather the digests of what a report is made from."""
    digests = stored.header.digests
    proved = progress.proof_of(digests.policy, stored.header.partition)
    return StoreDigests(
        stored.location.rpartition("/")[2],
        stored.header.checksum,
        digests.evidence,
        digests.policy,
        digests.settings,
        journal.found,
        proved.digest if proved else "",
    )


@dataclass(frozen=True, slots=True)
class FolderCheck:
    """How many parts of a filed report are as they were, which are not, and which could not be compared."""

    same: int
    changed: tuple[str, ...]
    not_compared: tuple[str, ...]


def check_folder(folder: Path, files: Files) -> FolderCheck:
    """Compute every digest again: of the files in the folder, and of plan, journal and proof in the store.

    Raises PlanRefused where the digests themselves were altered, NoPlan where there are none.
    """
    values = _digests_in(folder)
    changed: list[str] = []
    not_compared: list[str] = []
    same = 0
    for name, digest in values["files"].items():
        found = _digest_of(folder / name)
        if found == digest:
            same += 1
        else:
            changed.append(f"{name} is missing" if found is None else f"{name} was changed")
    for part, ask in (("plan", _plan), ("journal", _journal), ("proof", _proof)):
        try:
            good = ask(files, values["store"])
        except NoPlan:
            good = None
        except RolloutError as problem:
            changed.append(f"{part} in the store: {problem}")
            continue
        if good is None:
            not_compared.append(part)
        elif good:
            same += 1
        else:
            changed.append(f"{part} in the store was changed")
    return FolderCheck(same, tuple(changed), tuple(not_compared))


def _plan(files: Files, store: dict[str, Any]) -> bool:
    """Verify all of the plan and its evidence. Raises NoPlan where the store does not have it, PlanRefused."""
    plan = store["plan"]
    header = files.plans.load(plan["file"].removesuffix(".yaml"), whole=True).header
    stated = (header.checksum, header.digests.evidence, header.digests.policy, header.digests.settings)
    return stated == (plan["checksum"], plan["evidence"], store["policy"], store["settings"])


def _journal(files: Files, store: dict[str, Any]) -> bool | None:
    """Compare as much of each run as there was then; None where the store has none of the runs."""
    wanted = {run: (found["records"], found["sha256"]) for run, found in store["journal"].items()}
    digests = JournalDigests({run: records for run, (records, _) in wanted.items()})
    for _ in digests.passing(files.journal("report").records()):
        pass
    found = digests.found
    if not wanted.keys() & found.keys():
        return None
    return all(found.get(run) == digest for run, digest in wanted.items())


def _proof(files: Files, store: dict[str, Any]) -> bool | None:
    """Verify the bytes of the proof. Raises RecordAltered; None where there was none, or the journal is not here."""
    digests = JournalDigests()
    for _ in digests.passing(files.journal("report").records()):
        pass
    file = digests.proofs.get(store["proof"])
    if file is None:
        return None
    files.proofs.load(file, store["proof"])
    return True


def _digests_in(folder: Path) -> dict[str, Any]:
    place = folder / DIGESTS
    try:
        with place.open("rb") as stream:
            content = stream.read(_LARGEST)
    except OSError as problem:
        raise NoPlan(
            f"{place} cannot be read: {problem.strerror or problem}",
            cure="name a folder that `rollout report --evidence` wrote",
        ) from problem
    try:
        values = unsealed(content.decode())
    except UnicodeDecodeError:
        values = None
    if values is None:
        raise PlanRefused(
            f"{place} was altered",
            cure="restore the folder from where it was filed, or write the report again",
        )
    return values


def _digest_of(path: Path) -> str | None:
    found = sha256()
    try:
        with path.open("rb") as stream:
            while chunk := stream.read(_CHUNK):
                found.update(chunk)
    except OSError:
        return None
    return f"sha256:{found.hexdigest()}"
