"""Identifies who signed a request, and rejects unknown, inactive and expired keys, all of which moto accepts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from rollout.sandbox.access.aws_errors import AwsError
from rollout.sandbox.world.sandbox_clock import real_now

if TYPE_CHECKING:
    from moto.iam.models import Role, User

    from rollout.sandbox.world.world import SandboxWorld, Session

# The key of a session that expired long ago, to try out expired credentials.
EXPIRED_ACCESS_KEY_ID = "ASIAEXPIREDSESSION00"


@dataclass(frozen=True)
class SignedCaller:
    """The identity that makes a call: an IAM user, or a session of a user or role."""

    key_id: str
    secret: str
    account: str
    arn: str
    user_id: str
    user: User | None = None
    role: Role | None = None
    session: Session | None = None


def caller_of(world: SandboxWorld, key_id: str, token: str | None) -> SignedCaller:
    """Return the owner of an access key. Raises AwsError, as AWS would, for invalid keys."""
    if key_id == EXPIRED_ACCESS_KEY_ID:
        raise AwsError("ExpiredToken", "The security token included in the request is expired")
    if key_id in world.sessions:
        return _session_caller(world, world.sessions[key_id], token)
    for account_id in list(world.accounts):
        iam = world.iam(account_id)
        key = iam.access_keys.get(key_id)
        if key is not None and key.status == "Active" and key.user_name in iam.users:
            user = iam.users[key.user_name]
            return SignedCaller(key_id, key.secret_access_key, account_id, user.arn, user.id, user=user)
    raise _unknown_key()


def _session_caller(world: SandboxWorld, session: Session, token: str | None) -> SignedCaller:
    if token != session.token:
        raise _unknown_key()
    if session.expires <= real_now():
        raise AwsError("ExpiredToken", "The security token included in the request is expired")
    iam = world.iam(session.account)
    if session.user_name is not None:
        user = iam.users.get(session.user_name)
        if user is None:
            raise _unknown_key()
        arn, user_id = user.arn, user.id
        if session.federated:
            arn = f"arn:aws:sts::{session.account}:federated-user/{session.name}"
            user_id = f"{session.account}:{session.name}"
        return SignedCaller(
            session.key_id, session.secret, session.account, arn, user_id, user=user, session=session
        )
    role = next((role for role in iam.roles.values() if role.arn == session.role_arn), None)
    if role is None:
        raise _unknown_key()
    arn = f"arn:aws:sts::{session.account}:assumed-role/{role.name}/{session.name}"
    return SignedCaller(
        session.key_id,
        session.secret,
        session.account,
        arn,
        f"{role.id}:{session.name}",
        role=role,
        session=session,
    )


def _unknown_key() -> AwsError:
    return AwsError("InvalidClientTokenId", "The security token included in the request is invalid.")
