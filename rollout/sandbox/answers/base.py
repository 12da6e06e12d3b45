"""What all answers share: who asks, in which account, and how a refusal is put into words."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from moto.core.exceptions import JsonRESTError, ServiceException
from moto.core.responses import ActionResult, BaseResponse
from moto.core.utils import camelcase_to_underscores
from moto.iam.responses import IamResponse

from rollout.sandbox.access.aws_errors import AwsError

if TYPE_CHECKING:
    from moto.iam.models import Group, ManagedPolicy, User

    from rollout.sandbox.access.callers import Caller
    from rollout.sandbox.world.world import AccountFacts, World

Item = TypeVar("Item")


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

    def parameters(self) -> dict[str, Any]:
        """Give the request's parameters, whichever way they came."""
        if self.automated_parameter_parsing:
            return dict(self.params)
        return dict(json.loads(self.body or "{}"))

    def call_action(self) -> Any:
        """Let the operation answer; every refusal of moto's becomes an `AwsError`."""
        try:
            response = getattr(self, camelcase_to_underscores(self._get_action()))()
        except ServiceException as error:
            raise AwsError(error.code, error.message) from error
        except JsonRESTError as error:
            raise AwsError(error.relative_error_type, error.message) from error
        if isinstance(response, ActionResult):
            return self.serialized(response)
        return 200, {"Content-Type": "application/x-amz-json-1.1"}, response


class IamAnswer(AnswersFor, IamResponse):
    """The ground on which each IAM module stands."""

    @property
    def facts(self) -> AccountFacts:
        """Give what moto does not know of the caller's account."""
        return self.world.facts(self.caller.account)

    def named_user(self) -> User:
        """Find the user that the request names, or whoever calls where it names nobody."""
        name = self._get_param("UserName")
        if name:
            return self.find_user(name)
        if self.caller.user is None:
            raise AwsError("ValidationError", "Must specify userName when calling with non-User credentials")
        return self.caller.user

    def find_user(self, name: str) -> User:
        """Find a user by name, which must be spelled exactly."""
        user = self.backend.users.get(name)
        if user is None:
            raise AwsError("NoSuchEntity", f"The user with name {name} cannot be found.")
        return user

    def find_group(self, name: str) -> Group:
        """Find a group by name."""
        group = self.backend.groups.get(name)
        if group is None:
            raise AwsError("NoSuchEntity", f"The group with name {name} cannot be found.")
        return group

    def find_policy(self, arn: str) -> ManagedPolicy:
        """Find a managed policy by its ARN."""
        policy = self.backend.managed_policies.get(arn)
        if policy is None:
            raise AwsError("NoSuchEntity", f"Policy {arn} does not exist or is not attachable.")
        return policy

    def boundary_uses(self, policy: ManagedPolicy) -> int:
        """Count the users that a policy bounds."""
        return list(self.facts.boundaries.values()).count(policy.arn)

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
    raise AwsError("ValidationError", "Invalid Marker.")
