"""Keeps plans, each a YAML file for review plus an evidence file, and refuses a plan when either was altered."""

from __future__ import annotations

import gzip
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

from rollout.domain.plan.entries import Header
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
from rollout.store.formats import plan_index, plan_yaml
from rollout.store.formats.seals import Trust
from rollout.store.plan_parts import StoredParts

_LIKE_A_STEM = re.compile(r"\d{4}-\d{2}-\d{2}-.+")
_SAFE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")


def stem_of(header: Header) -> str:
    """Return the stem of a plan's file name: the day the plan was created, then its ID."""
    return f"{header.created.astimezone(UTC).date().isoformat()}-{header.id}"


class Plans:
    """Implements `PlanStore` with named files, in a folder or a bucket.

    The evidence file is written before the plan file, so every visible plan is complete.
    """

    folder: Path | None = None
    """The folder on this machine in which the plans are, if they are in one."""

    def __init__(self, files: NamedFiles, folder: str = "plans", trust: Trust | None = None) -> None:
        self._files = files
        self._folder = folder
        self._trust = trust or Trust()

    def save(self, header: Header, parts: StoredParts) -> FiledPlan:
        """Put the plan and its evidence together of their parts, and fill in the checksum and the digests.

        Raises Unwritable, and PlanRefused if a part was altered.
        """
        if not _SAFE_ID.fullmatch(header.id):
            raise ValueError(f"{header.id!r} cannot be a plan ID, since it cannot be part of a file name")
        return _save(self._files, f"{self._folder}/{stem_of(header)}{ENDING}", header, parts, self._trust)

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

    def before(self, header: Header) -> FiledPlan | None:
        """Open the plan that was the newest of the organization when another one was made; None if there was none.

        Raises PlanRefused when it was altered.
        """
        return self.made_until(header.organization_id, header.created - timedelta.resolution)

    def made_until(self, organization_id: str, at: datetime) -> FiledPlan | None:
        """Open the plan that was the newest of an organization at a time; None if there was none.

        Raises PlanRefused when it was altered.
        """
        plans = [
            plan
            for plan in self._all(ENDING)[0]
            if plan.header.organization_id == organization_id and plan.header.created <= at
        ]
        return checked(max(plans, key=_age), whole=False) if plans else None

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
        self._root, self.folder = root, root / folder

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
        self._files, self._name, self.folder = FolderStore(path.parent), path.name, path.parent
        self._trust = trust or Trust()

    def save(self, header: Header, parts: StoredParts) -> FiledPlan:
        """Write that file, its evidence beside it. Raises Unwritable, and PlanRefused if a part was altered."""
        return _save(self._files, self._name, header, parts, self._trust)

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


@dataclass(slots=True)
class StoredDraft(StoredParts):
    """Implements `PlanDraft`: parts that become a plan in its place."""

    place: Plans | PlanAtPath = field(kw_only=True)

    def save(self, header: Header) -> FiledPlan:
        """Write the plan. Raises Unwritable, and PlanRefused if a part was altered."""
        return self.place.save(header, self)


def is_file(path: Path) -> bool:
    """Tell whether the path is an existing file; False for paths that cannot exist."""
    try:
        return path.is_file()
    except (OSError, ValueError):  # the path is too long, or contains a zero byte
        return False


def _save(files: NamedFiles, name: str, header: Header, parts: StoredParts, trust: Trust) -> FiledPlan:
    index, lines = plan_index.IndexWriter(), sha256()
    cures: dict[str, str] = {}
    document = line = member_at = 0
    with files.writing(beside(name)) as stream:
        for part, _, member in parts.pieces():
            lines.update(gzip.decompress(member))
            index.add(part.content, plan_index.Whereabouts(document, line, member_at))
            stream.write(member)
            cures |= part.cures
            document, line, member_at = document + part.document, line + part.lines, member_at + len(member)
    digests = replace(header.digests, evidence=f"sha256:{lines.hexdigest()}", index=index.digest)
    whole = replace(header, digests=digests, cures=dict(sorted(cures.items())))
    top, finished = plan_yaml.finished_header(whole, _documents(parts), trust.seals)
    with files.writing(beside(name, INDEX)) as stream:
        index.write(stream, top)
    with files.writing(name) as stream:
        stream.write(top)
        stream.writelines(_documents(parts))
    return FiledPlan(files, name, finished, trust=trust)


def _documents(parts: StoredParts) -> Iterator[bytes]:
    return (document for _, document, _ in parts.pieces())


def _age(plan: FiledPlan) -> tuple[datetime, str]:
    return plan.header.created, plan.stem
