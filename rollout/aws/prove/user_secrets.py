"""Holds what the throw-away users of a proof sign in and sign with; it is in memory only."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pyotp

from rollout.awsapi.sessions import RoleCredentials
from rollout.domain.proof.proof_questions import SignedBy

if TYPE_CHECKING:
    from botocore.credentials import ReadOnlyCredentials

STEP = 30
"""Seconds for which a code of a TOTP device holds (RFC 6238)."""


@dataclass(frozen=True, slots=True)
class UserKeys:
    """An `Identity` of one user: a long-term key, or a session."""

    chosen: RoleCredentials
    keys: ReadOnlyCredentials = field(repr=False)
    own = False

    @contextmanager
    def signing(self) -> Iterator[None]:
        with self.chosen.use(self.keys):
            yield

    def renew(self) -> None:
        """Do nothing: these sessions outlive the proof."""


@dataclass(slots=True)
class TotpDevice:
    """A virtual device; `used` is the last step of 30 seconds whose code was used."""

    serial: str
    seed: str = field(repr=False)
    used: int = 0

    def code(self, step: int) -> str:
        return pyotp.TOTP(self.seed).at(datetime.fromtimestamp(step * STEP, UTC))


@dataclass(slots=True)
class UserSecrets:
    """What one user has."""

    key: UserKeys | None = None
    session: UserKeys | None = None
    password: str = field(default="", repr=False)
    device: TotpDevice | None = None
    second: TotpDevice | None = None
    urls: dict[SignedBy, str] = field(default_factory=dict, repr=False)
