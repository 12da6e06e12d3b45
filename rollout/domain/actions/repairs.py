"""The writes that bring an account back to what was decided, and what forbids them.

What enforces is held to the same rule as `apply`: a change that reaches people is made only when everybody it reaches
is to be enforced (design.md#policy-documents).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from rollout.domain.actions.placing import Target, enforcing, renewing
from rollout.domain.actions.sight import Sight
from rollout.domain.people.users import User
from rollout.domain.policy.changes import (
    AddMember,
    AttachToGroup,
    AttachToUser,
    Change,
    CreateVersion,
    DeleteVersion,
    DetachFromUser,
    RemoveMember,
    SetDefaultVersion,
    UserRef,
)
from rollout.domain.policy.standing import State
from rollout.domain.progress.owned import OwnedResources, key_of


@dataclass(frozen=True, slots=True)
class Wishes:
    """What is to be put right: let go of the brake, today's document, the group's policy, people, enrolment rights."""

    lift: bool = False
    document: bool = False
    hang: bool = False
    back: tuple[Target, ...] = ()
    tidy: tuple[User, ...] = ()

    @property
    def any(self) -> bool:
        """Tell whether there is anything to do."""
        return self.lift or self.document or self.hang or bool(self.back) or bool(self.tidy)


@dataclass(frozen=True, slots=True)
class Repairs:
    """The writes in order, and why what enforces was left out where it was."""

    changes: tuple[Change, ...]
    refused: str = ""


def repairing(sight: Sight, wishes: Wishes, made: OwnedResources) -> Repairs:
    """List the writes for an account. Enrolment rights go only where this tool gave them."""
    tidy = tuple(_tidying(sight, wishes.tidy, made))
    changes = tuple(_enforcing(sight, wishes))
    unfit = _unfit(sight, changes)
    if unfit:
        return Repairs(
            tidy,
            f"it would also reach {', '.join(unfit)}, who are not to be enforced now: let them out first",
        )
    return Repairs((*changes, *tidy))


def _enforcing(sight: Sight, wishes: Wishes) -> Iterator[Change]:
    site = replace(sight.site, release_over=True) if wishes.lift else sight.site
    group, arn = site.names.group, site.standing.policy.arn
    wanted: list[Change] = []
    if wishes.lift or wishes.document:
        wanted += renewing(site)
    if wishes.hang and site.standing.group is State.OURS and arn not in site.standing.group_has:
        wanted.append(AttachToGroup(site.account_id, group, arn))
    wanted += enforcing(site, wishes.back)
    for number, change in enumerate(wanted):
        # People may join a group whose brake is pulled: it denies them nothing, and stays pulled.
        stays_pulled = site.braked and isinstance(change, CreateVersion | SetDefaultVersion | DeleteVersion)
        if not stays_pulled and change not in wanted[:number]:
            yield change


def _unfit(sight: Sight, changes: tuple[Change, ...]) -> list[str]:
    reached: set[str] = set()
    for change in changes:
        match change:
            case CreateVersion(attached=names) | SetDefaultVersion(attached=names):
                reached |= set(names)
            case AttachToGroup():
                reached |= {user.name for user in sight.members}
            case AddMember(user=ref) | AttachToUser(user=ref):
                reached.add(ref.name)
            case _:
                pass
    return sorted(user.name for user in sight.facts.users if user.name in reached and not sight.is_fit(user))


def _tidying(sight: Sight, users: tuple[User, ...], made: OwnedResources) -> Iterator[Change]:
    site = sight.site
    group, arn = site.names.enrolment_group, site.standing.enrolment.arn
    for user in users:
        ref = UserRef(user.account_id, user.name, user.id, user.arn)
        leaves = RemoveMember(site.account_id, group, ref)
        if group in user.groups and key_of(leaves) in made.things:
            yield leaves
        lets_go = DetachFromUser(site.account_id, ref, arn)
        if arn in user.attached and key_of(lets_go) in made.things:
            yield lets_go
