"""Makes the writes that a command wants in one account, in order, and looks whether they are seen there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby

from rollout.domain.actions.guard import lets_go
from rollout.domain.actions.writes import Left, Write, halves, taking_back
from rollout.domain.people.users import User, UserRef
from rollout.domain.policy.changes import (
    AddMember,
    AlreadyInPlace,
    Applied,
    AttachToGroup,
    AttachToUser,
    Change,
    CreateVersion,
    Failed,
    Outcome,
    SetDefaultVersion,
    SkipCode,
    Skipped,
)
from rollout.workflows.account_run.account_command import AccountWork, Wanted
from rollout.workflows.account_run.failure_budgets import Budgets
from rollout.workflows.account_run.fresh_judgement import ask_fresh, why_changed, why_out_again
from rollout.workflows.account_run.journalled_writes import (
    Unsettled,
    begin,
    namesake_taken_out,
    note_in_place,
    settle_made,
    write,
)
from rollout.workflows.account_run.live_turns import LiveTurns, Page, Turn
from rollout.workflows.account_run.write_guard import WriteGuard

NOT_SEEN = "not seen when read back"


class AccountWriter:
    """Makes what is wanted: changes of policy and group one by one, those of users a few at a time.

    Right before each change: stop and lock, the failure budget of its wave, and, where it enforces, the releases. Who
    is placed is asked live and judged in the same step, however many were before them. What is refused for one user
    stops nobody else; when a change that all of them need fails, they are not tried. Only `_try` runs in several
    threads.
    """

    def __init__(self, at: AccountWork, wanted: Wanted, budgets: Budgets) -> None:
        """Write nothing yet."""
        self.at, self.wanted, self.budgets = at, wanted, budgets
        self._guard = WriteGuard(at, wanted)
        self._broken = False
        self._out: set[str] = set()
        self._placed: list[tuple[Change, str]] = []
        self._shown: set[str] = set()

    def make(self) -> None:
        """Make what is wanted, as far as the guards let it through, and look whether it is seen there."""
        self._make(self._guarded())
        self._read_back()

    def _guarded(self) -> tuple[Write, ...]:
        """Drop what enforces where a gate is shut, or where it would reach somebody who is not to be enforced now."""
        found = self._guard.let_through()
        if found.why_not:
            for one in self.wanted.writes:
                if one.user and one not in found.writes and not self._is_out(one):
                    self._fail(one.user, self._wave_of(one), found.why_not)
            self.at.result.failed.append(found.why_not)
            self.at.command.held_back(self.at, found.why_not)
        return found.writes

    # --- Write ---

    def _make(self, writes: Sequence[Write]) -> None:
        for (shared, _), block in groupby(writes, key=lambda one: (one.user is None, one.follows)):
            if shared:
                for one in block:
                    self._make_shared(one)
            else:
                self._make_for_users(list(block))

    def _make_shared(self, wanted: Write) -> None:
        """Make one change that all of them need; what comes after it is held back where it fails."""
        if self.at.result.interrupted:
            return
        if self._broken and not self.at.command.independent:
            return
        while True:
            wave = self._wave_of(wanted)
            with self.budgets.change(wave) as may_begin:
                if not may_begin:
                    self._leave_all(Skipped(SkipCode.BUDGET, self.budgets.describe(wave)), wave)
                    if self._waiting:
                        continue
                    self._broken = True
                    return
                if self.at.ends():
                    return
                if self.at.enforces(wanted.change) and (release := self.at.release_of(None)):
                    self._leave_all(Skipped(SkipCode.RELEASED, release))
                    self._broken = True
                    return
                if self.at.enforces(wanted.change) and (shut := self.at.gate_stop(wave)):
                    self._leave_all(shut)
                    self._broken = True
                    return
                if why := self._guard.reaches_somebody(wanted.change, self._out):
                    self._take_shared(wanted, Skipped(SkipCode.FAILED, why), wave)
                    return
                outcome = self._write(wanted, wave)
                if self.at.enforces(wanted.change) and (release := self.at.release_of(None)):
                    self._take_back(wanted.change, wave, outcome, to_return=True)
                    self._leave_all(Skipped(SkipCode.RELEASED, release))
                    self._broken = True
                    return
                self._take_shared(wanted, outcome, wave)
                return

    def _take_shared(self, wanted: Write, outcome: Outcome, wave: str) -> None:
        change = wanted.change
        match outcome:
            case Applied() | AlreadyInPlace():
                self._made(wanted, wave)
            case Skipped() if lets_go(change) or self.at.command.unread:
                pass  # already gone: there is nobody left to remove
            case Failed() | Skipped():
                self._broken = True
                why = _why(outcome)
                self.at.result.failed.append(f"{type(change).__name__}: {why}")
                for user, its_wave in self._waiting.items():
                    self._fail(user, its_wave, f"{type(change).__name__} did not succeed: {why}")

    def _make_for_users(self, writes: Sequence[Write]) -> None:
        """Make the changes of users, several at a time; what comes of them is counted here, in one thread."""
        work = [
            one
            for one in writes
            if (lets_go(one.change) and not one.follows) or not (self._broken or self._is_out(one))
        ]
        if self.at.result.interrupted or not work:
            return
        turns = LiveTurns(self.at, work)
        written, finished = self.at.result.written, 0
        before = len(written)
        pages: list[Page] = []
        try:
            for turn, outcome in self.at.run.within.map(self._try, turns):
                finished += 1
                if page := turn.page:
                    page.under_way -= 1
                    if page not in pages:
                        pages.append(page)
                if isinstance(outcome, Unsettled) and page:
                    page.placed.append((turn.write, outcome))
                elif not isinstance(outcome, Unsettled):
                    self._take(turn.write, outcome)
                if pages and pages[0].ended and not pages[0].under_way:
                    self._settle(pages.pop(0), turns)
        except Exception:
            self._settle_all(pages, turns)
            raise
        self._settle_all(pages, turns)
        # They come as they are answered; a rehearsal and the real thing are to be comparable.
        place = {id(wanted.change): number for number, wanted in enumerate(work)}
        written[before:] = sorted(written[before:], key=lambda change: place.get(id(change), len(work)))
        if finished < len(work):
            self.at.result.interrupted = True

    def _settle_all(self, pages: Iterable[Page], turns: LiveTurns) -> None:
        for page in pages:
            self._settle(page, turns)

    def _settle(self, page: Page, turns: LiveTurns) -> None:
        """Look at those who were placed once more, take out who has changed meanwhile, and count what came of it."""
        placed, page.placed = page.placed, []
        there = turns.look_again(page) if placed else {}
        for wanted, made in placed:
            self._take(wanted, self._seen_again(made, there.get(made.change.user.id), page))

    def _seen_again(self, made: Unsettled, now: User | None, page: Page) -> Outcome:
        """Settle one placing, and take it back where `now`, by a page read after it, is not to be placed any more."""
        change, wave = made.change, made.wave
        place = change.group if isinstance(change, AddMember) else change.policy_arn
        reached = now is not None and place in (*now.groups, *now.attached)
        outcome = settle_made(made, self.at.entered, self.at.run, reached=reached)
        if reached:
            self._shown.add(change.user.id)
        if isinstance(outcome, Applied) and now and made.about and self.at.enforces(change):
            why = why_changed(self.at, made.about, page.seen[now.id], now, place)
            if why is not None:
                self._take_back(change, wave, outcome, to_return=False)
                outcome = why
        if isinstance(outcome, Failed) or (isinstance(outcome, Skipped) and outcome.code is SkipCode.FAILED):
            self.budgets.fail(wave, change.user.id)
        return outcome

    def _try(self, turn: Turn) -> Outcome | Unsettled | None:
        """Make one user's change, in whichever thread; None: not begun, for the run has to end."""
        wanted = turn.write
        change, user, wave = wanted.change, wanted.user, self._wave_of(wanted)
        if lets_go(change) or wanted.in_place:
            return None if self.at.run.ends() else self._write(wanted, wave)
        with self.budgets.change(wave) as may_begin:
            if not may_begin:
                return Skipped(SkipCode.BUDGET, self.budgets.describe(wave))
            outcome = self._place(turn, wave)
            if user is not None:
                # Before the change counts as ended: who comes next has to know.
                match outcome:
                    case Failed() | Skipped(code=SkipCode.FAILED):
                        self.budgets.fail(wave, user.id)
                    case Applied() | AlreadyInPlace() | Unsettled():
                        self.budgets.mend(wave, user.id)
                    case Skipped() | None:
                        pass
            return outcome

    def _place(self, turn: Turn, wave: str) -> Outcome | Unsettled | None:
        """Ask a user live, judge, and write while the answer is fresh; take back what should not have been written."""
        change = turn.write.change
        if turn.known is None or not isinstance(change, AddMember | AttachToUser):
            raise TypeError(f"{type(change).__name__} places nobody")
        user = ask_fresh(self.at, change, wave, turn.known, turn.seen)
        if not isinstance(user, User):
            return user
        made = begin(change, self.at.entered, wave, self.at.run, user)
        if (
            isinstance(made, Unsettled)
            and self.at.enforces(change)
            and (why := why_out_again(self.at, user, wave))
        ):
            outcome = settle_made(made, self.at.entered, self.at.run)
            if not isinstance(outcome, Applied):
                return outcome
            self._take_back(change, wave, outcome, to_return=why.code is SkipCode.RELEASED)
            return why
        if isinstance(made, Unsettled) and turn.page is None:
            return settle_made(made, self.at.entered, self.at.run)
        return made

    def _take(self, wanted: Write, outcome: Outcome | None) -> None:
        """Count the outcome of one user's change."""
        change, user, wave = wanted.change, wanted.user, self._wave_of(wanted)
        if user is None:
            return
        match outcome:
            case None:
                self.at.result.interrupted = True
                return
            case Applied() | AlreadyInPlace():
                self._made(wanted, wave)
            case Failed():
                if lets_go(change):
                    self._broken = True
                why = _why(outcome)
                self.at.result.failed.append(f"{type(change).__name__}: {why}")
                self.at.leave(user, wave, Skipped(SkipCode.FAILED, why), journalled=True)
            case Skipped() if lets_go(change):
                pass  # already gone: there is nothing to remove
            case Skipped(code=code, detail=detail):
                if code in (SkipCode.BUDGET, SkipCode.FAILED):
                    self.at.result.failed.append(f"{user.name}: {detail}")
                self.at.leave(user, wave, outcome)
        if (
            self.at.command.counts_people
            and isinstance(change, AddMember | AttachToUser)
            and not wanted.in_place
        ):
            self.at.result.counted += 1
            self.at.run.progress.advance()

    def _take_back(self, change: Change, wave: str, outcome: Outcome, *, to_return: bool) -> None:
        """Undo a change that was made while somebody released whom it reaches: a write may be retried for minutes.

        Released people are `to_return`: they come back at the end of their release.
        """
        if not isinstance(outcome, Applied):
            return
        self.at.result.written.append(change)
        context = self.at.context
        arn = getattr(change, "policy_arn", "")
        policy = self.at.entered.policy(arn) if arn else None
        ours = halves(arn, context.rules.documents.brake, context.progress.owned)
        for undoing in taking_back(change, policy, ours):
            done = write(undoing, self.at.entered, wave, self.at.run, to_return=to_return)
            if isinstance(done, Failed):
                self.at.result.failed.append(f"{type(undoing).__name__}: {_why(done)}")
            else:
                self.at.result.written.append(undoing)

    def _write(self, wanted: Write, wave: str) -> Outcome:
        if wanted.in_place:
            note_in_place(wanted.change, wave, self.at.run)
            return AlreadyInPlace()
        return write(wanted.change, self.at.entered, wave, self.at.run, to_return=wanted.to_return)

    def _made(self, wanted: Write, wave: str) -> None:
        if wanted.in_place:
            return
        self.at.result.written.append(wanted.change)
        if wanted.user is not None and lets_go(wanted.change):
            self._out.add(wanted.user.id)
        if self.at.enforces(wanted.change):
            self._placed.append((wanted.change, wave))
        self.at.command.wrote(wanted)

    def _is_out(self, wanted: Write) -> bool:
        return wanted.user is not None and self.at.is_left(wanted.user)

    def _wave_of(self, wanted: Write) -> str:
        """Name the wave that a write is made for: its own, its user's, or that of the first who waits for it."""
        if wanted.wave:
            return wanted.wave
        if wanted.user is not None:
            return self.wanted.people.get(wanted.user, "")
        return next(iter(self._waiting.values()), "")

    @property
    def _waiting(self) -> Mapping[UserRef, str]:
        """Those whom nothing has kept back so far."""
        return self.wanted.waiting(self.at)

    def _leave_all(self, why: Skipped, wave: str | None = None) -> None:
        if why.code is SkipCode.BUDGET:
            self.at.result.failed.append(why.detail)
        elif not self.wanted.people:
            self.at.result.left.append(Left("policy and group", why.detail))
        for user, its_wave in self._waiting.items():
            if wave in (None, its_wave):
                self.at.leave(user, its_wave, why)

    def _fail(self, user: UserRef, wave: str, why: str) -> None:
        """Note that a user failed without a write of their own, on record and against the budget."""
        self.budgets.fail(wave, user.id)
        self.at.leave(user, wave, Skipped(SkipCode.FAILED, why))

    # --- Read back ---

    def _read_back(self) -> None:
        """Look whether what enforces is seen there (aws-facts.md#eventual-consistency)."""
        seen: dict[str, Mapping[str, str]] = {}
        for change, wave in self._placed:
            match change:
                case AddMember(user=user) | AttachToUser(user=user) if user.id in self._shown:
                    pass
                case AddMember(group=place):
                    if place not in seen:
                        seen[place] = self.at.entered.members(place, self._added(place))
                    self._check_seen(change, wave, seen[place])
                case AttachToUser(policy_arn=place):
                    if place not in seen:
                        seen[place] = self.at.entered.attached_users(place, self._added(place))
                    self._check_seen(change, wave, seen[place])
                case _:
                    pass
        versions = [
            change for change, _ in self._placed if isinstance(change, CreateVersion | SetDefaultVersion)
        ]
        attached = [change for change, _ in self._placed if isinstance(change, AttachToGroup)]
        for change in (*versions[-1:], *attached):
            if not self.at.entered.holds(change, patiently=True):
                self._not_seen(change)

    def _added(self, place: str) -> frozenset[str]:
        """Name the UserIds that were added in one place."""
        return frozenset(
            change.user.id
            for change, _ in self._placed
            if (isinstance(change, AddMember) and change.group == place)
            or (isinstance(change, AttachToUser) and change.policy_arn == place)
        )

    def _check_seen(self, change: AddMember | AttachToUser, wave: str, seen: Mapping[str, str]) -> None:
        user = change.user
        if user.id in seen:
            return
        there = self.at.entered.user_named(user.name)
        if there is None or there.id != user.id:
            self._gone(change, wave, there, seen)
        elif release := self.at.release_of(user, wave):
            self.at.leave(user, wave, Skipped(SkipCode.RELEASED, release))
        else:
            self.at.result.failed.append(f"{user.name}: {NOT_SEEN}")
            self._fail(user, wave, NOT_SEEN)

    def _gone(
        self, change: AddMember | AttachToUser, wave: str, other: UserRef | None, seen: Mapping[str, str]
    ) -> None:
        """Leave somebody who was deleted since; who has the name now is taken out where our write reached them."""
        why: Failed | Skipped | None = None
        if other is not None and other.id in seen:
            why = namesake_taken_out(change, self.at.entered, wave, self.at.run)
        if isinstance(why, Failed):
            self.at.result.failed.append(f"{change.user.name}: {_why(why)}")
        self.at.leave(change.user, wave, Skipped(SkipCode.GONE, _why(why) if why else "deleted"))

    def _not_seen(self, change: Change) -> None:
        release = self.at.release_of(None)
        if not release:
            self.at.result.failed.append(f"{type(change).__name__}: {NOT_SEEN}")
        for user, wave in self._waiting.items():
            if release:
                self.at.leave(user, wave, Skipped(SkipCode.RELEASED, release))
            else:
                self._fail(user, wave, f"{type(change).__name__}: {NOT_SEEN}")


def _why(outcome: Failed | Skipped) -> str:
    return outcome.sentence if isinstance(outcome, Failed) else outcome.detail
