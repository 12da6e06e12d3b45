"""Defines the file operations that plans need, so that a folder and a bucket store them in the same way."""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import BinaryIO, Protocol


class NamedFiles(Protocol):
    """Named files. Names are relative and use `/`; a file is either complete or absent."""

    def writing(self, name: str) -> AbstractContextManager[BinaryIO]:
        """Write a file that appears, or replaces the old one, once the block ends without error. Raises Unwritable."""

    def reading(self, name: str, start: int = 0) -> AbstractContextManager[BinaryIO]:
        """Open a file for reading, from a byte of it on. Raises FileNotFoundError, and other OSErrors."""

    def names(self, folder: str) -> list[str]:
        """List the files directly in a folder by bare name, sorted; empty when the folder does not exist."""

    def where(self, name: str) -> str:
        """Return the file's path or address, for messages."""
