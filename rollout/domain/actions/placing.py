"""Works out the writes that bring an account from what stands there to what should, in order.

See design.md#apply-journal-store.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from rollout.domain.iam import equal_documents
from rollout.domain.people.inventory import PolicyVersion
from rollout.domain.people.users import User
from rollout.domain.policy.attachment import Attachment
from rollout.domain.policy.changes import (
    AddMember,
    AttachToGroup,
    AttachToUser,
    Change,
    CreateGroup,
    CreatePolicy,
    CreateVersion,
    DeleteVersion,
    DetachFromUser,
    RemoveMember,
    SetDefaultVersion,
    UserRef,
)
from rollout.domain.policy.standing import (
    Documents,
    Names,
    PolicyStanding,
    Standing,
    State,
    denies_nothing,
)


@dataclass(frozen=True, slots=True)
class Target:
    """A user who is to be placed, and where."""

    user: User
    attachment: Attachment

    @property
    def ref(self) -> UserRef:
        """The user as a change names it."""
        return UserRef(self.user.account_id, self.user.name, self.user.id, self.user.arn)


@dataclass(frozen=True, slots=True)
class Site:
    """One account as a place to write to. `attached` names everybody whom a new default version would reach."""

    account_id: str
    standing: Standing
    names: Names
    documents: Documents
    tags: Mapping[str, str]
    versions_quota: int = 5
    attached: tuple[str, ...] = ()
    release_over: bool = False
    """The brake was pulled by a release of this tool that has run out or was ended."""

    @property
    def braked(self) -> bool:
        """Tell whether our policy stands and denies nothing: a release, whoever did it (design.md#policy-documents).

        Told by the Deny alone: the Allow half of an earlier version may differ from today's. While nobody is attached
        yet, a single version only means that creation was cut short.
        """
        policy = self.standing.policy
        if policy.state is not State.OURS or policy.found is None or policy.found.default is None:
            return False
        unfinished = len(policy.found.versions) == 1 and not self.attached
        return not self.release_over and not unfinished and denies_nothing(policy.found.default.document)


def enforcing(site: Site, targets: tuple[Target, ...]) -> tuple[Change, ...]:
    """List the writes that put the targets under ForceMFA: policy, then group, then members."""
    if not targets:
        return ()
    standing, names = site.standing, site.names
    group = any(target.attachment is Attachment.GROUP for target in targets)
    return (
        *_main_policy(site),
        *(
            _group(site, names.group, standing.group, standing.group_has, standing.policy.arn)
            if group
            else ()
        ),
        *_memberships(targets, names.group, standing.policy.arn),
    )


def renewing(site: Site) -> tuple[Change, ...]:
    """List the writes that bring today's documents to those who are placed already; none while the brake is on."""
    return () if site.braked else tuple(_main_policy(site))


def enrolling(site: Site, targets: tuple[Target, ...]) -> tuple[Change, ...]:
    """List the writes that let the targets enrol a device."""
    if not targets:
        return ()
    standing, names = site.standing, site.names
    group = any(target.attachment is Attachment.GROUP for target in targets)
    arn = standing.enrolment.arn
    name, state, has = names.enrolment_group, standing.enrolment_group, standing.enrolment_group_has
    return (
        *_enrolment_policy(site),
        *(_group(site, name, state, has, arn) if group else ()),
        *_memberships(targets, name, arn),
    )


def releasing(site: Site, users: tuple[User, ...]) -> tuple[Change, ...]:
    """List the writes that take users out from under our policy again."""
    return tuple(change for user in users for change in _removals(site, user))


def is_placed(user: User, site: Site) -> bool:
    """Tell whether the user is under our policy already, or under its foreign equal."""
    standing = site.standing
    if standing.policy.state is State.CLASH:
        return False
    in_group = (
        site.names.group in user.groups
        and standing.group is State.OURS
        and standing.policy.arn in standing.group_has
    )
    return in_group or standing.policy.arn in user.attached


def _removals(site: Site, user: User) -> Iterator[Change]:
    ref = Target(user, Attachment.GROUP).ref
    if site.names.group in user.groups and site.standing.group is State.OURS:
        yield RemoveMember(site.account_id, site.names.group, ref)
    # A foreign policy on the user itself may be somebody else's doing: only the journal could tell.
    if site.standing.policy.state is State.OURS and site.standing.policy.arn in user.attached:
        yield DetachFromUser(site.account_id, ref, site.standing.policy.arn)


def _main_policy(site: Site) -> Iterator[Change]:
    policy, documents = site.standing.policy, site.documents
    if policy.state is State.ABSENT:
        yield CreatePolicy(
            site.account_id, policy.arn, site.names.policy, site.names.path, documents.brake, site.tags
        )
        yield CreateVersion(site.account_id, policy.arn, documents.full)
    elif policy.state is State.OURS and not policy.current:
        standing = _version_of(policy, documents.full)
        if standing is not None:
            yield SetDefaultVersion(site.account_id, policy.arn, standing.id, site.attached)
            return
        yield from _room_for_a_version(site, policy)
        yield CreateVersion(site.account_id, policy.arn, documents.full, site.attached)


def _version_of(policy: PolicyStanding, document: Mapping[str, object]) -> PolicyVersion | None:
    """Find the version that says this already: it only has to be put in force."""
    versions = policy.found.versions if policy.found else ()
    return next((version for version in versions if equal_documents(version.document, document)), None)


def _room_for_a_version(site: Site, policy: PolicyStanding, *, keep_brake: bool = True) -> Iterator[Change]:
    versions = policy.found.versions if policy.found else ()
    if len(versions) < site.versions_quota:
        return
    # The Allow half is the brake and stays for good (design.md#policy-documents), also one from before the documents
    # changed.
    spare = [
        version
        for version in versions
        if not version.is_default and not (keep_brake and denies_nothing(version.document))
    ]
    if spare:
        oldest = min(spare, key=lambda version: int(version.id.removeprefix("v")))
        yield DeleteVersion(site.account_id, policy.arn, oldest.id)


def _enrolment_policy(site: Site) -> Iterator[Change]:
    policy, document = site.standing.enrolment, site.documents.enrolment
    if policy.state is State.ABSENT:
        name = site.names.enrolment_policy
        yield CreatePolicy(site.account_id, policy.arn, name, site.names.path, document, site.tags)
    elif policy.state is State.OURS and not policy.current:
        yield from _room_for_a_version(site, policy, keep_brake=False)
        yield CreateVersion(site.account_id, policy.arn, document)


def _group(site: Site, name: str, state: State, has: tuple[str, ...], arn: str) -> Iterator[Change]:
    if state is State.ABSENT:
        yield CreateGroup(site.account_id, name, site.names.path)
    if arn not in has:
        yield AttachToGroup(site.account_id, name, arn)


def _memberships(targets: tuple[Target, ...], group: str, arn: str) -> Iterator[Change]:
    for target in sorted(targets, key=lambda target: target.user.name):
        account_id = target.user.account_id
        match target.attachment:
            case Attachment.GROUP if group not in target.user.groups:
                yield AddMember(account_id, group, target.ref)
            case Attachment.USER if arn not in target.user.attached:
                yield AttachToUser(account_id, target.ref, arn)
            case _:
                continue
