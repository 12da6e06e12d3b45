"""What plans need of the place they lie in, so that a folder and a bucket keep them in the same way."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import BinaryIO, Protocol


class Files(Protocol):
    """Named files. Names are relative and use `/`; a file is there whole or not at all."""

    def writing(self, name: str) -> AbstractContextManager[BinaryIO]:
        """Write a file that appears when the block ends well, in place of one of that name. Raises Unwritable."""

    def reading(self, name: str) -> AbstractContextManager[BinaryIO]:
        """Read a file. Raises FileNotFoundError where there is none, other OSErrors as they come."""

    def names(self, folder: str) -> list[str]:
        """List the files right in a folder, sorted, by bare name; none where there is no folder."""

    def where(self, name: str) -> str:
        """Tell a person where the file is."""
