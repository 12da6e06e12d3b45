"""Keeps plans, each a YAML file for review plus an evidence file, and refuses a plan when either was altered."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from tempfile import SpooledTemporaryFile
from typing import IO

from rollout.domain.plan.entries import AccountPlan, Header, cures_in
from rollout.domain.plan.outline import outline_of
from rollout.errors import NoPlan, PlanRefused
from rollout.files.private_files import FolderStore
from rollout.store.filed_plan import (
    ENDING,
    INDEX,
    FiledPlan,
    beside,
    check_file,
    checked,
    header_of,
    is_whole,
)
from rollout.store.files import NamedFiles
from rollout.store.formats import evidence, plan_index, plan_yaml
from rollout.store.formats.seals import Trust

_LIKE_A_STEM = re.compile(r"\d{4}-\d{2}-\d{2}-.+")
_SAFE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")
_IN_MEMORY = 16 << 20


def stem_of(header: Header) -> str:
    """Return the stem of a plan's file name: the day the plan was created, then its ID."""
    return f"{header.created.astimezone(UTC).date().isoformat()}-{header.id}"


class Plans:
    """Implements `PlanStore` with named files, in a folder or a bucket.

    The evidence file is written before the plan file, so every visible plan is complete.
    """

    def __init__(self, files: NamedFiles, folder: str = "plans", trust: Trust | None = None) -> None:
        self._files = files
        self._folder = folder
        self._trust = trust or Trust()

    def save(self, header: Header, accounts: Iterable[AccountPlan]) -> FiledPlan:
        """Write the plan and its evidence, and fill in the checksum and the evidence digest.

        `accounts` must be sorted by account ID. Raises Unwritable, and ValueError for accounts out of order.
        """
        if not _SAFE_ID.fullmatch(header.id):
            raise ValueError(f"{header.id!r} cannot be a plan ID, since it cannot be part of a file name")
        return _save(self._files, f"{self._folder}/{stem_of(header)}{ENDING}", header, accounts, self._trust)

    def load(
        self, reference: str | None, organization_id: str | None = None, *, whole: bool = True
    ) -> FiledPlan:
        """Open a plan by path, file stem or plan ID, or the newest by `created` when `reference` is None.

        The newest is taken from `organization_id`'s plans if there are any. `whole`: verify all of the evidence at
        once; otherwise what is read of it is verified as it is read. Raises NoPlan, and PlanRefused when the
        plan was altered or its evidence is missing or altered; a plan without the seal that it needs is told of.
        """
        found = self._newest(organization_id) if reference is None else self._named(reference)
        return checked(found, whole=whole)

    def unsealed(self) -> list[FiledPlan]:
        """Find the whole plans that the store's key has not sealed. Raises KeyUnusable."""
        seals = self._trust.usable()
        plans = [
            plan for plan in self._all(ENDING)[0] if seals and not plan_yaml.is_sealed(plan.header, seals)
        ]
        return [plan for plan in plans if is_whole(plan)]

    def _named(self, reference: str) -> FiledPlan:
        for files, name in self._places(reference):
            try:
                return FiledPlan(files, name, header_of(files, name), trust=self._trust)
            except FileNotFoundError:
                continue
        named, broken = self._all(f"-{reference}{ENDING}")
        by_id = [plan for plan in named if plan.header.id == reference]
        if by_id:
            return max(by_id, key=_age)
        for _, refused in broken:
            raise refused
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
                check_file(plan)
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
        plan = FiledPlan(self._files, name, header_of(self._files, name), trust=self._trust)
        if _LIKE_A_STEM.fullmatch(bare) and bare[:10] != stem_of(plan.header)[:10]:
            why = f"{plan.location} was created on another day than its file name says"
            raise PlanRefused(why, cure=plan_yaml.PLAN_AGAIN)
        return plan


class FolderPlans(Plans):
    """Plans in a local folder. The samples, in a folder below it, are found by path only."""

    def __init__(self, root: Path, folder: str = "plans", trust: Trust | None = None) -> None:
        super().__init__(FolderStore(root), folder, trust)
        self._root = root

    def _places(self, reference: str) -> Iterator[tuple[NamedFiles, str]]:
        for text in (reference, f"{reference}{ENDING}"):
            for path in (Path(text), self._root / text):
                if is_file(path):
                    yield FolderStore(path.parent), path.name
        yield from super()._places(reference)


class PlanAtPath:
    """One plan, in a file of the operator's choice on this machine (fills `PlanStore`)."""

    def __init__(self, path: Path, trust: Trust | None = None) -> None:
        """Neither read nor write anything yet."""
        self._files, self._name = FolderStore(path.parent), path.name
        self._trust = trust or Trust()

    def save(self, header: Header, accounts: Iterable[AccountPlan]) -> FiledPlan:
        """Write that file, its evidence beside it. Raises Unwritable."""
        return _save(self._files, self._name, header, accounts, self._trust)

    def load(
        self, reference: str | None = None, organization_id: str | None = None, *, whole: bool = True
    ) -> FiledPlan:
        """Open that file; there is no other to choose. Raises NoPlan, PlanRefused."""
        try:
            header = header_of(self._files, self._name)
            return checked(FiledPlan(self._files, self._name, header, trust=self._trust), whole=whole)
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


def _save(
    files: NamedFiles, name: str, header: Header, accounts: Iterable[AccountPlan], trust: Trust
) -> FiledPlan:
    index = plan_index.IndexWriter()
    cures: dict[str, str] = {}
    size = lines = 0
    with SpooledTemporaryFile(max_size=_IN_MEMORY) as body:
        # The header holds the evidence's digest and stands first, so the documents have to wait.
        with files.writing(beside(name)) as stream:
            facts = evidence.EvidenceWriter(stream)
            for account in _in_order(accounts):
                place = plan_index.Whereabouts(size, lines, stream.tell())
                document = plan_yaml.account_document(account)
                body.write(document)
                size += len(document)
                lines += document.count(b"\n")
                cures |= cures_in(account)
                index.add(plan_index.Content(outline_of(account), facts.write_account(account)), place)
        digests = replace(header.digests, evidence=facts.digest, index=index.digest)
        whole = replace(header, digests=digests, cures=dict(sorted(cures.items())))
        top, finished = plan_yaml.finished_header(whole, _chunks(body), trust.seals)
        with files.writing(beside(name, INDEX)) as stream:
            index.write(stream, top)
        with files.writing(name) as stream:
            stream.write(top)
            for chunk in _chunks(body):
                stream.write(chunk)
    return FiledPlan(files, name, finished, trust=trust)


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
