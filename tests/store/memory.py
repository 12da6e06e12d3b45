"""Named files without a disk, for tests that save hundreds of plans."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import BinaryIO

from rollout.domain.plan.entries import AccountPlan, Header
from rollout.store.files import NamedFiles
from rollout.store.plan_parts import StoredParts


def parted(
    header: Header, accounts: Iterable[AccountPlan], files: NamedFiles | None = None
) -> tuple[Header, StoredParts]:
    """A plan's header, and its accounts as the parts of which a store makes the plan."""
    parts = StoredParts(files or MemoryFiles())
    for account in accounts:
        parts.keep(parts.write(account))
    return header, parts


class MemoryFiles:
    """Fills `NamedFiles`."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}

    @contextmanager
    def writing(self, name: str) -> Iterator[BinaryIO]:
        stream = BytesIO()
        yield stream
        self.kept[name] = stream.getvalue()

    @contextmanager
    def reading(self, name: str, start: int = 0) -> Iterator[BinaryIO]:
        if name not in self.kept:
            raise FileNotFoundError(name)
        yield BytesIO(self.kept[name][start:])

    def names(self, folder: str) -> list[str]:
        found = (name.removeprefix(f"{folder}/") for name in self.kept if name.startswith(f"{folder}/"))
        return sorted(name for name in found if "/" not in name)

    def where(self, name: str) -> str:
        return f"memory:{name}"
