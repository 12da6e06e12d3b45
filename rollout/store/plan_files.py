"""Keeps plans, each a YAML file for review plus an evidence file, and refuses a plan when either was altered."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import IO

from rollout.domain.plan.entries import AccountPlan, Header
from rollout.errors import NoPlan, PlanRefused
from rollout.files.bounded_files import SMALL, BeyondLimit, BoundedStream, Limits
from rollout.files.private_files import FolderStore
from rollout.store.files import NamedFiles
from rollout.store.formats import evidence, plan_yaml
from rollout.store.formats.renewal import read_renewal, renewal_bytes

ENDING = ".yaml"
EVIDENCE = ".evidence.jsonl.gz"
RENEWAL = ".renewed.json"
_LIKE_A_STEM = re.compile(r"\d{4}-\d{2}-\d{2}-.+")
_SAFE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
_IN_MEMORY = 16 << 20
_MOST_OF_A_RENEWAL = 4096


def stem_of(header: Header) -> str:
    """Return the stem of a plan's file name: the day the plan was created, then its ID."""
    return f"{header.created.astimezone(UTC).date().isoformat()}-{header.id}"


@dataclass(frozen=True, slots=True)
class FiledPlan:
    """Implements `StoredPlan`: a plan whose checksum and evidence digest were verified."""

    files: NamedFiles
    name: str
    header: Header
    renewed: datetime | None = None

    @property
    def stem(self) -> str:
        """The stem of the file name, which also names the report folder."""
        return self.name.rpartition("/")[2].removesuffix(ENDING)

    @property
    def location(self) -> str:
        """The file's path or address, for messages."""
        return self.files.where(self.name)

    def renew(self, at: datetime) -> FiledPlan:
        """Note beside the plan that planning again made no difference. Raises Unwritable."""
        with self.files.writing(_beside(self.name, RENEWAL)) as stream:
            stream.write(renewal_bytes(self.header.checksum, at))
        return replace(self, renewed=at)

    def accounts(self) -> Iterator[AccountPlan]:
        """Yield one account at a time, its document joined with its evidence. Raises NoPlan, PlanRefused.

        Both files are verified again, since days may pass between opening a plan and applying it.
        """
        _check(self)
        evidence_name = _beside(self.name)
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


class Plans:
    """Implements `PlanStore` with named files, in a folder or a bucket.

    The evidence file is written before the plan file, so every visible plan is complete.
    """

    def __init__(self, files: NamedFiles, folder: str = "plans") -> None:
        self._files = files
        self._folder = folder

    def save(self, header: Header, accounts: Iterable[AccountPlan]) -> FiledPlan:
        """Write the plan and its evidence, and fill in the checksum and the evidence digest.

        `accounts` must be sorted by account ID. Raises Unwritable, and ValueError for accounts out of order.
        """
        if not _SAFE_ID.fullmatch(header.id):
            raise ValueError(f"{header.id!r} cannot be a plan ID, since it cannot be part of a file name")
        return _save(self._files, f"{self._folder}/{stem_of(header)}{ENDING}", header, accounts)

    def load(self, reference: str | None, organization_id: str | None = None) -> FiledPlan:
        """Open a plan by path, file stem or plan ID, or the newest by `created` when `reference` is None.

        The newest is taken from `organization_id`'s plans if there are any. Raises NoPlan, and PlanRefused when the
        plan was altered or its evidence is missing or altered.
        """
        found = self._newest(organization_id) if reference is None else self._named(reference)
        return _checked(found)

    def _named(self, reference: str) -> FiledPlan:
        for files, name in self._places(reference):
            try:
                return FiledPlan(files, name, _header(files, name))
            except FileNotFoundError:
                continue
        by_id = [plan for plan in self._all(f"-{reference}{ENDING}")[0] if plan.header.id == reference]
        if by_id:
            return max(by_id, key=_age)
        known = ", ".join(name.removesuffix(ENDING) for name in self._candidates("")[-3:])
        raise NoPlan(
            f'no plan "{reference}": no path, file stem or plan ID matches',
            cure=f"name one of these: {known}" if known else "run `rollout plan`",
        )

    def _places(self, reference: str) -> Iterator[tuple[NamedFiles, str]]:
        """Yield the places where a plan of that name may be, the likeliest first."""
        name = f"{reference.removesuffix(ENDING)}{ENDING}"
        if name in self._files.names(self._folder):
            yield self._files, f"{self._folder}/{name}"

    def _newest(self, organization_id: str | None) -> FiledPlan:
        plans, broken = self._all(ENDING)
        mine = [plan for plan in plans if plan.header.organization_id == organization_id]
        newest = max(mine or plans, key=_age, default=None)
        # Do not silently fall back to an older plan when a newer header was altered.
        day = newest.stem[:10] if newest else ""
        for bare, refused in broken:
            if bare[:10] >= day:
                raise PlanRefused(str(refused), cure=f"{refused.cure}; or move that file away") from refused
        if newest is None:
            raise NoPlan(f"there is no plan in {self._files.where(self._folder)}", cure="run `rollout plan`")
        for plan in plans:
            if _age(plan) > _age(newest):
                _check_file(plan)
        return newest

    def _candidates(self, ending: str) -> list[str]:
        names = self._files.names(self._folder)
        return [name for name in names if name.endswith(ENDING) and name.endswith(ending)]

    def _all(self, ending: str) -> tuple[list[FiledPlan], list[tuple[str, PlanRefused]]]:
        """Read the headers of all plans, and collect the files that are named like plans but cannot be read."""
        plans, broken = [], []
        for bare in self._candidates(ending):
            try:
                plans.append(self._listed(bare))
            except PlanRefused as refused:
                if _LIKE_A_STEM.fullmatch(bare):  # any other name is not one of our files
                    broken.append((bare, refused))
            except FileNotFoundError:
                continue  # deleted since it was listed
        return plans, broken

    def _listed(self, bare: str) -> FiledPlan:
        name = f"{self._folder}/{bare}"
        plan = FiledPlan(self._files, name, _header(self._files, name))
        if _LIKE_A_STEM.fullmatch(bare) and bare[:10] != stem_of(plan.header)[:10]:
            why = f"{plan.location} was created on another day than its file name says"
            raise PlanRefused(why, cure=plan_yaml.PLAN_AGAIN)
        return plan


class FolderPlans(Plans):
    """Plans in a local folder. The samples, in a folder below it, are found by path only."""

    def __init__(self, root: Path, folder: str = "plans") -> None:
        super().__init__(FolderStore(root), folder)
        self._root = root

    def _places(self, reference: str) -> Iterator[tuple[NamedFiles, str]]:
        for text in (reference, f"{reference}{ENDING}"):
            for path in (Path(text), self._root / text):
                if is_file(path):
                    yield FolderStore(path.parent), path.name
        yield from super()._places(reference)


class PlanAtPath:
    """One plan, in a file of the operator's choice on this machine (fills `PlanStore`)."""

    def __init__(self, path: Path) -> None:
        """Neither read nor write anything yet."""
        self._files, self._name = FolderStore(path.parent), path.name

    def save(self, header: Header, accounts: Iterable[AccountPlan]) -> FiledPlan:
        """Write that file, its evidence beside it. Raises Unwritable."""
        return _save(self._files, self._name, header, accounts)

    def load(self, reference: str | None = None, organization_id: str | None = None) -> FiledPlan:
        """Open that file; there is no other to choose. Raises NoPlan, PlanRefused."""
        try:
            return _checked(FiledPlan(self._files, self._name, _header(self._files, self._name)))
        except FileNotFoundError as problem:
            raise NoPlan(
                f"there is no {self._files.where(self._name)}", cure="run `rollout plan`"
            ) from problem


def is_file(path: Path) -> bool:
    """Tell whether the path is an existing file; False for paths that cannot exist."""
    try:
        return path.is_file()
    except (OSError, ValueError):  # the path is too long, or contains a zero byte
        return False


def _save(files: NamedFiles, name: str, header: Header, accounts: Iterable[AccountPlan]) -> FiledPlan:
    wave_order = {wave: place for place, wave in enumerate(header.waves)}
    with SpooledTemporaryFile(max_size=_IN_MEMORY) as body:
        # The header holds the evidence's digest and stands first, so the documents have to wait.
        with files.writing(_beside(name)) as stream, plan_yaml.DocumentWriter(body) as documents:
            facts = evidence.EvidenceWriter(stream)
            for account in _in_order(accounts):
                documents.write_account(account, wave_order)
                facts.write_account(account)
            facts.close()
        digests = replace(header.digests, evidence=facts.digest)
        top, sealed = plan_yaml.sealed_header(replace(header, digests=digests), _chunks(body))
        with files.writing(name) as stream:
            stream.write(top)
            for chunk in _chunks(body):
                stream.write(chunk)
    return FiledPlan(files, name, sealed)


def _checked(plan: FiledPlan) -> FiledPlan:
    """Check both files, and look for a renewal. Raises NoPlan, PlanRefused."""
    _check(plan)
    try:
        with _reading(plan.files, _beside(plan.name, RENEWAL), SMALL) as stream:
            return replace(plan, renewed=read_renewal(stream.read(_MOST_OF_A_RENEWAL), plan.header.checksum))
    except FileNotFoundError:
        return plan


def _check(plan: FiledPlan) -> None:
    """Verify both files against the header. Raises NoPlan, PlanRefused."""
    evidence_name = _beside(plan.name)
    there = plan.files.where(evidence_name)
    _check_file(plan)
    try:
        with _reading(plan.files, evidence_name, evidence.LIMITS) as stream:
            evidence.verify(stream, plan.header.digests.evidence, there)
    except FileNotFoundError as problem:
        raise PlanRefused(
            f"the evidence of {plan.location} is missing: {there} does not exist",
            cure="restore that file next to the plan, or run `rollout plan` again",
        ) from problem


def _check_file(plan: FiledPlan) -> None:
    try:
        with _reading(plan.files, plan.name, plan_yaml.LIMITS) as stream:
            plan_yaml.verify(stream, plan.header.checksum, plan.location)
    except FileNotFoundError as problem:
        raise NoPlan(f"{plan.location} no longer exists", cure="run `rollout plan`") from problem


def _header(files: NamedFiles, name: str) -> Header:
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


def _beside(name: str, ending: str = EVIDENCE) -> str:
    return name.removesuffix(ENDING) + ending


def _age(plan: FiledPlan) -> tuple[datetime, str]:
    return plan.header.created, plan.stem


def _in_order(accounts: Iterable[AccountPlan]) -> Iterator[AccountPlan]:
    last = ""
    for account in accounts:
        if account.account_id <= last:
            raise ValueError(
                f"the accounts of a plan must be sorted and unique: got {account.account_id} after {last}"
            )
        last = account.account_id
        yield _sorted(account)


def _sorted(account: AccountPlan) -> AccountPlan:
    entries = tuple(sorted(account.entries, key=lambda entry: entry.user.name))
    for first, second in pairwise(entries):
        if first.user.name == second.user.name:
            raise ValueError(
                f"user {first.user.name} occurs twice in account {account.account_id} of the plan"
            )
    if any(entry.user.account_id != account.account_id for entry in entries):
        raise ValueError(f"account {account.account_id} of the plan contains a user of another account")
    return replace(account, entries=entries)


def _chunks(body: IO[bytes]) -> Iterator[bytes]:
    body.seek(0)
    while chunk := body.read(plan_yaml.CHUNK):
        yield chunk
