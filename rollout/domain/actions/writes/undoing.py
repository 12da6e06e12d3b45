"""Works out what undoes this tool's changes in one account, from the journal and from what stands there now.

Undoing only lets go: it never puts anybody under the policy, and it never touches what the journal does not know.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from rollout.counted import number_of
from rollout.domain.actions.account_context import AccountContext
from rollout.domain.actions.writes.write import Write
from rollout.domain.iam import equal_documents
from rollout.domain.people.observations import AccountFacts, ManagedPolicy, PolicyVersion
from rollout.domain.people.users import UserRef
from rollout.domain.policy.brake import denies_nothing
from rollout.domain.policy.changes import (
    AddMember,
    AttachToGroup,
    AttachToUser,
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
from rollout.domain.progress.owned import OwnedResources, PastChange


@dataclass(frozen=True, slots=True)
class Left:
    """Somebody, or something of ours, that stays as it is, and why."""

    what: str
    why: str


@dataclass(frozen=True, slots=True)
class Undoing:
    """The writes in order: people first, then what they hung on. `left` stays where it is."""

    people: tuple[Write, ...]
    foundations: tuple[Write, ...]
    left: tuple[Left, ...] = ()


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which changes are to be undone. `whole`: what nobody needs any more goes too, whoever of us made it."""

    takes: Callable[[PastChange], bool]
    whole: bool = True


@dataclass(slots=True)
class _Account:
    """One account as it will be once the people are let go."""

    account_id: str
    facts: AccountFacts
    owned: OwnedResources
    chosen: Chosen
    dependents: Mapping[str, Sequence[str]]
    gone: set[tuple[str, str]] = field(default_factory=set)
    unhung: set[tuple[str, str]] = field(default_factory=set)
    left: list[Left] = field(default_factory=list)

    def goes(self, done: PastChange) -> bool:
        return self.chosen.whole or self.chosen.takes(done)

    def members(self, group: str) -> list[str]:
        """UserIds that stay in a group."""
        users = (user for user in self.facts.users if group in user.groups)
        return [user.id for user in users if (user.id, group) not in self.gone]

    def carriers(self, arn: str) -> list[str]:
        """UserIds that keep a policy on themselves."""
        users = (user for user in self.facts.users if arn in user.attached)
        return [user.id for user in users if (user.id, arn) not in self.gone]

    def groups_with(self, arn: str) -> list[str]:
        """Groups that a policy stays hung on."""
        groups = (group for group in self.facts.groups.values() if arn in group.attached)
        return [group.name for group in groups if (group.name, arn) not in self.unhung]

    def under(self, arn: str) -> list[str]:
        """Names of those who stay under a policy, on themselves or through a group."""
        groups, carriers = self.groups_with(arn), set(self.carriers(arn))
        reached = carriers | {member for group in groups for member in self.members(group)}
        return [user.name for user in self.facts.users if user.id in reached]

    def ours_in(self, group: str) -> list[str]:
        """UserIds of those who stay in a group and were put there by this tool."""
        staying = set(self.members(group))
        ours = {
            done.intent.change.user.id
            for done in self.owned.of(AddMember)
            if isinstance(done.intent.change, AddMember) and done.intent.change.group == group
        }
        return sorted(staying & ours)


def undoing(context: AccountContext, chosen: Chosen, dependents: Mapping[str, Sequence[str]]) -> Undoing:
    """List what undoes the chosen changes in one account.

    `dependents` names, by the ARN of a policy, the roles that have it and those whose boundary it is.
    """
    owned = context.progress.owned.in_account(context.account.id)
    account = _Account(context.account.id, context.facts, owned, chosen, dependents)
    people = (*_people(account), *_lent(account))
    touched = people or any(chosen.takes(done) for done in account.owned.all)
    foundations = tuple(_foundations(account)) if touched else ()
    return Undoing(people, foundations, tuple(account.left))


def _people(account: _Account) -> Iterator[Write]:
    users = {user.id: user for user in account.facts.users}
    for done in reversed(account.owned.of(AddMember, AttachToUser)):
        change = done.intent.change
        if not isinstance(change, AddMember | AttachToUser) or not account.chosen.takes(done):
            continue
        user = users.get(change.user.id)
        if user is None:
            # Deleted since, perhaps with a namesake in its place.
            yield Write(_letting_go(change, change.user), done.intent.wave, in_place=True)
            continue
        place = change.group if isinstance(change, AddMember) else change.policy_arn
        stands = place in (user.groups if isinstance(change, AddMember) else user.attached)
        if stands:
            account.gone.add((user.id, place))
        yield Write(_letting_go(change, user.ref), done.intent.wave, in_place=not stands)


def _lent(account: _Account) -> Iterator[Write]:
    """Those whom a release has taken out already: rolled back, they are not to come back at its end."""
    for done in account.owned.released.values():
        change = done.intent.change
        if isinstance(change, AddMember | AttachToUser) and account.chosen.takes(done):
            yield Write(_letting_go(change, change.user), done.intent.wave, in_place=True)


def _letting_go(change: AddMember | AttachToUser, ref: UserRef) -> RemoveMember | DetachFromUser:
    if isinstance(change, AddMember):
        return RemoveMember(change.account_id, change.group, ref)
    return DetachFromUser(change.account_id, ref, change.policy_arn)


def _foundations(account: _Account) -> Iterator[Write]:
    for done in reversed(account.owned.of(AttachToGroup, CreateGroup, CreatePolicy)):
        match done.intent.change:
            case AttachToGroup() as change if account.goes(done):
                yield from _unhang(account, change, done)
            case CreateGroup() as change if account.goes(done):
                yield from _delete_group(account, change, done)
            case CreatePolicy() as change:
                yield from _delete_policy(account, change, done)
            case _:
                continue


def _unhang(account: _Account, change: AttachToGroup, done: PastChange) -> Iterator[Write]:
    group = account.facts.groups.get(change.group)
    taking_off = DetachFromGroup(account.account_id, change.group, change.policy_arn)
    if group is None or change.policy_arn not in group.attached:
        yield Write(taking_off, done.intent.wave, in_place=True)
        return
    ours = account.ours_in(change.group)
    if ours:
        account.left.append(Left(f"{change.policy_arn} on group {change.group}", _people_stay(ours)))
        return
    account.unhung.add((change.group, change.policy_arn))
    yield Write(taking_off, done.intent.wave)


def _delete_group(account: _Account, change: CreateGroup, done: PastChange) -> Iterator[Write]:
    group = account.facts.groups.get(change.group)
    deleting = DeleteGroup(account.account_id, change.group)
    if group is None or group.path != change.path:
        # Not there any more, or somebody else's of the same name.
        yield Write(deleting, done.intent.wave, in_place=True)
        return
    attached = [arn for arn in group.attached if (change.group, arn) not in account.unhung]
    why = ""
    if members := account.members(change.group):
        why = _people_stay(members)
    elif attached or group.inline:
        why = f"policies are attached to it: {', '.join([*attached, *(one.name for one in group.inline)])}"
    if why:
        account.left.append(Left(f"group {change.group}", why))
        return
    yield Write(deleting, done.intent.wave)


def _delete_policy(account: _Account, change: CreatePolicy, done: PastChange) -> Iterator[Write]:
    policy = account.facts.policies.get(change.policy_arn)
    if policy is None:
        if account.goes(done):
            yield Write(DeletePolicy(account.account_id, change.policy_arn), done.intent.wave, in_place=True)
        return
    history = account.owned.versions.get(policy.arn, [])
    why = ""
    if carriers := [*account.groups_with(policy.arn), *account.carriers(policy.arn)]:
        why = f"still on {number_of(len(carriers), 'user or group', 'users or groups')}"
    elif others := account.dependents.get(policy.arn):
        why = f"others depend on it: {', '.join(others)}"
    elif any(not _is_ours(version, history) for version in policy.versions):
        why = "somebody else gave it a version: delete it by hand if nobody needs it"
    if account.goes(done) and not why:
        # The last version to be left is one that denies nothing: if the policy cannot be deleted then, it harms nobody.
        last = max(policy.versions, key=lambda one: (denies_nothing(one.document), one.is_default))
        if not last.is_default:
            yield Write(SetDefaultVersion(account.account_id, policy.arn, last.id), done.intent.wave)
        for version in policy.versions:
            if version is not last:
                yield Write(DeleteVersion(account.account_id, policy.arn, version.id), done.intent.wave)
        yield Write(DeletePolicy(account.account_id, policy.arn), done.intent.wave)
        return
    if account.goes(done):
        account.left.append(Left(f"policy {policy.arn}", why))
    if not account.chosen.whole:
        yield from _take_back_versions(account, policy, history)


def _take_back_versions(
    account: _Account, policy: ManagedPolicy, history: Sequence[PastChange]
) -> Iterator[Write]:
    """Bring the policy back to the document that it had before the chosen versions, and delete those."""
    chosen = [done for done in history if account.chosen.takes(done)]
    if not chosen:
        return
    kept = [document_of(done) for done in history if done not in chosen]
    default = policy.default
    theirs = [document_of(done) for done in chosen]
    if default is None or not _among(default, theirs) or _among(default, kept):
        before: PolicyVersion | None = default
    else:
        former = _former(history, chosen)
        before = next((version for version in policy.versions if _among(version, [former])), None)
        stays = account.groups_with(policy.arn) or account.carriers(policy.arn)
        if before is None or (stays and denies_nothing(before.document)):
            why = (
                "the document before it is no longer there" if before is None else "users are enforced by it"
            )
            account.left.append(Left(f"version {default.id} of {policy.arn}", why))
            return
        attached = tuple(account.under(policy.arn))
        yield Write(
            SetDefaultVersion(account.account_id, policy.arn, before.id, attached), chosen[-1].intent.wave
        )
    for version in policy.versions:
        if version is not before and _among(version, theirs) and not _among(version, kept):
            yield Write(DeleteVersion(account.account_id, policy.arn, version.id), chosen[-1].intent.wave)


def _former(history: Sequence[PastChange], chosen: Sequence[PastChange]) -> Mapping[str, object]:
    before = history[: history.index(chosen[0])]
    return document_of(before[-1]) if before else {}


def document_of(done: PastChange) -> Mapping[str, object]:
    """Give the document that a change brought."""
    change = done.intent.change
    return change.document if isinstance(change, CreatePolicy | CreateVersion) else {}


def _is_ours(version: PolicyVersion, history: Sequence[PastChange]) -> bool:
    return _among(version, [document_of(done) for done in history])


def _among(version: PolicyVersion, documents: Sequence[Mapping[str, object]]) -> bool:
    return any(equal_documents(version.document, document) for document in documents)


def _people_stay(ids: Sequence[str]) -> str:
    return f"{number_of(len(ids), 'user stays', 'users stay')} in it"
