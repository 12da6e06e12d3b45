"""Defines AWS's error responses, with the HTTP status of each."""

from __future__ import annotations

# The error code on the wire differs from boto3's class name, and the status matters for retries.
_STATUS = {
    "AccessDenied": 403,
    "DeleteConflict": 409,
    "EntityAlreadyExists": 409,
    "EntityTemporarilyUnmodifiable": 409,
    "AccessDeniedException": 403,
    "ExpiredToken": 403,
    "OutboundWebIdentityFederationDisabledException": 403,
    "IncompleteSignature": 403,
    "InternalFailure": 500,
    "InvalidAuthenticationCode": 403,
    "InvalidClientTokenId": 403,
    "LimitExceeded": 409,
    "MissingAuthenticationToken": 403,
    "NoSuchEntity": 404,
    "NotImplemented": 501,
    "ReportExpired": 410,
    "ReportInProgress": 404,
    "ReportNotPresent": 410,
    "ServiceFailure": 500,
    "SignatureDoesNotMatch": 403,
}


class AwsError(Exception):
    """An error response, in AWS's own words."""

    def __init__(self, code: str, message: str) -> None:
        """Keep the error code and its message."""
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message

    @property
    def status(self) -> int:
        """The HTTP status that belongs to the code."""
        return _STATUS.get(self.code, 400)
