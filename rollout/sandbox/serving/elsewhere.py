"""Passes requests for other services, such as S3 for a store, to moto unchanged, after checking permissions."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from moto.backends import list_of_moto_modules
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app

from rollout.sandbox.access.aws_errors import AwsError

if TYPE_CHECKING:
    from werkzeug.wrappers import Request

    from rollout.sandbox.access.refusals import Answer
    from rollout.sandbox.access.signatures import Signature


_REGIONS = (
    '<DescribeRegionsResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/"><requestId></requestId><regionInfo>'
    "<item><regionName>us-east-1</regionName><regionEndpoint>ec2.us-east-1.amazonaws.com</regionEndpoint></item>"
    "</regionInfo></DescribeRegionsResponse>"
)
REGIONS: Answer = (200, {"Content-Type": "text/xml"}, _REGIONS)
"""EC2's DescribeRegions, a read that anybody uses to try rights: moto takes seconds to load for it."""


class Elsewhere:
    """All services except IAM, STS, Organizations and CloudTrail."""

    def __init__(self) -> None:
        """Find out which services moto offers; not all of them need to be installed."""
        self._moto = DomainDispatcherApplication(create_backend_app)
        self._services = frozenset(list_of_moto_modules())

    def answer(
        self,
        request: Request,
        signature: Signature,
        account: str,
        start_response: Callable[..., Any],
    ) -> Iterable[bytes]:
        """Let moto answer in the caller's account.

        Raises AwsError for a service that is not offered, and for a bucket of another account than the caller expects.
        """
        missing = AwsError("NotImplemented", f"The sandbox does not offer {signature.service}.")
        if signature.service.replace("-", "") not in self._services:
            raise missing
        if signature.service == "s3":
            _check_bucket_owner(request)
        request.environ["HTTP_X_MOTO_ACCOUNT_ID"] = account
        try:
            answer: Iterable[bytes] = self._moto(request.environ, start_response)
        except (ImportError, AttributeError, NotImplementedError) as error:
            raise missing from error
        return answer


def _check_bucket_owner(request: Request) -> None:
    """Refuse a bucket of another account, as S3 does; moto does not look. Raises AwsError."""
    expected = request.headers.get("x-amz-expected-bucket-owner")
    try:
        from moto.s3.models import s3_backends
    except ImportError:
        return  # moto's answer says what is not installed
    owner = s3_backends.bucket_accounts.get(request.path.strip("/").partition("/")[0])
    if expected and owner and owner[1] != expected:
        raise AwsError("AccessDenied", "Access Denied")
