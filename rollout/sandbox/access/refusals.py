"""Writes error responses in the format of each protocol, so that boto3 can read code, message and request ID."""

from __future__ import annotations

import json
from xml.sax.saxutils import escape

from rollout.sandbox.access.aws_errors import AwsError

Answer = tuple[int, dict[str, str], str]

# JSON services use other codes for errors of authentication and authorization.
_JSON_CODES = {
    "AccessDenied": "AccessDeniedException",
    "ExpiredToken": "ExpiredTokenException",
    "InvalidAction": "UnknownOperationException",
    "InvalidClientTokenId": "UnrecognizedClientException",
    "MissingAuthenticationToken": "MissingAuthenticationTokenException",
    "SignatureDoesNotMatch": "InvalidSignatureException",
}
REST_JSON = frozenset({"lambda", "signin"})
"""Services whose requests name no target, and whose errors are JSON all the same."""
# Services that call a denial otherwise (their API references, "Common errors").
_DENIALS = {"ec2": "UnauthorizedOperation", "sns": "AuthorizationError"}
_NAMESPACES = {
    "iam": "https://iam.amazonaws.com/doc/2010-05-08/",
    "sts": "https://sts.amazonaws.com/doc/2011-06-15/",
}


def refusal(error: AwsError, service: str, request_id: str, *, speaks_json: bool) -> Answer:
    """Return an error response as JSON or XML, depending on the service's protocol."""
    if speaks_json:
        code = _JSON_CODES.get(error.code, error.code)
        # In the body, one protocol has the message in upper case, the other in lower.
        body = json.dumps({"__type": code, "Message": error.message, "message": error.message})
        # The protocols `json` use 400 for all client errors, `rest-json` does not.
        status = error.status if error.status >= 500 or service in REST_JSON else 400
        return status, {"Content-Type": "application/x-amz-json-1.1", "x-amzn-ErrorType": code}, body
    code = _DENIALS.get(service, error.code) if error.code == "AccessDenied" else error.code
    inner = f"<Code>{code}</Code><Message>{escape(error.message)}</Message>"
    identified = f"<RequestId>{request_id}</RequestId>"
    match service:
        case "s3":
            body = f"<Error>{inner}{identified}</Error>"
        case "ec2":
            body = f"<Response><Errors><Error>{inner}</Error></Errors><RequestID>{request_id}</RequestID></Response>"
        case _:
            namespace = f' xmlns="{_NAMESPACES[service]}"' if service in _NAMESPACES else ""
            body = f"<ErrorResponse{namespace}><Error><Type>Sender</Type>{inner}</Error>{identified}</ErrorResponse>"
    return error.status, {"Content-Type": "text/xml"}, body
