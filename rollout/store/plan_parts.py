"""Writes down each account of a plan in the making as soon as it is judged; the plan is made of these parts.

A part is what will stand in the plan's files: the account's document, then its member of the evidence file. So the plan
is made by copying, and only what the index says of each account is held (design.md#plan-file).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from hashlib import sha256
from io import BytesIO
from itertools import pairwise
from typing import Any, SupportsIndex

from pydantic import TypeAdapter

from rollout.domain.plan.entries import AccountPlan, cures_in
from rollout.domain.plan.outline import outline_of
from rollout.errors import PlanRefused
from rollout.files.bounded_files import BoundedStream
from rollout.store.files import NamedFiles
from rollout.store.formats import evidence, plan_index, plan_yaml
from rollout.store.formats.mappings import ANY_MAPPING
from rollout.workflows.ports import WrittenPart


@dataclass(frozen=True, slots=True)
class PartLayout:
    """What the index and the header will say of an account; its document in bytes and lines, and the part in bytes."""

    content: plan_index.Content
    cures: dict[str, str]
    document: int
    lines: int
    size: int


_LAYOUT = TypeAdapter(PartLayout)


@dataclass(slots=True)
class StoredParts:
    """Implements `PlanParts` with named files, in a folder of them."""

    files: NamedFiles
    folder: str = "accounts"
    carried: bool = False
    """Whether parts that were written elsewhere come back with the answer."""
    _kept: dict[str, WrittenPart] = field(default_factory=dict)

    def __reduce__(self) -> tuple[type[StoredParts], tuple[NamedFiles, str]]:
        """Be of use for writing in another process."""
        return StoredParts, (self.files, self.folder)

    def write(self, account: AccountPlan) -> WrittenPart:
        """Write an account's part. Raises Unwritable, and ValueError for users who are not the account's."""
        part, content = packed_part(account)
        self._store(part, content)
        return part

    def keep(self, part: WrittenPart) -> WrittenPart:
        """Take a part into the plan. Raises Unwritable, and ValueError for an account that is in it already."""
        if part.account_id in self._kept:
            raise ValueError(f"account {part.account_id} is in the plan already")
        if part.carried:
            self._store(part, part.carried)
        kept = self._kept[part.account_id] = replace(part, carried=b"")
        return kept

    def _store(self, part: WrittenPart, content: bytes) -> None:
        with self.files.writing(self._name(part.account_id)) as stream:
            stream.write(content)

    def __reduce_ex__(self, protocol: SupportsIndex) -> str | tuple[Any, ...]:
        """Be pickled as what carries parts back here, where another machine does not have this folder."""
        return (CarriedParts, ()) if self.carried else object.__reduce_ex__(self, protocol)

    def accounts(self, only: frozenset[str] | None = None) -> Iterator[AccountPlan]:
        """Yield the parts that were kept, read anew. Raises PlanRefused if one was altered."""
        for layout, document, member in self.pieces(only):
            where = self.files.where(self._name(layout.content.outline.account_id))
            text = BoundedStream(BytesIO(document), where, plan_yaml.LIMITS)
            lines = BoundedStream(BytesIO(member), where, evidence.LIMITS)
            located = plan_yaml.read_account(text, where, 0)
            yield evidence.read_one(located, lines, layout.content.evidence, where)

    def pieces(self, only: frozenset[str] | None = None) -> Iterator[tuple[PartLayout, bytes, bytes]]:
        """Yield each part's layout, document and member of the evidence. Raises PlanRefused if one was altered."""
        for account_id in sorted(self._kept if only is None else only & self._kept.keys()):
            part, name = self._kept[account_id], self._name(account_id)
            layout = _LAYOUT.validate_json(part.layout)
            with self.files.reading(name) as stream:
                read = stream.read(layout.size + 1)
            if sha256(read).hexdigest() != part.digest:
                raise PlanRefused(
                    f"{self.files.where(name)} was altered while the plan was made",
                    cure="run `rollout plan` again",
                )
            yield layout, read[: layout.document], read[layout.document :]

    def _name(self, account_id: str) -> str:
        return f"{self.folder}/{account_id}.part"


class CarriedParts:
    """Implements `PlanParts` elsewhere: what is written goes back to where the plan is made, with the answer."""

    def write(self, account: AccountPlan) -> WrittenPart:
        """Return an account's part with its bytes. Raises ValueError for users who are not the account's."""
        part, content = packed_part(account)
        return replace(part, carried=content)


def packed_part(account: AccountPlan) -> tuple[WrittenPart, bytes]:
    """Return an account's part, and its bytes. Raises ValueError for users who are not the account's."""
    account = _sorted(account)
    document, packed = plan_yaml.account_document(account), BytesIO()
    digest = evidence.EvidenceWriter(packed).write_account(account)
    content = document + packed.getvalue()
    known = plan_index.Content(outline_of(account), digest)
    layout = PartLayout(known, cures_in(account), len(document), document.count(b"\n"), len(content))
    spelled = _LAYOUT.dump_json(layout, **ANY_MAPPING)
    return WrittenPart(account.account_id, sha256(content).hexdigest(), spelled), content


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
