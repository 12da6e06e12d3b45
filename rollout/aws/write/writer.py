"""Makes each change with one IAM write, and keeps AWS's request ID for the journal (design.md#apply-journal-store)."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from rollout.awsapi.attempts import CallResult
from rollout.awsapi.calls import Calls
from rollout.awsapi.failures import CallFailed
from rollout.awsapi.faults import Fault
from rollout.awsapi.operations import OperationNotAllowed
from rollout.domain.policy.changes import (
    AddMember,
    AttachToGroup,
    AttachToUser,
    Change,
    CreateGroup,
    CreatePolicy,
    CreateVersion,
    DeleteGroup,
    DeletePolicy,
    DeleteVersion,
    DetachFromGroup,
    DetachFromUser,
    RemoveMember,
    SetDefaultVersion,
)
from rollout.workflows.ports import Refusal, WriteReceipt

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient

Answer = Mapping[str, object]

NEW_FOR = 60.0
"""Seconds after a creation in which "not found" may mean "not visible yet" (aws-facts.md#eventual-consistency)."""


class AwsAccountWriter:
    """Writes to one account."""

    def __init__(self, calls: Calls, client: IAMClient) -> None:
        """Keep the arguments; write nothing yet."""
        self._calls = calls
        self._client = client
        self._made_at: dict[str, float] = {}
        self._known_groups: set[str] = set()
        self._lock = threading.Lock()

    def make(self, change: Change) -> WriteReceipt:
        """Make the change with exactly one write.

        Raises AnswerLost when it is unknown whether the write took effect, and Refusal when AWS refuses it for good.
        """
        try:
            self._check_group(change)
            answer = self._send(change)
        except OperationNotAllowed as refused:
            raise Refusal(str(refused), cure="look at it by hand: it is not rollout's") from refused
        except CallFailed as failed:
            raise Refusal(
                failed.sentence,
                gone=failed.fault is Fault.NOT_FOUND,
                attempts=failed.attempts,
                code=failed.code,
                request_id=failed.request_id,
                cure=failed.cure,
            ) from failed
        self._remember(change)
        metadata = answer.value["ResponseMetadata"]
        request_id = metadata.get("RequestId", "") if isinstance(metadata, Mapping) else ""
        return WriteReceipt(request_id, answer.attempts, _id_of_new(answer.value))

    def _check_group(self, change: Change) -> None:
        """Look whether a group that a change names is at our path. Raises Refusal, CallFailed.

        IAM's requests name it without its path. In a role session, the session policy keeps to whole ARNs; with the
        caller's own credentials, nothing else does.
        """
        name, ours = getattr(change, "group", None), self._calls.ours
        if name is None or isinstance(change, CreateGroup) or not self._calls.identity.own or ours is None:
            return
        if name in self._known_groups:
            return
        answer = self._calls.maybe(self._client.get_group, GroupName=name, MaxItems=1)
        if answer is None:
            return  # the write itself will say so, or find it in a moment
        arn = ours.arn(f"group{answer['Group']['Path']}{name}")
        if arn not in ours.groups:
            raise Refusal(f"{arn} has the name of rollout's group, but is not at its path")
        self._known_groups.add(name)

    def _send(self, change: Change) -> CallResult[Answer]:
        iam = self._client
        match change:
            case CreatePolicy():
                return self._calls.write(
                    iam.create_policy,
                    PolicyName=change.name,
                    Path=change.path,
                    PolicyDocument=_text(change.document),
                    Tags=[{"Key": key, "Value": value} for key, value in sorted(change.tags.items())],
                )
            case CreateVersion(policy_arn=arn, document=document):
                return self._on(arn)(
                    iam.create_policy_version,
                    PolicyArn=arn,
                    PolicyDocument=_text(document),
                    SetAsDefault=True,
                )
            case SetDefaultVersion(policy_arn=arn, version_id=version):
                return self._on(arn)(iam.set_default_policy_version, PolicyArn=arn, VersionId=version)
            case DeleteVersion(policy_arn=arn, version_id=version):
                return self._on(arn)(iam.delete_policy_version, PolicyArn=arn, VersionId=version)
            case DeletePolicy(policy_arn=arn):
                return self._on(arn)(iam.delete_policy, PolicyArn=arn)
            case CreateGroup(group=name, path=path):
                return self._calls.write(iam.create_group, GroupName=name, Path=path)
            case DeleteGroup(group=name):
                return self._on(name)(iam.delete_group, GroupName=name)
            case AttachToGroup(group=name, policy_arn=arn):
                return self._on(name, arn)(iam.attach_group_policy, GroupName=name, PolicyArn=arn)
            case DetachFromGroup(group=name, policy_arn=arn):
                return self._calls.write(iam.detach_group_policy, GroupName=name, PolicyArn=arn)
            case AddMember(group=name, user=user):
                return self._on(name)(iam.add_user_to_group, GroupName=name, UserName=user.name)
            case RemoveMember(group=name, user=user):
                return self._calls.write(iam.remove_user_from_group, GroupName=name, UserName=user.name)
            case AttachToUser(user=user, policy_arn=arn):
                return self._on(arn)(iam.attach_user_policy, UserName=user.name, PolicyArn=arn)
            case DetachFromUser(user=user, policy_arn=arn):
                return self._calls.write(iam.detach_user_policy, UserName=user.name, PolicyArn=arn)

    def _remember(self, change: Change) -> None:
        match change:
            case CreatePolicy(policy_arn=made) | CreateVersion(policy_arn=made) | CreateGroup(group=made):
                with self._lock:
                    self._made_at[made] = self._calls.retries.monotonic()
            case _:
                pass

    def _on(self, *named: str) -> Callable[..., CallResult[Answer]]:
        """Retry "not found" when the write names something that was created moments ago."""
        now = self._calls.retries.monotonic()
        with self._lock:
            is_new = any(now - self._made_at[name] < NEW_FOR for name in named if name in self._made_at)
        return self._calls.write_to_new if is_new else self._calls.write


def _id_of_new(answer: Answer) -> str:
    """Return the id of the policy or group that a call has created; empty for other calls."""
    for kind, key in (("Policy", "PolicyId"), ("Group", "GroupId")):
        made = answer.get(kind)
        if isinstance(made, Mapping):
            return str(made.get(key, ""))
    return ""


def _text(document: Mapping[str, object]) -> str:
    # IAM does not count white space towards its limits, and indentation helps people who read the policy.
    return json.dumps(document, indent=2, ensure_ascii=True)
