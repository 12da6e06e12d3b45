"""What all answers share: who asks, in which account, and how a refusal is put into words."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeVar
from xml.sax.saxutils import escape

from moto.core.exceptions import ServiceException
from moto.core.responses import BaseResponse
from moto.iam.responses import IamResponse
from werkzeug.exceptions import HTTPException

from rollout.sandbox.errors import AwsError

if TYPE_CHECKING:
    from rollout.sandbox.callers import Caller
    from rollout.sandbox.world import AccountFacts, World

Item = TypeVar("Item")
Answer = tuple[int, dict[str, str], str]


class AnswersFor(BaseResponse):
    """Binds one of moto's response classes to a caller, and turns its errors into AWS's."""

    world: World
    caller: Caller

    def bind(self, world: World, caller: Caller) -> None:
        """Say on whose behalf, and in which world, the request is to be answered."""
        self.world, self.caller = world, caller

    def get_current_account(self) -> str:
        """Give the caller's account; moto would guess it from the key."""
        return self.caller.account

    def get_access_key(self) -> str:
        """Give the key that signed the request."""
        return self.caller.key_id

    def call_action(self) -> Any:
        """Let moto answer, and raise every refusal as an `AwsError`."""
        try:
            return super().call_action()
        except HTTPException as error:
            raise AwsError(getattr(error, "error_type", "InternalFailure"), str(error.description)) from error

    def serialized(self, action_result: Any) -> Any:
        """Put a result into its wire form; refusals leave here with the status AWS gives them."""
        if isinstance(action_result.result, ServiceException):
            raise AwsError(action_result.result.code, action_result.result.message) from action_result.result
        return super().serialized(action_result)


class IamAnswer(AnswersFor, IamResponse):
    """The ground on which each IAM module stands."""

    @property
    def facts(self) -> AccountFacts:
        """Give what moto does not know of the caller's account."""
        return self.world.facts(self.caller.account)

    def page(self, items: Sequence[Item], *, most: int = 100) -> tuple[Sequence[Item], dict[str, Any]]:
        """Cut a page out of a list by `Marker` and `MaxItems`, as all of IAM's lists do."""
        limit = min(int(self._get_param("MaxItems") or 100), most)
        start = marker_position(self._get_param("Marker"))
        end = start + limit
        if end >= len(items):
            return items[start:], {"IsTruncated": False}
        return items[start:end], {"IsTruncated": True, "Marker": marker(end)}


def marker(position: int) -> str:
    """Make an opaque marker, so that nobody comes to rely on what is in it."""
    return base64.urlsafe_b64encode(f"at:{position}".encode()).decode()


def marker_position(text: str | None) -> int:
    """Read a marker that `marker` made."""
    if not text:
        return 0
    try:
        word, _, number = base64.urlsafe_b64decode(text).decode().partition(":")
        if word == "at":
            return int(number)
    except ValueError:
        pass
    code = "ValidationError"
    raise AwsError(code, "Invalid Marker.")


def refusal(error: AwsError, service: str, request_id: str) -> Answer:
    """Put a refusal into the wire form of the service's protocol."""
    if service in ("iam", "sts"):
        version = "iam.amazonaws.com/doc/2010-05-08" if service == "iam" else "sts.amazonaws.com/doc/2011-06-15"
        body = (
            f'<ErrorResponse xmlns="https://{version}/"><Error><Type>Sender</Type><Code>{error.code}</Code>'
            f"<Message>{escape(error.message)}</Message></Error><RequestId>{request_id}</RequestId></ErrorResponse>"
        )
        return error.status, {"Content-Type": "text/xml"}, body
    code = _JSON_CODES.get(error.code, error.code)
    body = json.dumps({"__type": code, "Message": error.message})
    return 400, {"Content-Type": "application/x-amz-json-1.1", "x-amzn-ErrorType": code}, body


# The JSON services have other names for the refusals that come before the service itself.
_JSON_CODES = {
    "AccessDenied": "AccessDeniedException",
    "ExpiredToken": "ExpiredTokenException",
    "InvalidAction": "UnknownOperationException",
    "InvalidClientTokenId": "UnrecognizedClientException",
    "MissingAuthenticationToken": "MissingAuthenticationTokenException",
    "SignatureDoesNotMatch": "InvalidSignatureException",
}
