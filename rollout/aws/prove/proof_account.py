"""Makes what a proof needs in one account, and finds and removes what proofs have left there."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from rollout.aws.prove.proof_sessions import ProofAccountArns
from rollout.awsapi.attempts import CallResult
from rollout.awsapi.calls import Calls
from rollout.awsapi.failures import CallFailed
from rollout.awsapi.faults import Fault
from rollout.domain.people.sign_in import ConsoleAuthorization
from rollout.domain.proof.proof_steps import (
    GroupRemains,
    PolicyRemains,
    ProofDocuments,
    ProofWrite,
    Remains,
    UserRemains,
    tags_of_proof,
)
from rollout.domain.proof.proof_users import PATH, is_of_a_proof, proof_of
from rollout.workflows.ports import CannotEnter, Refusal, SignInSeen, WriteReceipt

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient

    from rollout.aws.prove.proof_callers import ProofCallers

PAUSES = (0.5, 1.0, 2.0, 4.0, 8.0)
FULL, HALF = "the full document", "the Allow half"


class AwsProofRemover:
    """Finds and removes what proofs have left; implements `ProofRemover`. Its session can do nothing else."""

    def __init__(
        self, calls: Calls, client: IAMClient, partition: str, console: Callable[[], ConsoleAuthorization]
    ) -> None:
        """Keep the arguments; make no call yet. `console` reads the console authorization of the account."""
        self._calls, self._client, self._console = calls, client, console
        self._arns = ProofAccountArns(partition, calls.account_id, None)

    def remains(self, expecting: frozenset[str] = frozenset()) -> Remains:
        """Find everything at the path of proofs; wait until what is expected shows. Raises CannotEnter.

        What has no name or no tag of a proof is a stranger, and is left. See aws-facts.md#eventual-consistency.
        """
        try:
            found = self._found()
            for pause in PAUSES:
                if expecting <= set(found.names):
                    break
                self._calls.retries.sleep(pause)
                found = self._found()
            return found
        except CallFailed as failed:
            raise CannotEnter(failed.sentence, failed.cure) from failed

    def _found(self) -> Remains:
        strangers: list[str] = []
        users = tuple(self._users(strangers))
        groups = tuple(self._groups(strangers))
        policies = tuple(self._policies(strangers))
        roles = tuple(self._roles(strangers))
        held = {serial for user in users for serial in user.devices}
        devices = tuple(serial for serial in self._devices() if serial not in held)
        return Remains(users, groups, policies, roles, devices, tuple(strangers))

    def remove(self, write: ProofWrite) -> WriteReceipt:
        """Remove one thing; what is gone already counts as removed. Raises AnswerLost, Refusal."""
        try:
            return _receipt(self._remove(write))
        except CallFailed as failed:
            if failed.fault is Fault.NOT_FOUND:
                return WriteReceipt(failed.request_id, failed.attempts)
            raise _refusal(failed) from failed

    def console_authorization(self) -> str:
        """Say whether console authorization is on for the account, or that it could not be read."""
        return self._console().sentence

    def seen(self, user: str) -> SignInSeen:
        """Read when a user's password was last used, and the user's devices. Raises CannotEnter."""
        try:
            found = self._calls.read(self._client.get_user, UserName=user)["User"]
            devices = self._of(user, self._client.list_mfa_devices, "MFADevices")
            return SignInSeen(found.get("PasswordLastUsed"), tuple(one["SerialNumber"] for one in devices))
        except CallFailed as failed:
            raise CannotEnter(failed.sentence, failed.cure) from failed

    def _remove(self, write: ProofWrite) -> CallResult[Any]:
        iam, name, other, do = self._client, write.name, write.other, self._calls.write
        policy = self._arns.arn("policy", other if write.operation.startswith("Detach") else name)
        match write.operation:
            case "DeactivateMFADevice":
                return do(iam.deactivate_mfa_device, UserName=name, SerialNumber=other)
            case "DeleteVirtualMFADevice":
                return do(iam.delete_virtual_mfa_device, SerialNumber=name)
            case "DeleteAccessKey":
                return do(iam.delete_access_key, UserName=name, AccessKeyId=other)
            case "DeleteLoginProfile":
                return do(iam.delete_login_profile, UserName=name)
            case "RemoveUserFromGroup":
                return do(iam.remove_user_from_group, GroupName=name, UserName=other)
            case "DetachUserPolicy":
                return do(iam.detach_user_policy, UserName=name, PolicyArn=policy)
            case "DetachGroupPolicy":
                return do(iam.detach_group_policy, GroupName=name, PolicyArn=policy)
            case "DeleteUser":
                return do(iam.delete_user, UserName=name)
            case "DeleteGroup":
                return do(iam.delete_group, GroupName=name)
            case "DeletePolicyVersion":
                return do(iam.delete_policy_version, PolicyArn=policy, VersionId=other)
            case "DeletePolicy":
                return do(iam.delete_policy, PolicyArn=policy)
            case "DeleteRole":
                return do(iam.delete_role, RoleName=name)
            case _:
                raise ValueError(f"{write.operation} removes nothing")

    # --- What is there ---

    def _users(self, strangers: list[str]) -> Iterator[UserRemains]:
        iam = self._client
        for user in self._all(iam.list_users, "Users", PathPrefix=PATH):
            name = user["UserName"]
            tags = self._calls.maybe(iam.get_user, UserName=name)
            if not _is_ours(user["Path"], name, tags["User"] if tags else None):
                strangers.append(user["Arn"])
                continue
            yield UserRemains(
                name,
                tuple(
                    one["AccessKeyId"] for one in self._of(name, iam.list_access_keys, "AccessKeyMetadata")
                ),
                tuple(one["SerialNumber"] for one in self._of(name, iam.list_mfa_devices, "MFADevices")),
                self._calls.maybe(iam.get_login_profile, UserName=name) is not None,
                tuple(
                    group["GroupName"]
                    for group in self._of(name, iam.list_groups_for_user, "Groups")
                    if proof_of(group["GroupName"])
                ),
                self._attached(iam.list_attached_user_policies, UserName=name),
            )

    def _groups(self, strangers: list[str]) -> Iterator[GroupRemains]:
        iam = self._client
        for group in self._all(iam.list_groups, "Groups", PathPrefix=PATH):
            name = group["GroupName"]
            if proof_of(name):  # groups have no tags
                yield GroupRemains(name, self._attached(iam.list_attached_group_policies, GroupName=name))
            else:
                strangers.append(group["Arn"])

    def _policies(self, strangers: list[str]) -> Iterator[PolicyRemains]:
        iam = self._client
        for policy in self._all(iam.list_policies, "Policies", Scope="Local", PathPrefix=PATH):
            arn, name = policy["Arn"], policy["PolicyName"]
            found = self._calls.maybe(iam.get_policy, PolicyArn=arn)
            if not _is_ours(policy["Path"], name, found["Policy"] if found else None):
                strangers.append(arn)
                continue
            versions = self._all(iam.list_policy_versions, "Versions", PolicyArn=arn)
            others = (one["VersionId"] for one in versions if not one["IsDefaultVersion"])
            yield PolicyRemains(name, tuple(others))

    def _roles(self, strangers: list[str]) -> Iterator[str]:
        iam = self._client
        for role in self._all(iam.list_roles, "Roles", PathPrefix=PATH):
            name = role["RoleName"]
            found = self._calls.maybe(iam.get_role, RoleName=name)
            if _is_ours(role["Path"], name, found["Role"] if found else None):
                yield name
            else:
                strangers.append(role["Arn"])

    def _devices(self) -> Iterator[str]:
        at = self._arns.arn("mfa", "")
        for device in self._all(self._client.list_virtual_mfa_devices, "VirtualMFADevices"):
            serial = device["SerialNumber"]
            if serial.startswith(at) and proof_of(serial.removeprefix(at).removesuffix("-2")):
                yield serial

    def _attached(self, method: Callable[..., Any], **params: str) -> tuple[str, ...]:
        attached = self._all(method, "AttachedPolicies", **params)
        return tuple(one["PolicyName"] for one in attached if proof_of(one["PolicyName"]))

    def _of(self, user: str, method: Callable[..., Any], key: str) -> Iterator[Mapping[str, Any]]:
        return self._all(method, key, UserName=user)

    def _all(self, method: Callable[..., Any], key: str, **params: str) -> Iterator[Mapping[str, Any]]:
        for page in self._calls.pages(method, "Marker", **params):
            yield from page[key]


class AwsProofMaker:
    """Makes what one proof needs, and asks as its users; implements `ProofMaker`."""

    def __init__(
        self,
        calls: Calls,
        client: IAMClient,
        partition: str,
        documents: ProofDocuments,
        callers: ProofCallers,
    ) -> None:
        """Keep the arguments; make no call yet."""
        self._calls, self._client, self._documents = calls, client, documents
        self._arns = ProofAccountArns(partition, calls.account_id, documents.names)
        self._versions: dict[str, str] = {HALF: "v1"}
        self.ask, self.sign_in = callers.ask, callers.sign_in
        self._callers = callers

    def make(self, write: ProofWrite) -> WriteReceipt:
        """Make one write. Raises AnswerLost, Refusal."""
        try:
            return _receipt(self._make(write))
        except CallFailed as failed:
            raise _refusal(failed) from failed

    def _make(self, write: ProofWrite) -> CallResult[Any]:
        iam, name, other, do = self._client, write.name, write.other, self._calls.write_to_new
        documents, attached = self._documents, self._arns.arn("policy", write.other)
        tags: Any = [{"Key": key, "Value": value} for key, value in tags_of_proof(documents.names.id).items()]
        match write.operation:
            case "CreatePolicy":
                text = json.dumps(documents.first[name])
                return do(iam.create_policy, PolicyName=name, Path=PATH, PolicyDocument=text, Tags=tags)
            case "CreatePolicyVersion":
                made = do(
                    iam.create_policy_version,
                    PolicyArn=self._arns.arn("policy", name),
                    PolicyDocument=json.dumps(documents.full),
                    SetAsDefault=True,
                )
                self._versions[FULL] = made.value["PolicyVersion"]["VersionId"]
                return made
            case "SetDefaultPolicyVersion":
                return do(
                    iam.set_default_policy_version,
                    PolicyArn=self._arns.arn("policy", name),
                    VersionId=self._versions[other],
                )
            case "CreateGroup":
                return do(iam.create_group, GroupName=name, Path=PATH)
            case "AttachGroupPolicy":
                return do(iam.attach_group_policy, GroupName=name, PolicyArn=attached)
            case "AttachUserPolicy":
                return do(iam.attach_user_policy, UserName=name, PolicyArn=attached)
            case "DetachUserPolicy":
                return do(iam.detach_user_policy, UserName=name, PolicyArn=attached)
            case "AddUserToGroup":
                return do(iam.add_user_to_group, GroupName=name, UserName=other)
            case "RemoveUserFromGroup":
                return do(iam.remove_user_from_group, GroupName=name, UserName=other)
            case "CreateRole":
                trust = json.dumps(documents.trust)
                return do(
                    iam.create_role, RoleName=name, Path=PATH, AssumeRolePolicyDocument=trust, Tags=tags
                )
            case "CreateUser":
                bounded = documents.names.is_bounded(name)
                boundary = self._arns.arn("policy", documents.names.boundary)
                more: Any = {"PermissionsBoundary": boundary} if bounded else {}
                return do(iam.create_user, UserName=name, Path=other, Tags=tags, **more)
            case "CreateLoginProfile":
                password = self._callers.new_password(name)
                must = bool(other)
                return do(
                    iam.create_login_profile, UserName=name, Password=password, PasswordResetRequired=must
                )
            case "CreateAccessKey":
                key = do(iam.create_access_key, UserName=name)
                self._callers.take_key(name, key.value["AccessKey"])
                return key
            case _:
                raise ValueError(f"{write.operation} makes nothing")


def _is_ours(path: str, name: str, found: Mapping[str, Any] | None) -> bool:
    tags = {tag["Key"]: tag["Value"] for tag in (found or {}).get("Tags", [])}
    return is_of_a_proof(path, name, tags)


def _receipt(made: CallResult[Any]) -> WriteReceipt:
    return WriteReceipt(made.value["ResponseMetadata"].get("RequestId", ""), made.attempts)


def _refusal(failed: CallFailed) -> Refusal:
    return Refusal(
        failed.sentence,
        gone=failed.fault is Fault.NOT_FOUND,
        attempts=failed.attempts,
        code=failed.code,
        request_id=failed.request_id,
        cure=failed.cure,
    )
