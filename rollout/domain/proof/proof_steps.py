"""Lists the writes of a proof: what it makes, how it puts the policy in force and out of force, what it removes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from rollout.domain.policy.our_resources import Documents
from rollout.domain.proof.asked_services import boundary_document, rights_document
from rollout.domain.proof.proof_users import PATH, TAG, ProofNames, ProofUser, Way, proof_of


@dataclass(frozen=True, slots=True)
class ProofWrite:
    """One IAM write: the operation, the name of what it is about, and, where there is one, of what goes with it.

    `other` is a policy for attachments, a user for memberships, a version for policies, a key, a path or a serial.
    """

    operation: str
    name: str
    other: str = ""

    @property
    def sentence(self) -> str:
        """The write as people read it; of an access key, no more is told than elsewhere."""
        other = self.other
        if self.operation == "DeleteAccessKey":
            other = f"key {other[:4]}…{other[-2:]}"
        return f"{self.operation} {self.name}" + (f" ({other})" if other else "")


@dataclass(frozen=True, slots=True)
class UserRemains:
    """A user of a proof, and everything that has to go before the user can."""

    name: str
    keys: tuple[str, ...] = ()
    devices: tuple[str, ...] = ()
    password: bool = False
    groups: tuple[str, ...] = ()
    policies: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class GroupRemains:
    """A group of a proof and its policies."""

    name: str
    policies: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PolicyRemains:
    """A policy of a proof, and its versions but for the default."""

    name: str
    versions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Remains:
    """What stands in an account at the path of proofs, by name; `strangers` are there and are not a proof's."""

    users: tuple[UserRemains, ...] = ()
    groups: tuple[GroupRemains, ...] = ()
    policies: tuple[PolicyRemains, ...] = ()
    roles: tuple[str, ...] = ()
    devices: tuple[str, ...] = ()
    """Serial numbers of virtual devices that nobody has."""
    strangers: tuple[str, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all that can be removed."""
        users, groups = (one.name for one in self.users), (one.name for one in self.groups)
        policies = (one.name for one in self.policies)
        return (*users, *groups, *policies, *self.roles, *self.devices)

    @property
    def proofs(self) -> frozenset[str]:
        """The ids of the proofs that left something."""
        return frozenset(proof_of(name.rpartition("/")[2]) for name in self.names)


@dataclass(frozen=True, slots=True)
class ProofDocuments:
    """What the policies and the role of a proof say, by name, and the names that go with it.

    `first` are the documents that policies are made with; `full` is the version that denies.
    """

    names: ProofNames
    first: Mapping[str, Mapping[str, object]]
    full: Mapping[str, object]
    trust: Mapping[str, object] = field(default_factory=dict)


def documents_of(names: ProofNames, partition: str, account_id: str, ours: Documents) -> ProofDocuments:
    """Put together what a proof needs around the documents of this rollout."""
    first = {
        names.policy: ours.brake,
        names.enrolment: ours.enrolment,
        names.rights: rights_document(partition, account_id),
        names.boundary: boundary_document(),
    }
    return ProofDocuments(names, first, ours.full, _trust(partition, account_id))


def _trust(partition: str, account_id: str) -> Mapping[str, object]:
    users = f"arn:{partition}:iam::{account_id}:user{PATH}*"
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"AWS": f"arn:{partition}:iam::{account_id}:root"},
                "Action": "sts:AssumeRole",
                "Condition": {"ArnLike": {"aws:PrincipalArn": users}},
            }
        ],
    }


def tags_of_proof(proof_id: str) -> Mapping[str, str]:
    """Return the tags of all that IAM can tag."""
    return {TAG: proof_id}


def making(names: ProofNames) -> Iterator[ProofWrite]:
    """List what has to be there before the first question; the policy of this rollout is attached to nobody yet."""
    for policy in names.policies:
        yield ProofWrite("CreatePolicy", policy)
    yield ProofWrite("CreatePolicyVersion", names.policy, "the full document")
    yield ProofWrite("CreateGroup", names.group)
    yield ProofWrite("AttachGroupPolicy", names.group, names.policy)
    yield ProofWrite("CreateRole", names.role)
    for user in names.users:
        yield ProofWrite("CreateUser", user.name, user.persona.path)
        yield ProofWrite("AttachUserPolicy", user.name, names.rights)
        if user.persona.early:
            yield ProofWrite("AttachUserPolicy", user.name, names.enrolment)
        if user.persona.password:
            yield ProofWrite(
                "CreateLoginProfile", user.name, "must change" if user.persona.must_change else ""
            )
        yield ProofWrite("CreateAccessKey", user.name)


def putting_under(names: ProofNames, user: ProofUser) -> ProofWrite:
    """Put a user under the policy, as `apply` does."""
    if user.way is Way.GROUP:
        return ProofWrite("AddUserToGroup", names.group, user.name)
    return ProofWrite("AttachUserPolicy", user.name, names.policy)


def letting_out(names: ProofNames, user: ProofUser) -> ProofWrite:
    """Take a user out, as `release` does."""
    if user.way is Way.GROUP:
        return ProofWrite("RemoveUserFromGroup", names.group, user.name)
    return ProofWrite("DetachUserPolicy", user.name, names.policy)


def removing(remains: Remains) -> Iterator[ProofWrite]:
    """List how to remove what stands there, in an order that IAM accepts."""
    for user in remains.users:
        for serial in user.devices:
            yield ProofWrite("DeactivateMFADevice", user.name, serial)
            if ":mfa/" in serial:  # a passkey is gone with that
                yield ProofWrite("DeleteVirtualMFADevice", serial)
        for key in user.keys:
            yield ProofWrite("DeleteAccessKey", user.name, key)
        if user.password:
            yield ProofWrite("DeleteLoginProfile", user.name)
        for group in user.groups:
            yield ProofWrite("RemoveUserFromGroup", group, user.name)
        for policy in user.policies:
            yield ProofWrite("DetachUserPolicy", user.name, policy)
        yield ProofWrite("DeleteUser", user.name)
    for serial in remains.devices:
        yield ProofWrite("DeleteVirtualMFADevice", serial)
    for left in remains.groups:
        for policy in left.policies:
            yield ProofWrite("DetachGroupPolicy", left.name, policy)
        yield ProofWrite("DeleteGroup", left.name)
    for made in remains.policies:
        for version in made.versions:
            yield ProofWrite("DeletePolicyVersion", made.name, version)
        yield ProofWrite("DeletePolicy", made.name)
    for role in remains.roles:
        yield ProofWrite("DeleteRole", role)
