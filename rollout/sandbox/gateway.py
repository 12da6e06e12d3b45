"""The front door: knows the caller of each request, lets the right module answer, and stamps what goes out."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from moto.core.request import Request
from moto.core.utils import camelcase_to_underscores, method_names_from_class
from werkzeug.wrappers import Response

from rollout.sandbox.answers.base import Answer, AnswersFor, refusal
from rollout.sandbox.answers.iam import IamAnswers
from rollout.sandbox.answers.organization import OrganizationAnswers
from rollout.sandbox.answers.sessions import SecurityTokens
from rollout.sandbox.callers import Caller, caller_of, signature_of
from rollout.sandbox.errors import AwsError

if TYPE_CHECKING:
    from rollout.sandbox.world import World

_LOG = logging.getLogger(__name__)
_ANSWERS: dict[str, type[AnswersFor]] = {
    "iam": IamAnswers,
    "sts": SecurityTokens,
    "organizations": OrganizationAnswers,
}


class _Request(Request):
    """A request from a real server, which moto tells apart from one that was caught in the process."""

    from_wsgi_server = True


class Gateway:
    """The WSGI application of a sandbox."""

    def __init__(self, world: World, others: Callable[..., Any]) -> None:
        """Answer for IAM, STS and Organizations; leave `others` to moto as it is."""
        self._world, self._others = world, others
        self._offered = {service: frozenset(method_names_from_class(kind)) for service, kind in _ANSWERS.items()}

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer one request."""
        request = _Request(environ)
        service, request_id = "", ""
        try:
            signature = signature_of(request.headers)
            service = signature.service
            body = request.get_data(cache=True, parse_form_data=service in ("iam", "sts"))
            del body
            with self._world.lock:
                request_id = self._request_id(request)
                caller = caller_of(self._world, signature.key_id, request.headers.get("X-Amz-Security-Token"))
                environ["HTTP_X_MOTO_ACCOUNT_ID"] = caller.account
                if service not in _ANSWERS:
                    return self._others(environ, start_response)
                answer = self._answer(request, service, caller)
        except AwsError as error:
            answer = refusal(error, service, request_id)
        status, headers, text = answer
        response = Response(text, status=status)
        for name, value in headers.items():
            if name.lower() not in ("status", "server"):
                response.headers[name] = value
        response.headers["x-amzn-RequestId"] = request_id
        return response(environ, start_response)

    def _answer(self, request: _Request, service: str, caller: Caller) -> Answer:
        action = _action(request)
        if camelcase_to_underscores(action) not in self._offered[service] or action.startswith("_"):
            code = "InvalidAction"
            raise AwsError(code, f"Could not find operation {action}")
        answers = _ANSWERS[service]()
        answers.bind(self._world, caller)
        answers.setup_class(request)
        status, headers, text = answers.call_action()
        return status, headers, text

    def _request_id(self, request: _Request) -> str:
        """Derive the id from the request and how often it came, so that a scripted run can be repeated."""
        content = request.get_data() or str(sorted(request.form.items(multi=True))).encode()
        number = self._world.next("request", content)
        return self._world.ids.request(content, number)


def _action(request: _Request) -> str:
    return request.form.get("Action") or request.headers.get("X-Amz-Target", "").rpartition(".")[2]
