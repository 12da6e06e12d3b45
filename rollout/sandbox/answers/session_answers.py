"""Security tokens; moto lets anyone assume any role, but here role, trust policy, account and duration matter."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from moto.core.responses import ActionResult
from moto.sts.responses import TokenResponse

from rollout.domain.iam import Allowed, Context, Policies, Request, evaluate, parse_document
from rollout.sandbox.access.authority import principal_context
from rollout.sandbox.access.aws_errors import AwsError
from rollout.sandbox.answers.base import AnswersFor
from rollout.sandbox.world.sandbox_clock import real_now
from rollout.sandbox.world.world import Session

if TYPE_CHECKING:
    from moto.iam.models import Role

_ROLE_ARN = re.compile(r"arn:aws:iam::(?P<account>\d{12}):role/(?:[!-~]*/)?(?P<name>[\w+=,.@-]{1,64})")
_SESSION_NAME = re.compile(r"[\w+=,.@-]{2,64}")
_SHORTEST, _LONGEST_ROLE, _LONGEST_TOKEN = 900, 43_200, 129_600  # seconds
_LONGEST_CHAINED = 3600  # role chaining is limited to one hour, whatever the role allows
_LONGEST_POLICY = 2048
_NOTHING = '{"Version": "2012-10-17", "Statement": []}'


class SecurityTokens(AnswersFor, TokenResponse):
    """AssumeRole, GetSessionToken, GetCallerIdentity, and the other ways to a session or a token."""

    def get_caller_identity(self) -> ActionResult:
        """Return the caller's identity; AWS allows this even when everything is denied."""
        return ActionResult(
            {"UserId": self.caller.user_id, "Account": self.caller.account, "Arn": self.caller.arn}
        )

    def get_session_token(self) -> ActionResult:
        """Create a session for a user, with MFA if the request has one of the user's devices and a code."""
        seconds = self._get_int_param("DurationSeconds", 43200)
        with_code = bool(self._get_param("SerialNumber"))  # `authorize` has checked the code
        user = self.caller.user
        if user is None or self.caller.session is not None:
            raise AwsError("AccessDenied", "Cannot call GetSessionToken with session credentials")
        if not _SHORTEST <= seconds <= _LONGEST_TOKEN:
            raise AwsError("ValidationError", f"DurationSeconds must be {_SHORTEST} to {_LONGEST_TOKEN}")
        session = self._begin(seconds, account=self.caller.account, user_name=user.name, mfa=with_code)
        return ActionResult({"Credentials": _credentials(session)})

    def assume_role(self) -> ActionResult:
        """Create a session of a role that exists, trusts the caller, and is in an active account."""
        arn, name = self._get_param("RoleArn"), self._get_param("RoleSessionName")
        policy, seconds = self._get_param("Policy"), self._get_int_param("DurationSeconds", 3600)
        match = _ROLE_ARN.fullmatch(arn)
        if match is None or not _SESSION_NAME.fullmatch(name):
            raise AwsError(
                "ValidationError", f"{arn} is invalid" if match is None else "Invalid session name"
            )
        role = self._role(match["account"], arn)
        if role is None or not self._trusted_by(role):
            raise self._denied(arn)
        self._check_duration(role, seconds)
        _check_policy(policy)
        session = self._begin(seconds, account=match["account"], role_arn=arn, name=name, policy=policy)
        return ActionResult(
            {
                "Credentials": _credentials(session),
                "AssumedRoleUser": {
                    "AssumedRoleId": f"{role.id}:{name}",
                    "Arn": f"arn:aws:sts::{match['account']}:assumed-role/{role.name}/{name}",
                },
                "PackedPolicySize": 6,
            }
        )

    def get_federation_token(self) -> ActionResult:
        """Create a session with the user's rights as far as the policy allows them: without one, with none."""
        name, policy = self._get_param("Name"), self._get_param("Policy")
        seconds = self._get_int_param("DurationSeconds", 43200)
        user = self.caller.user
        if user is None or self.caller.session is not None:
            raise AwsError("AccessDenied", "Cannot call GetFederationToken with session credentials")
        if not _SHORTEST <= seconds <= _LONGEST_TOKEN or not _SESSION_NAME.fullmatch(name):
            raise AwsError("ValidationError", f"Name or DurationSeconds is invalid: {name}, {seconds}")
        _check_policy(policy)
        account = self.caller.account
        session = self._begin(
            seconds,
            account=account,
            user_name=user.name,
            name=name,
            policy=policy or _NOTHING,
            federated=True,
        )
        federated = {
            "FederatedUserId": f"{account}:{name}",
            "Arn": f"arn:aws:sts::{account}:federated-user/{name}",
        }
        return ActionResult(
            {"Credentials": _credentials(session), "FederatedUser": federated, "PackedPolicySize": 6}
        )

    def get_web_identity_token(self) -> ActionResult:
        """Refuse: outbound federation is off unless an account turns it on."""
        raise AwsError(
            "OutboundWebIdentityFederationDisabledException",
            "Outbound web identity federation is not enabled for this account.",
        )

    def get_delegated_access_token(self) -> ActionResult:
        """Refuse: nobody has delegated anything here."""
        raise AwsError("ExpiredTradeInTokenException", "The trade-in token is not valid.")

    def _role(self, account: str, arn: str) -> Role | None:
        """Find the role, unless its account is unknown, closed or suspended."""
        member = next((one for one in self.world.organizations.accounts if one.id == account), None)
        if member is None or member.state not in ("ACTIVE", "PENDING_CLOSURE"):
            return None
        return next((role for role in self.world.iam(account).roles.values() if role.arn == arn), None)

    def _trusted_by(self, role: Role) -> bool:
        """Weigh the trust policy: principals, conditions, and the permission to pass session tags."""
        needed = {"sts:AssumeRole"}
        if self._get_param("Tags"):
            needed.add("sts:TagSession")
        if self._get_param("SourceIdentity"):
            needed.add("sts:SetSourceIdentity")
        principals = {self.caller.arn, f"arn:aws:iam::{self.caller.account}:root", self.caller.account, "*"}
        if self.caller.role is not None:
            principals.add(self.caller.role.arn)
        trust = json.loads(role.assume_role_policy_document)
        about_caller = [
            {**statement, "Resource": "*"}
            for statement in _listed(trust["Statement"])
            if principals & set(_listed(statement.pop("Principal").get("AWS", [])))
        ]
        document = parse_document({**trust, "Statement": about_caller}, f"trust policy of {role.name}")
        context = principal_context(self.world, self.caller)
        if self._get_param("ExternalId"):
            context["sts:ExternalId"] = self._get_param("ExternalId")
        if self._get_param("SerialNumber"):  # `authorize` has checked the code
            context["aws:MultiFactorAuthPresent"] = "true"
        elif self.caller.session is not None:
            context["aws:MultiFactorAuthPresent"] = "true" if self.caller.session.mfa else "false"
        asked = [Request(action, role.arn, self.caller.arn, Context(context)) for action in sorted(needed)]
        return all(isinstance(evaluate(Policies((document,)), one), Allowed) for one in asked)

    def _check_duration(self, role: Role, seconds: int) -> None:
        if not _SHORTEST <= seconds <= _LONGEST_ROLE:
            raise AwsError("ValidationError", f"DurationSeconds must be {_SHORTEST} to {_LONGEST_ROLE}")
        if self.caller.role is not None and seconds > _LONGEST_CHAINED:
            raise AwsError(
                "ValidationError",
                "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining",
            )
        if seconds > int(role.max_session_duration or 3600):
            message = "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."
            raise AwsError("ValidationError", message)

    def _denied(self, arn: str) -> AwsError:
        message = f"User: {self.caller.arn} is not authorized to perform: sts:AssumeRole on resource: {arn}"
        return AwsError("AccessDenied", message)

    def _begin(self, seconds: int, **facts: Any) -> Session:
        """Issue credentials that expire in real time, since clients refresh them by the clock of this machine."""
        number, now = self.world.next("session"), real_now()
        key_id = self.world.ids.session_key(number)
        session = Session(
            key_id=key_id,
            secret=self.world.ids.secret(key_id),
            token=self.world.ids.token(key_id),
            began=now,
            expires=now + timedelta(seconds=seconds),
            **facts,
        )
        self.world.sessions[key_id] = session
        return session


def _check_policy(policy: str | None) -> None:
    if policy is None:
        return
    if len(policy) > _LONGEST_POLICY:
        raise AwsError("ValidationError", "policy: Member must have length less than or equal to 2048")
    try:
        json.loads(policy)
    except ValueError as error:
        raise AwsError("MalformedPolicyDocument", "This policy contains invalid Json") from error


def _credentials(session: Session) -> dict[str, Any]:
    return {
        "AccessKeyId": session.key_id,
        "SecretAccessKey": session.secret,
        "SessionToken": session.token,
        "Expiration": session.expires.replace(microsecond=0),
    }


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
