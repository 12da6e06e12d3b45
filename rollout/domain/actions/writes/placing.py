"""The writes that put people under the policy, bring today's documents, and repair what drifted, in order.

See design.md#apply-journal-store.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from rollout.domain.actions.account_context import AccountContext
from rollout.domain.actions.repair import Repair
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
    SetDefaultVersion,
)
from rollout.domain.policy.our_resources import OurGroup, OurPolicy, State, denies_nothing, number_of


def enforcing(context: AccountContext, users: Iterable[User]) -> tuple[Change, ...]:
    """List the writes that put users under ForceMFA: policy, then group, then members.

    Who has no place by their verdict is passed over.
    """
    people = _with_a_place(context, users)
    if not people:
        return ()
    ours = context.ours
    return (
        *_main_policy(context),
        *_group(context, people, ours.group, ours.policy.arn),
        *_memberships(context, people, ours.group.name, ours.policy.arn),
    )


def renewing(context: AccountContext, *, lift: bool = False) -> tuple[Change, ...]:
    """List the writes that bring today's document to those who are under the policy already.

    None while the brake is pulled, unless it is to be let go (`lift`).
    """
    return () if context.is_braked and not lift else tuple(_main_policy(context))


def enrolling(context: AccountContext, users: Iterable[User]) -> tuple[Change, ...]:
    """List the writes that let users enrol a device."""
    people = _with_a_place(context, users)
    if not people:
        return ()
    ours = context.ours
    return (
        *_enrolment_policy(context),
        *_group(context, people, ours.enrolment_group, ours.enrolment.arn),
        *_memberships(context, people, ours.enrolment_group.name, ours.enrolment.arn),
    )


def repairing(context: AccountContext, repair: Repair) -> tuple[Change, ...]:
    """List the writes that put right what enforces: the document in force, its attachment to the group, people."""
    ours = context.ours
    wanted: list[Change] = []
    if repair.lift or repair.document:
        wanted += renewing(context, lift=repair.lift)
    if repair.attach and ours.group.state is State.OURS and ours.policy.arn not in ours.group.attached:
        wanted.append(AttachToGroup(context.account.id, ours.group.name, ours.policy.arn))
    wanted += enforcing(context, repair.back)
    # People may join a group whose brake is pulled: it denies them nothing, and stays pulled.
    stays_pulled = context.is_braked and not repair.lift
    versions = CreateVersion | SetDefaultVersion | DeleteVersion
    kept = [change for change in wanted if not (stays_pulled and isinstance(change, versions))]
    return tuple(change for number, change in enumerate(kept) if change not in kept[:number])


def _with_a_place(context: AccountContext, users: Iterable[User]) -> tuple[User, ...]:
    placed = (user for user in users if context.verdict(user).attachment is not None)
    return tuple(sorted(placed, key=lambda user: user.name))


def _main_policy(context: AccountContext) -> Iterator[Change]:
    account_id, policy, documents = context.account.id, context.ours.policy, context.rules.documents
    if policy.state is State.ABSENT:
        names = context.rules.names
        yield CreatePolicy(account_id, policy.arn, names.policy, names.path, documents.brake, context.tags)
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
    """Find the version that says this already: it only has to be put in force."""
    versions = policy.found.versions if policy.found else ()
    return next((version for version in versions if equal_documents(version.document, document)), None)


def _room_for_a_version(
    context: AccountContext, policy: OurPolicy, *, keep_brake: bool = True
) -> Iterator[Change]:
    versions = policy.found.versions if policy.found else ()
    if len(versions) < context.facts.quotas.versions_per_policy:
        return
    # The Allow half is the brake and stays for good (design.md#policy-documents), also one from before the documents
    # changed.
    spare = [
        version
        for version in versions
        if not version.is_default and not (keep_brake and denies_nothing(version.document))
    ]
    if spare:
        yield DeleteVersion(context.account.id, policy.arn, min(spare, key=number_of).id)


def _enrolment_policy(context: AccountContext) -> Iterator[Change]:
    account_id, policy = context.account.id, context.ours.enrolment
    names, document = context.rules.names, context.rules.documents.enrolment
    if policy.state is State.ABSENT:
        yield CreatePolicy(account_id, policy.arn, names.enrolment_policy, names.path, document, context.tags)
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
