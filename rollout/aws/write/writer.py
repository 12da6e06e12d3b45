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
        self._lock = threading.Lock()

    def make(self, change: Change) -> WriteReceipt:
        """Make the change with exactly one write.

        Raises AnswerLost when it is unknown whether the write took effect, and Refusal when AWS refuses it for good.
        """
        try:
            answer = self._send(change)
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
        return WriteReceipt(request_id, answer.attempts)

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


def _text(document: Mapping[str, object]) -> str:
    # IAM does not count white space towards its limits, and indentation helps people who read the policy.
    return json.dumps(document, indent=2, ensure_ascii=True)
