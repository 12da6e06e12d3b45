"""Names the answers that AWS gives when it says no, with the HTTP status each of them has."""

from __future__ import annotations

# The wire code is not the class name of boto3, and the status matters to retries.
_STATUS = {
    "AccessDenied": 403,
    "DeleteConflict": 409,
    "EntityAlreadyExists": 409,
    "EntityTemporarilyUnmodifiable": 409,
    "ExpiredToken": 403,
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
    """An answer that says no, in AWS's own words."""

    def __init__(self, code: str, message: str) -> None:
        """Keep the wire code and the sentence that goes with it."""
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message

    @property
    def status(self) -> int:
        """Give the HTTP status that goes with the code."""
        return _STATUS.get(self.code, 400)
