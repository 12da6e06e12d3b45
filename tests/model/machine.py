"""People, helpdesk, two operators and the tool act at random; after every step the promises of the tool are kept.

What is checked is taken from AWS as it stands, never from the journal:

- nobody is locked out by a command who was not so before it;
- nobody who was let out, by a release or by hand, is enforced; whoever a hand has put back is let out by the next
  apply or fix;
- nobody is enforced untold, or told of something milder, or before the day told; what was told to another address, or
  before the user was seen exempt, does not count;
- nobody who is exempt comes under the policy;
- no user is touched who only has the name of another;
- rehearsals and looks write nothing, and no command touches anything that is not the tool's;
- rollback restores.

Between two steps nothing runs: what happens in the middle of a run is the matter of `tests/interventions.py`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from rollout.domain.people.users import User
from rollout.domain.progress.stages import Stage
from rollout.errors import RolloutError
from rollout.workflows.release import ReleaseSelection
from rollout.workflows.rollback import RollbackChoice
from tests.builders import ACCOUNT, GROUP, an_exemption
from tests.model.organization import CANARY, OTHER, REST, Heard, LetOut, TheOrganization
from tests.workflows.operator import Operator

OUR_PATH = "/rollout/"
NEVER = datetime.min.replace(tzinfo=UTC)
somebody = st.integers(0, 6)
someone_in_command = st.integers(0, 1)
scopes = st.sampled_from(("user", CANARY, REST, ACCOUNT, OTHER, "all"))


class Model(RuleBasedStateMachine):
    """One organization over some months."""

    def __init__(self) -> None:
        super().__init__()
        self.org = TheOrganization()
        self.world = self.org.world
        first = Operator(self.world)
        # Runs have a name each, whoever gives the command.
        self.operators = (first, Operator(self.world, first.marker, runs=1000))
        self.let_out: list[LetOut] = []
        self.put_back: set[str] = set()
        """UserIds of those who are enforced in spite of a release by somebody's hand."""
        self.heard: dict[str, list[Heard]] = {}
        self.enforced_once: set[tuple[str, str]] = set()
        """UserIds, each with the address at which they were told."""
        self.seen_exempt: dict[str, datetime] = {}
        """By UserId: until when the user was exempt, as a plan or a look has seen."""
        self.wave_of: dict[str, str] = {}
        self.plans = 0

    @initialize(start=st.sampled_from(("new", "rehearsed", "told", "ripe", *("enforced",) * 4)))
    def begin(self, start: str) -> None:
        if start == "new":
            return
        self.plan()
        self.rehearse()
        if start == "rehearsed":
            return
        self.apply(Stage.NOTIFY, 0)
        self.apply(Stage.NOTIFY, 0)
        if start == "told":
            return
        self.time_passes(timedelta(days=15))
        if start == "ripe":
            return
        self.apply(Stage.ENFORCE, 0)
        self.time_passes(timedelta(days=4))
        self.apply(Stage.ENFORCE, 0)

    # --- People and the helpdesk ---

    def someone(self, number: int) -> User:
        users = self.org.users
        return users[number % len(users)]

    @rule(by=st.sampled_from((timedelta(hours=1), timedelta(days=1), timedelta(days=14))))
    def time_passes(self, by: timedelta) -> None:
        self.org.time_passes(by)

    @rule(who=somebody)
    def enrols(self, who: int) -> None:
        user = self.someone(who)
        if user.password and user.id not in self.org.locked_out and user.boundary_arn is None:
            self.org.enrols(user)

    @rule(who=somebody)
    def loses_device(self, who: int) -> None:
        self.org.loses_device(self.someone(who))

    @rule(who=somebody)
    def helpdesk_resets_password(self, who: int) -> None:
        if (user := self.someone(who)).password:
            self.org.password_is_reset(user)

    @rule(who=somebody, then=st.sampled_from(("", "end", "fix", "apply")))
    def loses_phone_and_is_helped(self, who: int, then: str) -> None:
        """What a helpdesk does on a Monday: let out for four hours, no device, a new password; and what comes then.

        It is one rule, because such a series would be rare by chance.
        """
        self.release("user", who, 4, 0)
        self.loses_device(who)
        self.helpdesk_resets_password(who)
        if then == "end":
            self.end_release("user", who, 1)
        elif then and self.world.plans.kept:
            self.time_passes(timedelta(hours=5))
            if then == "fix":
                self.fix(False, 1)
            else:
                self.apply(Stage.ENFORCE, 1)

    @rule(who=somebody)
    def changes_password(self, who: int) -> None:
        user = self.someone(who)
        if user.password and (user.devices or user.id not in self.org.denied):
            self.org.password_is_changed(user)

    @rule(who=somebody)
    def makes_key(self, who: int) -> None:
        user = self.someone(who)
        if user.devices or user.id not in self.org.denied:
            self.org.makes_key(user)

    @rule(who=somebody)
    def is_given_to_somebody_else(self, who: int) -> None:
        self.org.is_given_to_somebody_else(self.someone(who))

    @rule(who=somebody, on=st.booleans())
    def boundary_is_changed(self, who: int, on: bool) -> None:
        user = self.someone(who)
        (self.org.boundary_is_put_on if on else self.org.boundary_is_taken_off)(user)

    @rule(who=somebody)
    def is_removed_by_hand(self, who: int) -> None:
        user = self.someone(who)
        if GROUP in user.groups:
            self.org.is_removed_by_hand(user, GROUP)
            self.let_out.append(LetOut(frozenset({user.id}), by_hand=True))

    @rule(who=somebody)
    def is_put_back_by_hand(self, who: int) -> None:
        user, account = self.someone(who), self.org.account_of(self.someone(who))
        let_out = any(one.reaches(user, self.world.clock.now()) for one in self.let_out)
        if let_out and user.id in self.wave_of and GROUP in account.facts.groups:
            before = self.org.denied
            self.org.is_put_in_by_hand(user, GROUP)
            self._is_by_hand(before, user.id)

    @rule(number=st.integers(0, 1))
    def brake_is_let_go_by_hand(self, number: int) -> None:
        before = self.org.denied
        self.org.brake_is_let_go_by_hand(tuple(self.org.accounts)[number])
        self._is_by_hand(before)

    def _is_by_hand(self, before: frozenset[str], *put_in: str) -> None:
        """Note who is enforced by a hand: what a hand had done before is over, a release is not.

        It is over for whoever is put in, also where a brake keeps the policy from denying for the time being.
        """
        denied = self.org.denied - before
        for one in self.let_out:
            if one.by_hand:
                one.ids -= denied.union(put_in)
        self.put_back |= denied
        self.enforced_once |= {(user.id, user.tags["email"]) for user in self.org.users if user.id in denied}

    @rule(who=somebody, as_machine=st.booleans())
    def is_deleted_and_made_anew(self, who: int, as_machine: bool) -> None:
        self.org.is_made_anew(self.someone(who), as_machine=as_machine)

    @rule(who=somebody)
    def is_renamed(self, who: int) -> None:
        self.org.is_renamed(self.someone(who))

    # --- The operators ---

    @rule(who=somebody, days=st.sampled_from((0, 3, 60)))
    def exemption_is_written(self, who: int, days: int) -> None:
        last = self.world.clock.now().date() + timedelta(days=days)
        line = an_exemption(self.someone(who).id, expires=last)
        self.world.exempt(*self.world.rules.exemptions, line)

    @rule(number=somebody)
    @precondition(lambda self: self.world.rules.exemptions)
    def exemption_is_deleted(self, number: int) -> None:
        """Early, or when it is over."""
        lines = self.world.rules.exemptions
        gone = lines[number % len(lines)]
        self.world.exempt(*(line for line in lines if line is not gone))

    @rule(who=somebody, seen=st.booleans(), deleted=st.booleans())
    @precondition(lambda self: self.world.plans.kept)
    def is_told_and_exempt_for_a_while(self, who: int, seen: bool, deleted: bool) -> None:
        """It is one rule, because such a series would be rare by chance."""
        self.apply(Stage.NOTIFY, 0)
        self.time_passes(timedelta(days=1))
        self.exemption_is_written(who, 3)
        if seen:
            self.verify()
        self.time_passes(timedelta(days=14))
        if deleted:
            self.exemption_is_deleted(len(self.world.rules.exemptions) - 1)
        self.plan()
        self.rehearse()
        self.apply(Stage.ENFORCE, 0)

    @rule()
    def plan(self) -> None:
        self.plans += 1
        if self.command(lambda: self.world.plan(f"plan{self.plans}"), writes=False):
            self.exemptions_are_seen()

    @rule()
    @precondition(lambda self: self.world.plans.kept)
    def rehearse(self) -> None:
        self.command(self.world.rehearse, writes=False)

    @rule(stage=st.sampled_from((Stage.NOTIFY, Stage.ENFORCE)), who=someone_in_command)
    @precondition(lambda self: self.world.plans.kept)
    def apply(self, stage: Stage, who: int) -> None:
        if self.command(lambda: self.operators[who].apply(stage)):
            self.put_back.clear()

    @rule()
    @precondition(lambda self: self.world.plans.kept)
    def verify(self) -> None:
        if self.command(self.operators[0].verify, writes=False):
            self.exemptions_are_seen()

    @rule(memberships=st.booleans(), who=someone_in_command)
    @precondition(lambda self: self.world.plans.kept)
    def fix(self, memberships: bool, who: int) -> None:
        if memberships:
            self.let_out = [one for one in self.let_out if not one.by_hand]
        if self.command(lambda: self.operators[who].fix(memberships=memberships)):
            self.put_back.clear()

    @rule(scope=scopes, number=somebody, hours=st.sampled_from((None, 1, 4)), who=someone_in_command)
    def release(self, scope: str, number: int, hours: int | None, who: int) -> None:
        operator = self.operators[who]

        def do() -> None:
            whom = self.selection(operator, scope, self.someone(number))
            until = None if hours is None else self.world.clock.now() + timedelta(hours=hours)
            self.let_out.append(replace(self.meant(whom), until=until))
            operator.release(whom, hours)

        self.command(do)

    @rule(scope=scopes, number=somebody, who=someone_in_command)
    def end_release(self, scope: str, number: int, who: int) -> None:
        operator = self.operators[who]

        def do() -> None:
            whom = self.selection(operator, scope, self.someone(number))
            self.ends(self.meant(whom))
            operator.end(whom)

        self.command(do)

    @rule(wave=st.sampled_from(("", CANARY, REST)), who=someone_in_command)
    def roll_back(self, wave: str, who: int) -> None:
        before = self.org.denied
        result = self.command(lambda: self.operators[who].roll_back(RollbackChoice(wave=wave)))
        if result is None:
            return
        undone = {user_id for user_id, its in self.wave_of.items() if not wave or its == wave}
        still = self.named(undone & self.org.denied)
        assert not still, f"rolled back, and still enforced: {still}; left: {_left(result)}"
        for user_id in before - self.org.denied:
            # Who is brought under the policy once more hears of it once more.
            self.heard.pop(user_id, None)
            self._comes_anew(user_id)
        self.let_out = [one for one in self.let_out if not one.by_hand or not one.ids <= undone]
        for user_id in undone:
            del self.wave_of[user_id]
        if not wave:
            assert not self.ours, f"rolled back, and still there: {self.ours}; left: {_left(result)}"

    # --- Whom ---

    def selection(self, operator: Operator, scope: str, user: User) -> ReleaseSelection:
        match scope:
            case "user":
                return operator.users(user.arn)
            case "all":
                return operator.everybody()
            case "canary" | "rest":
                return operator.wave(scope)
            case _:
                return operator.accounts(scope)

    def meant(self, whom: ReleaseSelection) -> LetOut:
        scope, shares = whom
        if scope.by_brake:
            return LetOut(accounts=frozenset(share.account.id for share in shares))
        return LetOut(frozenset(ref.id for share in shares for ref in share.users))

    def ends(self, ended: LetOut) -> None:
        """End what is inside: the end for an account is one for each of its users, and not the other way round."""
        inside = ended.ids | {user.id for user in self.org.users if user.account_id in ended.accounts}
        for one in self.let_out:
            one.ids -= inside
            one.accounts -= ended.accounts

    # --- What must be true ---

    def command(self, do: Callable[[], Any], *, writes: bool = True) -> Any:
        """Give a command; it may refuse. None when it did."""
        org = self.org
        locked, denied, others, state = org.locked_out, org.denied, self.not_ours, self.world.state
        sent = len(self.world.notifier.sent)
        try:
            result = do()
        except RolloutError:
            result = None
        now = self.world.clock.now()
        assert writes or state == self.world.state, "a look or a rehearsal wrote to AWS"
        assert others == self.not_ours, "something was touched that is not the tool's"
        newly_locked = self.named(org.locked_out - locked)
        assert not newly_locked, f"locked out by the tool: {newly_locked}"
        for user in org.users:
            if user.id in org.denied - denied:
                assert not self._lives(user), f"enforced, and exempt: {user.name}"
                self._was_told(user)
                self.enforced_once.add((user.id, user.tags["email"]))
                self.wave_of[user.id] = self._planned_wave(user.id)
        for notice in self.world.notifier.sent[sent:]:
            for line in notice.lines:
                self.heard.setdefault(line.user.id, []).append(Heard(now, notice.address, line))
        return result

    def _was_told(self, user: User) -> None:
        impact, now = self.org.impact(user), self.world.clock.now()
        exempt = [self.seen_exempt.get(user.id, NEVER), *(end for end in self._ends(user) if end <= now)]
        heard = [one for one in self.heard.get(user.id, ()) if one.suffices(user, impact)]
        heard = [one for one in heard if one.at > max(exempt)]
        if (user.id, user.tags["email"]) not in self.enforced_once:
            heard = [one for one in heard if one.is_ripe(now)]
        assert heard or not impact.worse_than(impact.NONE), f"enforced untold: {user.name}, {impact}"

    def exemptions_are_seen(self) -> None:
        """Keep in mind what a plan or a look has seen: from then on the line may go."""
        now = self.world.clock.now()
        for user in self.org.users:
            for end in self._ends(user):
                until = min(end, now)
                self.seen_exempt[user.id] = max(until, self.seen_exempt.get(user.id, until))
            if self._lives(user):
                self._comes_anew(user.id)

    def _comes_anew(self, user_id: str) -> None:
        self.enforced_once = {one for one in self.enforced_once if one[0] != user_id}

    def _lives(self, user: User) -> bool:
        return any(end > self.world.clock.now() for end in self._ends(user))

    def _ends(self, user: User) -> list[datetime]:
        """When the exemptions of a user end."""
        return [
            datetime.combine(line.expires + timedelta(days=1), time(), UTC)
            for line in self.world.rules.exemptions
            if line.match.text == user.id
        ]

    def _planned_wave(self, user_id: str) -> str:
        for plan in reversed(self.world.plans.kept):
            for part in plan.accounts():
                for entry in part.entries:
                    if entry.user.id == user_id and entry.wave:
                        return entry.wave
        return ""

    @invariant()
    def nobody_released_is_enforced(self) -> None:
        now, denied = self.world.clock.now(), self.org.denied
        wrong = {
            user.name
            for user in self.org.users
            if user.id in denied - self.put_back and any(one.reaches(user, now) for one in self.let_out)
        }
        assert not wrong, f"let out, and enforced: {wrong}"

    @invariant()
    def no_namesake_is_touched(self) -> None:
        touched = [change for account in self.org.accounts for change in account.namesakes]
        assert not touched, f"reached another user of that name: {touched}"

    @property
    def ours(self) -> list[str]:
        """Everything of the tool that AWS holds."""
        return [
            name
            for account in self.org.accounts
            for name in (
                *(arn for arn in account.facts.policies if OUR_PATH in arn),
                *(group.name for group in account.facts.groups.values() if group.path == OUR_PATH),
                *(user.name for user in account.facts.users if user.groups or user.attached),
            )
        ]

    @property
    def not_ours(self) -> dict[str, Any]:
        """Everything that the tool must leave as it is."""
        return {
            account.account.id: (
                [replace(user, groups=(), attached=()) for user in account.facts.users],
                {arn: policy for arn, policy in account.facts.policies.items() if OUR_PATH not in arn},
            )
            for account in self.org.accounts
        }

    def named(self, ids: frozenset[str] | set[str]) -> list[str]:
        names = self.org.names
        return sorted(names[user_id] for user_id in ids if user_id in names)


def _left(result: Any) -> list[Any]:
    return [left for one in result.accounts for left in (*one.left, *one.failed)]
