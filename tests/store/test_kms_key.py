"""A key of KMS: asked once, soon given up, and refused with what to do about it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, NoCredentialsError

from rollout.awsapi.retries import Retries
from rollout.errors import KeyUnusable
from rollout.store.formats.seals import Seals
from rollout.store.s3.kms_key import PATIENCE, KmsKey
from tests.builders import ORGANIZATION


class Kms:
    """Answers `GenerateMac`, after the failures that a test wants."""

    def __init__(self, *failures: Exception, mac: bytes = b"m" * 32) -> None:
        self.failures, self.mac = list(failures), mac
        self.asked: list[dict[str, Any]] = []

    def generate_mac(self, **asked: Any) -> Mapping[str, Any]:
        self.asked.append(asked)
        if self.failures:
            raise self.failures.pop(0)
        return {"Mac": self.mac, "KeyId": asked["KeyId"], "MacAlgorithm": "HMAC_SHA_256"}

    def key(self, name: str = "alias/rollout") -> KmsKey:
        return KmsKey(lambda: self.generate_mac, name, Retries(PATIENCE, sleep=lambda _: None))


def refusal(code: str, status: int = 400) -> ClientError:
    response: Any = {
        "Error": {"Code": code, "Message": "says the test"},
        "ResponseMetadata": {"HTTPStatusCode": status},
    }
    return ClientError(response, "GenerateMac")


def test_the_message_names_organization_and_place_and_the_secret_is_the_mac():
    kms = Kms()
    seals = Seals(kms.key(), ORGANIZATION, "s3://bucket/team")
    assert seals.fits("plan", b"content", seals.seal("plan", b"content"))
    assert not seals.fits("marker", b"content", seals.seal("plan", b"content"))
    assert [
        {
            "KeyId": "alias/rollout",
            "Message": f"rollout store 1\n{ORGANIZATION}\ns3://bucket/team".encode(),
            "MacAlgorithm": "HMAC_SHA_256",
        }
    ] == kms.asked


@pytest.mark.parametrize(
    "failure",
    [
        refusal("KMSInternalException", 500),
        refusal("KeyUnavailableException", 500),
        refusal("ThrottlingException"),
        EndpointConnectionError(endpoint_url="https://kms"),
    ],
    ids=str,
)
def test_what_may_pass_is_tried_again_but_not_for_long(failure: Exception):
    assert b"m" * 32 == Kms(failure).key().derive(b"message")
    kms = Kms(*[failure] * 99)
    with pytest.raises(KeyUnusable):
        kms.key().derive(b"message")
    assert PATIENCE.attempts == len(kms.asked)
    assert PATIENCE.deadline < 10


@pytest.mark.parametrize(
    ("failure", "cure"),
    [
        (refusal("AccessDeniedException"), "allow this identity kms:GenerateMac on the key"),
        (refusal("NotFoundException"), "set store_key to a key or an alias that exists"),
        (refusal("DisabledException"), "enable the key"),
        (refusal("KMSInvalidStateException"), "the key is pending deletion or import"),
        (refusal("InvalidKeyUsageException"), "of key spec HMAC_256"),
        (refusal("ExpiredTokenException"), "sign in again"),
        (NoCredentialsError(), "AWS_PROFILE"),
    ],
    ids=str,
)
def test_what_does_not_pass_is_refused_at_once_with_a_cure(failure: Exception, cure: str):
    kms = Kms(*[failure] * 2)
    with pytest.raises(KeyUnusable, match="alias/rollout cannot be used") as refused:
        kms.key().derive(b"message")
    assert cure in refused.value.cure


def test_a_key_of_another_spec_is_refused():
    with pytest.raises(KeyUnusable, match="its MAC has 64 bytes"):
        Kms(mac=b"m" * 64).key().derive(b"message")


def test_a_key_that_could_not_be_used_is_not_asked_again():
    """Somebody waits to be let out."""
    kms = Kms(refusal("DisabledException"))
    seals = Seals(kms.key(), ORGANIZATION, "folder")
    for _ in range(3):
        with pytest.raises(KeyUnusable):
            seals.seal("plan", b"")
    assert 1 == len(kms.asked)
