"""The base of all operations: the caller, the account, paging, and the translation of errors."""

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

    from rollout.sandbox.access.callers import SignedCaller
    from rollout.sandbox.world.world import AccountExtras, SandboxWorld

Item = TypeVar("Item")


class AnswersFor(BaseResponse):
    """Binds one of moto's response classes to a caller, and turns its errors into AWS's."""

    world: SandboxWorld
    caller: SignedCaller

    def bind(self, world: SandboxWorld, caller: SignedCaller) -> None:
        """Set the world in which, and the caller for whom, to answer the request."""
        self.world, self.caller = world, caller

    def get_current_account(self) -> str:
        """Return the caller's account, which moto would guess from the key."""
        return self.caller.account

    def get_access_key(self) -> str:
        """Return the ID of the access key that signed the request."""
        return self.caller.key_id

    def parameters(self) -> dict[str, Any]:
        """The request's parameters, from the query, the form or the JSON body."""
        if self.automated_parameter_parsing:
            return dict(self.params)
        return dict(json.loads(self.body or "{}"))

    def call_action(self) -> Any:
        """Run the operation; every error of moto's becomes an AwsError."""
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
    """The base class of the IAM operations."""

    @property
    def facts(self) -> AccountExtras:
        """The facts about the caller's account that moto does not keep."""
        return self.world.facts(self.caller.account)

    def named_user(self) -> User:
        """Return the user that the request names, or the caller if it names none. Raises AwsError."""
        name = self._get_param("UserName")
        if name:
            return self.find_user(name)
        if self.caller.user is None:
            raise AwsError("ValidationError", "Must specify userName when calling with non-User credentials")
        return self.caller.user

    def find_user(self, name: str) -> User:
        """Return a user by name, case-sensitively. Raises AwsError."""
        user = self.backend.users.get(name)
        if user is None:
            raise AwsError("NoSuchEntity", f"The user with name {name} cannot be found.")
        return user

    def find_group(self, name: str) -> Group:
        """Return a group by name. Raises AwsError."""
        group = self.backend.groups.get(name)
        if group is None:
            raise AwsError("NoSuchEntity", f"The group with name {name} cannot be found.")
        return group

    def find_policy(self, arn: str) -> ManagedPolicy:
        """Return a managed policy by ARN. Raises AwsError."""
        policy = self.backend.managed_policies.get(arn)
        if policy is None:
            raise AwsError("NoSuchEntity", f"Policy {arn} does not exist or is not attachable.")
        return policy

    def boundary_uses(self, policy: ManagedPolicy) -> int:
        """Count the users who have the policy as their permissions boundary."""
        return list(self.facts.boundaries.values()).count(policy.arn)

    def page(self, items: Sequence[Item], *, most: int = 100) -> tuple[Sequence[Item], dict[str, Any]]:
        """Return one page of a list, according to `Marker` and `MaxItems`, as all lists in IAM do."""
        limit = min(int(self._get_param("MaxItems") or 100), most)
        start = marker_position(self._get_param("Marker"))
        end = start + limit
        if end >= len(items):
            return items[start:], {"IsTruncated": False}
        return items[start:end], {"IsTruncated": True, "Marker": marker(end)}


def marker(position: int) -> str:
    """Create an opaque marker, so that no client relies on its content."""
    return base64.urlsafe_b64encode(f"at:{position}".encode()).decode()


def marker_position(text: str | None) -> int:
    """Decode a marker created by `marker`. Raises AwsError."""
    if not text:
        return 0
    try:
        word, _, number = base64.urlsafe_b64decode(text).decode().partition(":")
        if word == "at":
            return int(number)
    except ValueError:
        pass
    raise AwsError("ValidationError", "Invalid Marker.")
