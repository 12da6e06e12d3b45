"""Classifies the errors of IAM, STS, Organizations, Sign-In and S3, which decides whether a call is retried.

The table comes from aws-facts.md#errors-and-retries.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeGuard

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    HTTPClientError,
    IncompleteReadError,
    ProxyConnectionError,
    SSLError,
)
from botocore.exceptions import ConnectionError as BotocoreConnectionError
from botocore.parsers import ResponseParserError


class Fault(StrEnum):
    """The kind of an error, which decides whether the call is worth retrying."""

    THROTTLED = "throttled"
    UNSENT = "never reached AWS"
    UNANSWERED = "no response"
    UNPARSABLE = "unreadable response"
    CONFLICT = "conflict"
    RECREATED = "name deleted and created again moments ago"
    NOT_FOUND = "not found"
    DENIED = "denied"
    EXPIRED = "session expired"
    UNKNOWN_KEYS = "unknown credentials"
    NOT_OFFERED = "not offered"
    PERMANENT = "refused"


THROTTLED = frozenset(
    {
        "Throttling",
        "ThrottlingException",
        "ThrottledException",
        "RequestThrottledException",
        "TooManyRequestsError",
        "TooManyRequestsException",
        "ProvisionedThroughputExceededException",
        "TransactionInProgressException",
        "RequestLimitExceeded",
        "BandwidthLimitExceeded",
        "LimitExceededException",
        "RequestThrottled",
        "SlowDown",
        "PriorRequestNotComplete",
        "EC2ThrottledException",
    }
)
TRANSIENT = frozenset(
    {
        "RequestTimeout",
        "RequestTimeoutException",
        "ServiceFailure",
        "ServiceException",  # Organizations sometimes sends it with status 400
        "ServiceUnavailable",
        "ServiceUnavailableException",
        "InternalFailure",
        "InternalError",
        "InternalServerError",
        "InternalServiceError",
        "IDPCommunicationError",
        "PolicyEvaluation",
    }
)
CONFLICTS = frozenset(
    {
        "ConcurrentModification",
        "ConcurrentModificationException",
        # S3 answers this while another conditional write to the same key is in progress; no precondition failed yet.
        "ConditionalRequestConflict",
        "OperationAborted",
    }
)
NOT_FOUND = frozenset({"NoSuchEntity", "NoSuchEntityException"})
DENIED = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AuthorizationError"})
EXPIRED = frozenset({"ExpiredToken", "ExpiredTokenException", "RequestExpired"})
UNKNOWN_KEYS = frozenset(
    {
        "InvalidClientTokenId",
        "InvalidAccessKeyId",
        "SignatureDoesNotMatch",
        "UnrecognizedClientException",
        "UnrecognizedClient",
        "IncompleteSignature",
        "InvalidSignatureException",
        "MissingAuthenticationToken",
        "MissingAuthenticationTokenException",
        "AuthFailure",
    }
)
NOT_OFFERED = frozenset({"InvalidAction", "UnknownOperation", "UnknownOperationException", "NotImplemented"})
REQUEST_TOO_MANY = 429


def fault_of(error: Exception) -> Fault:
    """Classify an error that botocore raised."""
    if isinstance(error, ClientError):
        return _fault_of_answer(error)
    if isinstance(error, ResponseParserError):
        return Fault.UNPARSABLE
    if isinstance(error, EndpointConnectionError | ConnectTimeoutError | ProxyConnectionError | SSLError):
        return Fault.UNSENT
    if isinstance(error, HTTPClientError | BotocoreConnectionError | IncompleteReadError):
        return Fault.UNANSWERED
    return Fault.PERMANENT


def _fault_of_answer(error: ClientError) -> Fault:
    code, status = code_of(error), status_of(error)
    for codes, fault in (
        (THROTTLED, Fault.THROTTLED),
        (EXPIRED, Fault.EXPIRED),
        (UNKNOWN_KEYS, Fault.UNKNOWN_KEYS),
        (DENIED, Fault.DENIED),
        (CONFLICTS, Fault.CONFLICT),
        (NOT_FOUND, Fault.NOT_FOUND),
        (NOT_OFFERED, Fault.NOT_OFFERED),
        (TRANSIENT, Fault.UNANSWERED),
    ):
        if code in codes:
            return fault
    if code == "EntityTemporarilyUnmodifiable":
        return Fault.RECREATED
    return _fault_of_status(code, status)


def _fault_of_status(code: str, status: int) -> Fault:
    if status == REQUEST_TOO_MANY:
        return Fault.THROTTLED
    # botocore uses the status as the code when the body has none; such a body was not written by AWS.
    bodiless = not code or code.isdigit() or code == "Unknown"
    if status == 501 or (status == 404 and bodiless):
        return Fault.NOT_OFFERED
    if status == 500 and bodiless:
        return Fault.UNPARSABLE
    return Fault.UNANSWERED if status >= 500 else Fault.PERMANENT


def code_of(error: Exception) -> str:
    """AWS's error code on the wire, without the `Exception` of class names (aws-facts.md#errors-and-retries)."""
    if isinstance(error, ClientError):
        return str(error.response.get("Error", {}).get("Code", ""))
    return type(error).__name__


def message_of(error: Exception) -> str:
    """AWS's error message, or botocore's when AWS sent none."""
    if isinstance(error, ClientError):
        return str(error.response.get("Error", {}).get("Message", "")) or "no message"
    if isinstance(error, ResponseParserError):
        return "the response is not in AWS's format"
    return str(error)


def request_id_of(error: Exception) -> str:
    """AWS's id of the request that was refused; empty where nothing answered."""
    if isinstance(error, ClientError):
        return str(error.response.get("ResponseMetadata", {}).get("RequestId", ""))
    return ""


def status_of(error: Exception) -> int:
    """The HTTP status of the response; 0 when there was no response."""
    return error.response["ResponseMetadata"]["HTTPStatusCode"] if _has_metadata(error) else 0


def headers_of(error: Exception) -> Mapping[str, str]:
    """The HTTP headers of the response, with lower-case keys."""
    return error.response["ResponseMetadata"].get("HTTPHeaders", {}) if _has_metadata(error) else {}


def _has_metadata(error: Exception) -> TypeGuard[ClientError]:
    return isinstance(error, ClientError) and "HTTPStatusCode" in error.response.get("ResponseMetadata", {})


def is_botocore(error: BaseException) -> bool:
    """Tell whether an exception comes from botocore and so must not leave this package."""
    return isinstance(error, ClientError | BotoCoreError | ResponseParserError)
