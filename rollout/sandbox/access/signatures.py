"""Verifies signatures as AWS does; moto accepts any secret."""

from __future__ import annotations

import hashlib
import hmac
import io
import re
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from botocore.auth import HmacV1Auth, S3SigV4Auth, S3SigV4QueryAuth, SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from rollout.sandbox.access.aws_errors import AwsError
from rollout.sandbox.world.sandbox_clock import real_now

if TYPE_CHECKING:
    from werkzeug.wrappers import Request

    from rollout.sandbox.access.callers import SignedCaller

_AUTHORIZATION = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<key>[^/,\s]+)/\d{8}/(?P<region>[^/]+)/(?P<service>[^/]+)/aws4_request, ?"
    r"SignedHeaders=(?P<headers>[^,\s]+), ?Signature=(?P<signature>[0-9a-f]{64})"
)
# By whether the service is S3, and whether the request is presigned.
_SIGNERS: dict[tuple[bool, bool], Any] = {
    (False, False): SigV4Auth,
    (False, True): SigV4QueryAuth,
    (True, False): S3SigV4Auth,
    (True, True): S3SigV4QueryAuth,
}


@dataclass(frozen=True)
class Signature:
    """How a request is signed: by its Authorization header, or `presigned` by its query.

    `version` 2 is S3's old way, in which botocore still presigns.
    """

    key_id: str
    region: str
    service: str
    headers: tuple[str, ...]
    value: str
    token: str | None = None
    presigned: bool = False
    version: int = 4


def signature_in(request: Request) -> Signature:
    """Read the signature of a request. Raises AwsError when it is missing or invalid, or has expired."""
    query = request.args
    if "X-Amz-Signature" in query:
        expires = _signed_at(query.get("X-Amz-Date", "")) + _seconds(query.get("X-Amz-Expires", ""))
        key_id, region, service = _scope(query.get("X-Amz-Credential", ""))
        headers = tuple(query.get("X-Amz-SignedHeaders", "").split(";"))
        token = query.get("X-Amz-Security-Token")
        found = Signature(key_id, region, service, headers, query["X-Amz-Signature"], token, presigned=True)
    elif "AWSAccessKeyId" in query and "Signature" in query:
        expires = datetime.fromtimestamp(0, UTC) + _seconds(query.get("Expires", ""))
        token = query.get("x-amz-security-token")
        key_id, value = query["AWSAccessKeyId"], query["Signature"]
        found = Signature(key_id, "us-east-1", "s3", (), value, token, presigned=True, version=2)
    else:
        return replace(
            signature_of(request.headers.get("Authorization", "")),
            token=request.headers.get("X-Amz-Security-Token"),
        )
    if expires < real_now():
        raise AwsError("AccessDenied", "Request has expired")
    return found


def _scope(credential: str) -> tuple[str, str, str]:
    parts = credential.split("/")
    if len(parts) != 5:
        raise AwsError("AuthorizationQueryParametersError", "Error parsing the X-Amz-Credential parameter.")
    return parts[0], parts[2], parts[3]


def _signed_at(text: str) -> datetime:
    try:
        return datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError as error:
        raise AwsError("AuthorizationQueryParametersError", "X-Amz-Date is no date.") from error


def _seconds(text: str) -> timedelta:
    if not re.fullmatch(r"[0-9]{1,10}", text):
        raise AwsError("AuthorizationQueryParametersError", "Expires should be a number")
    return timedelta(seconds=int(text))


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
    if not signature.presigned:
        _check_body(headers.get("x-amz-content-sha256", ""), body)
    made = _made_again(signed, request, signature, Credentials(caller.key_id, caller.secret, signature.token))
    if not hmac.compare_digest(made, signature.value):
        raise AwsError(
            "SignatureDoesNotMatch",
            "The request signature we calculated does not match the signature you provided. "
            "Check your AWS Secret Access Key and signing method.",
        )


def _made_again(signed: AWSRequest, request: Request, signature: Signature, credentials: Credentials) -> str:
    if signature.version == 2:
        signer = HmacV1Auth(credentials)
        token = f"x-amz-security-token:{signature.token}\n" if signature.token else ""
        resource = signer.canonical_resource(urlsplit(str(signed.url)))
        return signer.sign_string(f"{request.method}\n\n\n{request.args['Expires']}\n{token}{resource}")
    if signature.presigned:
        signed.url = re.sub(r"&?X-Amz-Signature=[0-9a-f]*", "", str(signed.url))
    dated = request.args if signature.presigned else request.headers
    signed.context["timestamp"] = dated.get("X-Amz-Date", "")
    kind = _SIGNERS[signature.service == "s3", signature.presigned]
    signer_4 = kind(credentials, signature.service, signature.region)
    text = signer_4.string_to_sign(signed, signer_4.canonical_request(signed))
    return str(signer_4.signature(text, signed))


def _check_body(stated: str, body: bytes) -> None:
    # Other values say that the body is not signed, or in chunks that are signed one by one.
    if re.fullmatch(r"[0-9a-f]{64}", stated) and stated != hashlib.sha256(body).hexdigest():
        raise AwsError(
            "XAmzContentSHA256Mismatch",
            "The provided 'x-amz-content-sha256' header does not match what was computed.",
        )
