"""Lets writes through as far as gates are open and nobody comes under the policy who is not to be enforced now."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from rollout.domain.actions.guard import lets_go, not_ours, unfit
from rollout.domain.actions.writes import Left, Write, stepping_aside
from rollout.domain.policy.changes import AttachToGroup, Change, CreateVersion, SetDefaultVersion, Skipped
from rollout.workflows.account_run.account_command import AccountWork, Wanted


@dataclass(frozen=True, slots=True)
class LetThrough:
    """The writes to make, in order; `why_not` says why others are not made, empty if none was dropped for somebody."""

    writes: tuple[Write, ...]
    why_not: str = ""


class WriteGuard:
    """What stands between a command's wishes and the writes in one account."""

    def __init__(self, at: AccountWork, wanted: Wanted) -> None:
        """Decide nothing yet."""
        self.at, self.wanted = at, wanted

    def let_through(self) -> LetThrough:
        """Choose the writes to make; whom a shut gate keeps out is left alone, on record."""
        wanted, ours = self.wanted, self._ours()
        if wanted.fit is None:
            return LetThrough(ours)
        context, kept_out = self.at.context, self._kept_out_by_gates(ours)
        writes = tuple(one for one in ours if self._may_pass(one, kept_out))
        fit = wanted.fit - kept_out
        names = unfit(context, (one.change for one in writes), fit, wanted.stay)
        if names:
            why = f"the policy would also apply to {', '.join(names)}, who must not be enforced now: release them first"
            kept = tuple(one for one in writes if one.user and (lets_go(one.change) or one.in_place))
            return LetThrough(kept, why)
        apart = stepping_aside(context, writes, fit, wanted.people)
        self.at.take_aside(apart.aside)
        return LetThrough(apart.writes)

    def _ours(self) -> tuple[Write, ...]:
        """Leave what is not ours, whatever a journal says."""
        ours = self.at.command.ours(self.at)
        facts = None if self.at.command.unread else self.at.context.facts
        kept: list[Write] = []
        for one in self.wanted.writes:
            why = "" if one.in_place else not_ours(one.change, ours, facts)
            if not why:
                kept.append(one)
            else:
                self.at.result.left.append(Left(type(one.change).__name__, f"not made: {why}"))
        return tuple(kept)

    def _may_pass(self, write: Write, kept_out: Collection[str]) -> bool:
        """Tell whether no gate holds a write back: of the policy and the group, where it is for nobody else."""
        if write.in_place or not self.at.enforces(write.change) or not kept_out:
            return True
        if write.user is not None:
            return write.user.id not in kept_out
        return any(user.id not in kept_out for user in self.wanted.people)

    def _kept_out_by_gates(self, writes: Sequence[Write]) -> frozenset[str]:
        """Find the UserIds of those for whom nothing may be put in force now, for a gate of their wave is shut."""
        if not any(not one.in_place and self.at.enforces(one.change) for one in writes):
            return frozenset()
        context, said = self.at.context, ""
        users = {user.id: user for user in context.facts.users}
        shut: dict[str, Skipped] = {}
        for ref, wave in self.wanted.waiting(self.at).items():
            if stop := self.at.gate_stop(wave):
                shut[ref.id] = stop
                if context.is_in_force(users[ref.id]):  # only another text would come into force for them
                    said = stop.detail
                else:
                    self.at.leave(ref, wave, stop)
        if said:
            self.at.result.left.append(Left(context.ours.policy.arn, said))
            self.at.command.held_back(self.at, said)
        return frozenset(shut)

    def reaches_somebody(self, change: Change, out: Collection[str]) -> str:
        """Say why a write would put somebody under the policy at once, by a look right before it; empty if it does not.

        Those who are enforced already do not count, nor those who are `out` (UserIds) by now, whom IAM may still show.
        """
        if not self.at.enforces(change):
            return ""
        context, entered = self.at.context, self.at.entered
        groups: Collection[str] = ()
        there: Mapping[str, str] = {}
        match change:
            case AttachToGroup(group=group):
                groups = {group} & context.facts.groups.keys()
            case CreateVersion(policy_arn=arn) | SetDefaultVersion(policy_arn=arn) if (
                arn in context.facts.policies
            ):
                default = context.facts.policies[arn].default
                read = SetDefaultVersion(change.account_id, arn, default.id) if default else None
                if read and not entered.holds(read):
                    return "somebody has put another version in force since it was read"
                groups = [one.name for one in context.facts.groups.values() if arn in one.attached]
                there = entered.attached_users(arn)
            case _:
                return ""
        for group in groups:
            there = {**there, **entered.members(group)}
        enforced = {user.id for user in context.facts.users if context.is_in_force(user)}
        names = sorted(
            name for user_id, name in there.items() if user_id not in enforced and user_id not in out
        )
        return f"it would also apply to {', '.join(names)}, of whom nothing is known yet" if names else ""
