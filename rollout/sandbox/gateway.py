"""The front door: knows the caller of each request, lets the right module answer, and stamps what goes out."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from moto.core.request import Request
from moto.core.utils import camelcase_to_underscores, get_service_model, method_names_from_class
from werkzeug.wrappers import Response

from rollout.sandbox.answers.base import Answer, AnswersFor, refusal
from rollout.sandbox.answers.iam import IamAnswers
from rollout.sandbox.answers.organization import OrganizationAnswers
from rollout.sandbox.answers.sessions import SecurityTokens
from rollout.sandbox.authority import authorize
from rollout.sandbox.callers import Caller, caller_of
from rollout.sandbox.control import Control
from rollout.sandbox.errors import AwsError
from rollout.sandbox.kept_state import PREFIX
from rollout.sandbox.signatures import Signature, check_signature, signature_of

if TYPE_CHECKING:
    from rollout.sandbox.world import World

_LOG = logging.getLogger(__name__)
_REQUEST_ID = re.compile(r"<RequestId>[^<]*</RequestId>")
_ANSWERS: dict[str, type[AnswersFor]] = {
    "iam": IamAnswers,
    "sts": SecurityTokens,
    "organizations": OrganizationAnswers,
}
# What moto only feigns: the same example credentials for everybody.
_FEIGNED = {"GetFederationToken", "AssumeRoleWithSAML", "AssumeRoleWithWebIdentity", "GetAccessKeyInfo"}


class _Request(Request):
    """A request from a real server, which moto tells apart from one that was caught in the process."""

    from_wsgi_server = True


class Gateway:
    """The WSGI application of a sandbox."""

    def __init__(self, world: World, control: Control, others: Callable[..., Any]) -> None:
        """Answer for IAM, STS and Organizations; leave `others` to moto as it is."""
        self._world, self._control, self._others = world, control, others
        self._offered = {service: _offered(service, kind) for service, kind in _ANSWERS.items()}

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer one request; requests take turns, for moto's models know no locks."""
        request = _Request(environ)
        if request.path.startswith(PREFIX):
            return self._control(request)(environ, start_response)
        authorization = request.headers.get("Authorization", "")
        service, request_id = "", self._world.ids.request(authorization)
        try:
            signature = signature_of(authorization)
            service = signature.service
            with self._world.lock:
                caller = caller_of(self._world, signature.key_id, request.headers.get("X-Amz-Security-Token"))
                if service in _ANSWERS:
                    check_signature(request, signature, caller)
                environ["HTTP_X_MOTO_ACCOUNT_ID"] = caller.account
                if service not in _ANSWERS:
                    authorize(self._world, caller, signature, _foreign_action(request), {})
                    others: Iterable[bytes] = self._others(environ, start_response)
                    return others
                request_id = self._request_id(request, caller)
                status, headers, text = self._answer(request, signature, caller)
        except AwsError as error:
            status, headers, text = refusal(error, service, request_id)
        _LOG.info("%s %s %s", service or "?", _action(request), status)
        text = _REQUEST_ID.sub(f"<RequestId>{request_id}</RequestId>", text)
        response = Response(text, status=status)
        for name, value in headers.items():
            if name.lower() not in ("status", "server"):
                response.headers[name] = value
        response.headers["x-amzn-RequestId"] = request_id
        return response(environ, start_response)

    def _answer(self, request: _Request, signature: Signature, caller: Caller) -> Answer:
        action, service = _action(request), signature.service
        if action not in self._offered[service]:
            raise AwsError("InvalidAction", f"Could not find operation {action}")
        answers = _ANSWERS[service]()
        answers.bind(self._world, caller)
        answers.setup_class(request)
        authorize(self._world, caller, signature, action, answers.parameters())
        status, headers, text = answers.call_action()
        return status, headers, text

    def _request_id(self, request: _Request, caller: Caller) -> str:
        """Derive the id from the request and how often it came, so that a scripted run can be repeated."""
        content = (
            request.get_data(parse_form_data=True) or str(sorted(request.form.items(multi=True))).encode()
        )
        content = f"{caller.account}/{_action(request)}/".encode() + content
        return self._world.ids.request(content, self._world.next("request", content))


def _offered(service: str, kind: type[AnswersFor]) -> frozenset[str]:
    """Name the operations that can be answered; the others of the service are unknown here."""
    methods = set(method_names_from_class(kind))
    names = get_service_model(service).operation_names
    return frozenset(name for name in names if camelcase_to_underscores(name) in methods) - _FEIGNED


def _action(request: _Request) -> str:
    return request.form.get("Action") or request.headers.get("X-Amz-Target", "").rpartition(".")[2]


def _foreign_action(request: _Request) -> str:
    """Name what is asked of a service that moto answers alone; S3 and its like say it by method and path."""
    target = request.headers.get("X-Amz-Target", "").rpartition(".")[2]
    if target:
        return target
    kinds = {"GET": "Get", "HEAD": "Get", "PUT": "Put", "POST": "Put", "DELETE": "Delete"}
    return "ListAllMyBuckets" if request.path == "/" else f"{kinds.get(request.method, 'Put')}Object"
