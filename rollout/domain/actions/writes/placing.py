"""Lists the writes that put users under the policy, update its documents, and repair drift, in order.

See design.md#apply-journal-store.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from rollout.domain.actions.account_context import AccountContext
from rollout.domain.actions.repair import Repair
from rollout.domain.iam import equal_documents
from rollout.domain.people.observations import PolicyVersion
from rollout.domain.people.users import User
from rollout.domain.policy.attachment import Attachment
from rollout.domain.policy.brake import denies_nothing, number_of
from rollout.domain.policy.changes import (
    AddMember,
    AttachToGroup,
    AttachToUser,
    Change,
    CreateGroup,
    CreatePolicy,
    CreateVersion,
    DeleteVersion,
    SetDefaultVersion,
)
from rollout.domain.policy.our_resources import OurGroup, OurPolicy, State

USABLE = (State.ABSENT, State.OURS)
"""What may be made or used; all else stays as it is."""


def enforcing(context: AccountContext, users: Iterable[User]) -> tuple[Change, ...]:
    """List the writes that put users under ForceMFA: policy, then group, then members.

    Users whose verdict names no attachment are skipped.
    """
    ours = context.ours
    people = _attachable(context, users, ours.policy, ours.group)
    if not people:
        return ()
    return (
        *_main_policy(context),
        *_group(context, people, ours.group, ours.policy.arn),
        *_memberships(context, people, ours.group.name, ours.policy.arn),
    )


def renewing(context: AccountContext, *, lift: bool = False) -> tuple[Change, ...]:
    """List the writes that put today's document in force for users who are under the policy already.

    There are none while the brake is pulled, unless it is to be let go (`lift`).
    """
    return () if context.is_braked and not lift else tuple(_main_policy(context))


def enrolling(context: AccountContext, users: Iterable[User]) -> tuple[Change, ...]:
    """List the writes that let users enrol a device."""
    ours = context.ours
    people = _attachable(context, users, ours.enrolment, ours.enrolment_group)
    if not people:
        return ()
    return (
        *_enrolment_policy(context),
        *_group(context, people, ours.enrolment_group, ours.enrolment.arn),
        *_memberships(context, people, ours.enrolment_group.name, ours.enrolment.arn),
    )


def repairing(context: AccountContext, repair: Repair) -> tuple[Change, ...]:
    """List the writes of a repair: the document in force, its attachment to the group, and the users."""
    ours = context.ours
    wanted: list[Change] = []
    absent = repair.attach and ours.policy.state is State.ABSENT
    if repair.lift or repair.document or absent:
        wanted += renewing(context, lift=repair.lift)
    usable = ours.policy.state in USABLE and ours.group.state is State.OURS
    if repair.attach and usable and ours.policy.arn not in ours.group.attached:
        wanted.append(AttachToGroup(context.account.id, ours.group.name, ours.policy.arn))
    wanted += enforcing(context, repair.back)
    # Users may be put under a policy whose brake is pulled: it denies them nothing, and stays pulled.
    stays_pulled = context.is_braked and not repair.lift
    versions = CreateVersion | SetDefaultVersion | DeleteVersion
    kept = [change for change in wanted if not (stays_pulled and isinstance(change, versions))]
    return tuple(change for number, change in enumerate(kept) if change not in kept[:number])


def _attachable(
    context: AccountContext, users: Iterable[User], policy: OurPolicy, group: OurGroup
) -> tuple[User, ...]:
    """Choose whom a policy can be attached to; what is not ours is never used, whatever a verdict says."""
    places = {Attachment.USER} if group.state not in USABLE else {Attachment.USER, Attachment.GROUP}
    if policy.state not in USABLE:
        return ()
    placed = (user for user in users if context.verdict(user).attachment in places)
    return tuple(sorted(placed, key=lambda user: user.name))


def creating(context: AccountContext, policy: OurPolicy) -> tuple[Change, ...]:
    """List the writes that make one of our policies, or bring it up to date, unless its brake is pulled."""
    return tuple(_enrolment_policy(context)) if policy is context.ours.enrolment else renewing(context)


def _created(context: AccountContext, policy: OurPolicy, document: Mapping[str, object]) -> CreatePolicy:
    path = context.rules.names.path
    return CreatePolicy(
        context.account.id, policy.arn, policy.arn.rpartition("/")[2], path, document, context.tags
    )


def _main_policy(context: AccountContext) -> Iterator[Change]:
    account_id, policy, documents = context.account.id, context.ours.policy, context.rules.documents
    if policy.state is State.ABSENT:
        yield _created(context, policy, documents.brake)
        yield CreateVersion(account_id, policy.arn, documents.full)
    elif policy.state is State.OURS and not policy.current:
        attached = tuple(user.name for user in context.attached)
        version = _version_of(policy, documents.full)
        if version is not None:
            yield SetDefaultVersion(account_id, policy.arn, version.id, attached)
            return
        yield from _room_for_a_version(context, policy)
        yield CreateVersion(account_id, policy.arn, documents.full, attached)


def _version_of(policy: OurPolicy, document: Mapping[str, object]) -> PolicyVersion | None:
    """Find an existing version with the same document, which only has to be made the default."""
    versions = policy.found.versions if policy.found else ()
    return next((version for version in versions if equal_documents(version.document, document)), None)


def _room_for_a_version(
    context: AccountContext, policy: OurPolicy, *, keep_brake: bool = True
) -> Iterator[Change]:
    versions = policy.found.versions if policy.found else ()
    if len(versions) < context.facts.quotas.versions_per_policy:
        return
    # The Allow half is the brake and is never deleted (design.md#policy-documents), not even that of earlier documents.
    spare = [
        version
        for version in versions
        if not version.is_default and not (keep_brake and denies_nothing(version.document))
    ]
    if spare:
        yield DeleteVersion(context.account.id, policy.arn, min(spare, key=number_of).id)


def _enrolment_policy(context: AccountContext) -> Iterator[Change]:
    account_id, policy = context.account.id, context.ours.enrolment
    document = context.rules.documents.enrolment
    if policy.state is State.ABSENT:
        yield _created(context, policy, document)
    elif policy.state is State.OURS and not policy.current:
        yield from _room_for_a_version(context, policy, keep_brake=False)
        yield CreateVersion(account_id, policy.arn, document)


def _group(context: AccountContext, people: Iterable[User], group: OurGroup, arn: str) -> Iterator[Change]:
    if not any(context.verdict(user).attachment is Attachment.GROUP for user in people):
        return
    if group.state is State.ABSENT:
        yield CreateGroup(context.account.id, group.name, context.rules.names.path)
    if arn not in group.attached:
        yield AttachToGroup(context.account.id, group.name, arn)


def _memberships(context: AccountContext, people: Iterable[User], group: str, arn: str) -> Iterator[Change]:
    account_id = context.account.id
    for user in people:
        match context.verdict(user).attachment:
            case Attachment.GROUP if group not in user.groups:
                yield AddMember(account_id, group, user.ref)
            case Attachment.USER if arn not in user.attached:
                yield AttachToUser(account_id, user.ref, arn)
            case _:
                continue
