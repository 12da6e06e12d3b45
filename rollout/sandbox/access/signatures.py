"""Verifies signatures as AWS does; moto accepts any secret."""

from __future__ import annotations

import hashlib
import hmac
import io
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from rollout.sandbox.access.aws_errors import AwsError

if TYPE_CHECKING:
    from werkzeug.wrappers import Request

    from rollout.sandbox.access.callers import SignedCaller

_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<key>[^/,\s]+)/\d{8}/(?P<region>[^/]+)/(?P<service>[^/]+)/aws4_request, ?"
    r"SignedHeaders=(?P<headers>[^,\s]+), ?Signature=(?P<signature>[0-9a-f]{64})"
)


@dataclass(frozen=True)
class Signature:
    """The content of the Authorization header."""

    key_id: str
    region: str
    service: str
    headers: tuple[str, ...]
    value: str


def signature_of(authorization: str) -> Signature:
    """Parse the Authorization header. Raises AwsError when it is missing or invalid."""
    match = _AUTHORIZATION.fullmatch(authorization)
    if match is None:
        raise AwsError("MissingAuthenticationToken", "Request is missing Authentication Token")
    return Signature(
        match["key"],
        match["region"],
        match["service"],
        tuple(match["headers"].split(";")),
        match["signature"],
    )


def check_signature(request: Request, signature: Signature, caller: SignedCaller) -> None:
    """Sign the request again with the caller's secret, and compare. Raises AwsError when they differ.

    The body can be read again afterwards.
    """
    headers = {name: request.headers.get(name, "") for name in signature.headers}
    body = request.get_data(cache=True, parse_form_data=False)
    request.environ["wsgi.input"] = io.BytesIO(body)
    # As it was sent: the path of an object is signed with its escapes.
    url = request.environ.get("RAW_URI") or request.full_path
    signed = AWSRequest(request.method, f"{request.scheme}://{request.host}{url}", headers=headers, data=body)
    signed.context["timestamp"] = request.headers.get("X-Amz-Date", "")
    _check_body(headers.get("x-amz-content-sha256", ""), body)
    kind = S3SigV4Auth if signature.service == "s3" else SigV4Auth
    signer = kind(Credentials(caller.key_id, caller.secret), signature.service, signature.region)
    text = signer.string_to_sign(signed, signer.canonical_request(signed))
    if not hmac.compare_digest(signer.signature(text, signed), signature.value):
        raise AwsError(
            "SignatureDoesNotMatch",
            "The request signature we calculated does not match the signature you provided. "
            "Check your AWS Secret Access Key and signing method.",
        )


def _check_body(stated: str, body: bytes) -> None:
    # Other values say that the body is not signed, or in chunks that are signed one by one.
    if re.fullmatch(r"[0-9a-f]{64}", stated) and stated != hashlib.sha256(body).hexdigest():
        raise AwsError(
            "XAmzContentSHA256Mismatch",
            "The provided 'x-amz-content-sha256' header does not match what was computed.",
        )
