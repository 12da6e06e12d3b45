"""Seals what is kept in the store, so that whoever can write there, but cannot use the key, can forge nothing.

A seal is an HMAC-SHA256, cut to 128 bits. Its secret follows from the store's key, the organization and the place of
the store; so nothing that was sealed for one store counts in another. The key is asked once in a process.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from threading import Lock
from typing import Protocol

from rollout.errors import KeyUnusable, RolloutError

_LENGTH = 32  # hexadecimal digits
_STAMP = re.compile(rb',"mac":"([0-9a-f]{32})"\}\n\Z')


class StoreKey(Protocol):
    """A key that whoever may only write to the store cannot use."""

    @property
    def name(self) -> str:
        """The key, for messages."""

    def derive(self, message: bytes) -> bytes:
        """Return 32 bytes that only the key's users can know: its HMAC-SHA256 of the message. Raises KeyUnusable."""


class Seals:
    """Makes and checks seals; safe to share between threads.

    Every method may raise KeyUnusable. A key that did not answer once is not asked again: somebody may be waiting to be
    let out.
    """

    def __init__(self, key: StoreKey, organization_id: str, place: str) -> None:
        """Ask nothing yet. `place` tells stores of one organization apart that have the same key."""
        self.key_name = key.name
        self._key = key
        self._message = f"rollout store 1\n{organization_id}\n{place}".encode()
        self._secret = b""
        self._unusable: KeyUnusable | None = None
        self._lock = Lock()

    def ask(self) -> None:
        """Ask the key, if that was not done yet."""
        self._hmac("", b"")

    @property
    def fingerprint(self) -> str:
        """A text that names the secret without telling it."""
        return self._hmac("fingerprint", b"").hex()[:16]

    def seal(self, kind: str, content: bytes) -> str:
        """Seal the content; a seal of one kind is none of another."""
        return self._hmac(kind, content).hex()[:_LENGTH]

    def fits(self, kind: str, content: bytes, seal: str) -> bool:
        """Tell whether a seal was made for this content."""
        return hmac.compare_digest(self.seal(kind, content).encode(), seal.encode())

    def key_of_run(self, run: str) -> bytes:
        """Return the key that seals the lines of one run's segment."""
        return self._hmac("run", run.encode())

    def _hmac(self, kind: str, content: bytes) -> bytes:
        with self._lock:
            if self._unusable:
                raise self._unusable
            if not self._secret:
                try:
                    self._secret = self._key.derive(self._message)
                except KeyUnusable as problem:
                    self._unusable = problem
                    raise
        return hmac.digest(self._secret, kind.encode() + b"\0" + content, "sha256")


class SeenEnds(Protocol):
    """What is remembered outside of the store of how the journal ended."""

    @property
    def where(self) -> str:
        """Where it is remembered, for messages."""

    def ends(self) -> Mapping[str, str]:
        """Return, by run, the checksum of the last line that was seen of it."""

    def remember(self, ends: Mapping[str, str], instead_of: Mapping[str, str]) -> None:
        """Remember these ends in place of others; what was remembered meanwhile stays."""


def stamped(line: bytes, seal: bytes) -> bytes:
    """Write a seal into a line of JSON, as its last value."""
    return b'%b,"mac":"%b"}\n' % (line[:-2], seal)


def unstamped(line: bytes) -> tuple[bytes, bytes]:
    """Take the seal out of a line; it is empty where there is none."""
    found = _STAMP.search(line)
    return (line[: found.start()] + b"}\n", found[1]) if found else (line, b"")


def refuse(problem: RolloutError) -> None:
    """Refuse to go on."""
    raise problem


@dataclass(frozen=True, slots=True)
class Trust:
    """By what the record is trusted, and what is done about the rest of it.

    Without `seals`, the store has no key. `tell` either raises, as it must before anybody comes under the policy, or
    notes what cannot be trusted, which is then left out of account. `seen` is what this machine has seen of the
    journal.
    """

    seals: Seals | None = None
    tell: Callable[[RolloutError], None] = refuse
    seen: SeenEnds | None = None

    def usable(self) -> Seals | None:
        """Return the seals; None where there is no key, or `tell` does without."""
        if self.seals is not None:
            try:
                self.seals.ask()
            except KeyUnusable as problem:
                self.tell(problem)
                return None
        return self.seals
