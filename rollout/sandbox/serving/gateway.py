"""Receives every request, identifies its caller, and dispatches it to the module that answers it."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from moto.core.request import Request
from moto.core.utils import camelcase_to_underscores, get_service_model, method_names_from_class
from werkzeug.wrappers import Response

from rollout.sandbox.access.authority import authorize
from rollout.sandbox.access.aws_errors import AwsError
from rollout.sandbox.access.callers import SignedCaller, caller_of
from rollout.sandbox.access.refusals import Answer, refusal
from rollout.sandbox.access.signatures import Signature, check_signature, signature_in
from rollout.sandbox.answers.base import AnswersFor
from rollout.sandbox.answers.iam import IamAnswers
from rollout.sandbox.answers.organization_answers import OrganizationAnswers
from rollout.sandbox.answers.session_answers import SecurityTokens
from rollout.sandbox.answers.sign_in_answers import OPERATIONS, SERVICE, answer_sign_in
from rollout.sandbox.answers.trail_answers import TrailAnswers
from rollout.sandbox.serving.asked_operations import action_of, speaks_json
from rollout.sandbox.serving.control import Control
from rollout.sandbox.serving.elsewhere import REGIONS, Elsewhere
from rollout.sandbox.serving.kept_state import PREFIX

if TYPE_CHECKING:
    from rollout.sandbox.world.world import SandboxWorld

_LOG = logging.getLogger(__name__)
_REQUEST_ID = re.compile(r"(?<=<[Rr]equestId>)[^<]*(?=</[Rr]equestId>)")  # EC2 spells it with a small letter
_ANSWERS: dict[str, type[AnswersFor]] = {
    "iam": IamAnswers,
    "sts": SecurityTokens,
    "organizations": OrganizationAnswers,
    "cloudtrail": TrailAnswers,
}
# What these do not have, moto has not either, or only feigns.
_OURS_ALONE = {"iam", "sts", "organizations"}
# Operations for which moto returns the same example credentials to everybody.
_FEIGNED = {"AssumeRoleWithSAML", "AssumeRoleWithWebIdentity", "GetAccessKeyInfo"}


class _Request(Request):
    """A request over the network; moto treats it differently from one intercepted in the process."""

    from_wsgi_server = True


class Gateway:
    """The WSGI application of a sandbox."""

    def __init__(self, world: SandboxWorld, control: Control) -> None:
        """Answer requests to IAM, STS, Organizations, CloudTrail and Sign-In; leave other services to moto."""
        self._world, self._control, self._elsewhere = world, control, Elsewhere()
        self._offered = {service: _offered(service, kind) for service, kind in _ANSWERS.items()}
        self._offered |= {SERVICE: OPERATIONS, "ec2": frozenset({"DescribeRegions"})}

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer one request at a time, since moto's models are not thread-safe."""
        request = _Request(environ)
        if request.path.startswith(PREFIX):
            return self._control(request)(environ, start_response)
        with self._world.lock:
            return self._turn(request, start_response)

    def _turn(self, request: _Request, start_response: Callable[..., Any]) -> Iterable[bytes]:
        service = action = ""
        request_id = self._world.ids.request(request.headers.get("Authorization", ""), request.query_string)
        try:
            signature = signature_in(request)
            service = signature.service
            action = action_of(request, service)
            caller = caller_of(self._world, signature.key_id, signature.token)
            check_signature(request, signature, caller)
            if service not in _OURS_ALONE and action not in self._offered.get(service, ()):
                authorize(self._world, caller, signature, action, {})
                _LOG.info("%s %s", service, request.path)
                return self._elsewhere.answer(request, signature, caller.account, start_response)
            request_id = self._request_id(request, action, caller)
            status, headers, text = self._answer(request, action, signature, caller)
        except AwsError as error:
            json_wanted = speaks_json(request, service)
            status, headers, text = refusal(error, service, request_id, speaks_json=json_wanted)
        except Exception:  # noqa: BLE001 - like AWS, report an internal error as a response
            _LOG.exception("the sandbox could not answer %s %s", service, action)
            failure = AwsError("InternalFailure", "The sandbox has an internal error; see its log.")
            json_wanted = speaks_json(request, service)
            status, headers, text = refusal(failure, service, request_id, speaks_json=json_wanted)
        _LOG.info("%s %s %s", service or "?", action, status)
        response = Response(_REQUEST_ID.sub(request_id, text), status=status)
        for name, value in headers.items():
            if name.lower() not in ("status", "server"):
                response.headers[name] = value
        response.headers["x-amzn-RequestId"] = request_id
        return response(request.environ, start_response)

    def _answer(self, request: _Request, action: str, signature: Signature, caller: SignedCaller) -> Answer:
        service = signature.service
        if service == SERVICE:
            params = json.loads(request.get_data(cache=True) or b"{}")
            authorize(self._world, caller, signature, action, params)
            return answer_sign_in(self._world, caller, action, params)
        if service == "ec2":
            authorize(self._world, caller, signature, action, {})
            return REGIONS
        if action not in self._offered[service]:
            raise AwsError("InvalidAction", f"Could not find operation {action}")
        answers = _ANSWERS[service]()
        answers.bind(self._world, caller)
        answers.setup_class(request)
        authorize(self._world, caller, signature, action, answers.parameters())
        status, headers, text = answers.call_action()
        return status, headers, text

    def _request_id(self, request: _Request, action: str, caller: SignedCaller) -> str:
        """Derive the request ID from the request and its repetitions, so that scripted runs are reproducible."""
        asked = self._world.ids.request(caller.account, action, request.get_data(cache=True))
        return self._world.ids.request(asked, self._world.next("request", asked))


def _offered(service: str, kind: type[AnswersFor]) -> frozenset[str]:
    """List the operations that the sandbox offers; all others of the service are unknown here."""
    methods = set(method_names_from_class(kind))
    names = get_service_model(service).operation_names
    return frozenset(name for name in names if camelcase_to_underscores(name) in methods) - _FEIGNED
