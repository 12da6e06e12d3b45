"""Seals a store with an HMAC key of AWS KMS: aws-facts.md#hmac-keys-of-kms."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from rollout.awsapi.attempts import CallCounts, CallRequest
from rollout.awsapi.failures import CallFailed, one_line
from rollout.awsapi.faults import Fault
from rollout.awsapi.operations import Operation, Use
from rollout.awsapi.retries import Patience, Retries
from rollout.errors import KeyUnusable, RolloutError

_GENERATE = Operation("kms", "GenerateMac", Use.READ)
# A release waits for this.
PATIENCE = Patience(attempts=4, deadline=8.0)
_LENGTH = 32

_CURES = {
    "NotFoundException": "set store_key to a key or an alias that exists, in the Region of AWS_REGION or of its ARN",
    "DisabledException": "enable the key, or name another one in store_key",
    "KMSInvalidStateException": "the key is pending deletion or import: cancel that, or name another key in store_key",
    "InvalidKeyUsageException": "name a key for GENERATE_VERIFY_MAC, of key spec HMAC_256, in store_key",
    "ValidationException": "name a key of key spec HMAC_256 in store_key",
}

GenerateMac = Callable[..., Mapping[str, Any]]
"""The method of a KMS client."""


class KmsKey:
    """Implements `StoreKey` with the caller's own credentials: one call of `GenerateMac` gives the store's secret."""

    def __init__(
        self, generate_mac: Callable[[], GenerateMac], key: str, retries: Retries | None = None
    ) -> None:
        """Make no call yet, and no client. `key` is an id, an ARN, or `alias/name`."""
        self._generate_mac, self._key = generate_mac, key
        self._retries = retries or Retries(PATIENCE)

    @property
    def name(self) -> str:
        """The key, as in rollout.yaml."""
        return self._key

    def derive(self, message: bytes) -> bytes:
        """Return the HMAC-SHA256 of a message of at most 4,096 bytes. Raises KeyUnusable."""
        try:
            generate = self._generate_mac()
            answer = self._retries.call(
                CallRequest(
                    lambda: generate(KeyId=self._key, Message=message, MacAlgorithm="HMAC_SHA_256"),
                    _GENERATE,
                    "",
                    self._retries.pace(),
                    CallCounts(),
                    own_credentials=True,
                )
            ).value
        except CallFailed as failed:
            raise self._unusable(f"{failed.code}: {one_line(failed.message)}", _cure(failed)) from failed
        except RolloutError as problem:  # no credentials, or none that are still valid
            raise self._unusable(str(problem), problem.cure) from problem
        mac = bytes(answer["Mac"])
        if len(mac) != _LENGTH:
            raise self._unusable(f"its MAC has {len(mac)} bytes", _CURES["InvalidKeyUsageException"])
        return mac

    def _unusable(self, why: str, cure: str) -> KeyUnusable:
        return KeyUnusable(f"the store's key {self._key} cannot be used: {why}", cure=cure)


def _cure(failed: CallFailed) -> str:
    if failed.fault is Fault.DENIED:
        return "allow this identity kms:GenerateMac on the key, in the key's policy too"
    return _CURES.get(failed.code) or failed.cure or "see whether KMS works in this Region"
