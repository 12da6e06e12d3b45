"""AWS Sign-In as far as console authorization goes; moto has nothing of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rollout.sandbox.access.aws_errors import AwsError

if TYPE_CHECKING:
    from rollout.sandbox.access.callers import SignedCaller
    from rollout.sandbox.access.refusals import Answer
    from rollout.sandbox.world.world import SandboxWorld

SERVICE = "signin"
OPERATIONS = frozenset(
    {
        "GetConsoleAuthorizationConfiguration",
        "PutConsoleAuthorizationConfiguration",
        "DeleteConsoleAuthorizationConfiguration",
        "GetResourcePolicy",
    }
)
_NOT_FOUND = AwsError("ResourceNotFoundException", "The specified resource was not found.")


def answer_sign_in(
    world: SandboxWorld, caller: SignedCaller, action: str, params: Mapping[str, Any]
) -> Answer:
    """Answer one operation. Raises AwsError."""
    if action == "GetResourcePolicy":
        policy = world.facts(caller.account).sign_in_policy
        if not policy:
            raise _NOT_FOUND
        body: dict[str, Any] = {"signinResourceBasedPolicy": {"Version": "2012-10-17", "Statement": policy}}
    else:
        body = _configuration(world, caller, action, str(params.get("targetId") or caller.account))
    return 200, {"Content-Type": "application/json"}, json.dumps(body)


def _configuration(world: SandboxWorld, caller: SignedCaller, action: str, target: str) -> dict[str, Any]:
    whole = target == world.ids.organization()
    if caller.account != (world.management_id if whole else target):
        raise AwsError("AccessDeniedException", "You do not have sufficient access to perform this action.")
    settings = world.facts(caller.account).console_authorization
    if action == "PutConsoleAuthorizationConfiguration":
        settings[target] = True
    elif target not in settings:
        raise _NOT_FOUND
    elif action == "DeleteConsoleAuthorizationConfiguration":
        settings[target] = False
    scope = "ORGANIZATION" if whole else "ACCOUNT"
    return {"targetId": target, "scope": scope, "consoleAuthorizationEnabled": settings[target]}
