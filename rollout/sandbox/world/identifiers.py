"""Derives every ID from the sandbox's instance name, so that the same instance gives the same organization."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass

DESCRIBED_SEED = "ROLLOUTSANDBOX22" * 4
"""The seed of every virtual device and hardware token that the description lists, so that anybody can compute codes.

A device made by CreateVirtualMFADevice has a seed of its own, which only that call returns.
"""
_LOWER = "abcdefghijklmnopqrstuvwxyz0123456789"


def _digest(*parts: object) -> bytes:
    return hashlib.sha256("\x1f".join(str(part) for part in parts).encode()).digest()


def _lower(size: int, *parts: object) -> str:
    return "".join(_LOWER[byte % len(_LOWER)] for byte in _digest(*parts)[:size])


def _upper(prefix: str, size: int, *parts: object) -> str:
    return prefix + base64.b32encode(_digest(prefix, *parts)).decode()[: size - len(prefix)]


@dataclass(frozen=True)
class Identifiers:
    """Generates IDs in AWS's formats; equal arguments give equal IDs."""

    instance: str

    def organization(self) -> str:
        """Return the organization ID (`o-…`)."""
        return "o-" + _lower(10, self.instance, "organization")

    def root(self) -> str:
        """Return the ID of the organization's root (`r-…`)."""
        return "r-" + _lower(4, self.instance, "root")

    def organizational_unit(self, path: str) -> str:
        """Return the ID of an OU (`ou-…`), by its path of names or a sequence number."""
        return f"ou-{self.root()[2:]}-{_lower(8, self.instance, 'ou', path)}"

    def organization_policy(self, name: str) -> str:
        """Return the ID of a service control policy (`p-…`)."""
        return "p-" + _lower(8, self.instance, "policy", name)

    def account(self, number: int) -> str:
        """Return an ID for an account that is not in the description."""
        return str(10**11 + int.from_bytes(_digest(self.instance, "account", number)[:8]) % (9 * 10**11))

    def user(self, account: str, name: str, generation: int = 1) -> str:
        """Return a UserId (`AIDA…`); each `generation` of a reused name has another one."""
        return _upper("AIDA", 21, self.instance, account, name, *_later(generation))

    def group(self, account: str, name: str, generation: int = 1) -> str:
        """Return a GroupId (`AGPA…`)."""
        return _upper("AGPA", 21, self.instance, account, name, *_later(generation))

    def role(self, account: str, name: str, generation: int = 1) -> str:
        """Return a RoleId (`AROA…`)."""
        return _upper("AROA", 21, self.instance, account, name, *_later(generation))

    def policy(self, account: str, name: str, generation: int = 1) -> str:
        """Return a PolicyId (`ANPA…`)."""
        return _upper("ANPA", 21, self.instance, account, name, *_later(generation))

    def access_key(self, account: str, user: str, number: int) -> str:
        """Return the ID of a user's n-th access key (`AKIA…`)."""
        return _upper("AKIA", 20, self.instance, account, user, number)

    def session_key(self, *parts: object) -> str:
        """Return the access key ID of a session (`ASIA…`)."""
        return _upper("ASIA", 20, self.instance, *parts)

    def service_credential(self, account: str, user: str, number: int) -> str:
        """Return the ID of a service-specific credential (`ACCA…`)."""
        return _upper("ACCA", 21, self.instance, account, user, number)

    def passkey(self, account: str, user: str, name: str) -> str:
        """Return the suffix that AWS appends to a passkey's name in its ARN."""
        return _upper("", 26, self.instance, account, user, name)

    def secret(self, *parts: object) -> str:
        """Return a secret access key."""
        return base64.b64encode(_digest(self.instance, "secret", *parts)).decode()[:40]

    def device_seed(self, serial: str, number: int) -> str:
        """Return the seed of a virtual MFA device, in Base32, of the length that AWS uses."""
        digest = _digest(self.instance, "seed", serial, number) + _digest(
            self.instance, "more", serial, number
        )
        return base64.b32encode(digest[:40]).decode()

    def token(self, *parts: object) -> str:
        """Return a session token."""
        return base64.b64encode(_digest(self.instance, "token", *parts) * 4).decode()

    def request(self, *parts: object) -> str:
        """Return a request ID in the form of a UUID."""
        text = _digest(self.instance, "request", *parts).hex()
        return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-a{text[17:20]}-{text[20:32]}"


def _later(generation: int) -> tuple[int, ...]:
    return () if generation == 1 else (generation,)
