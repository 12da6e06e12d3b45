"""Asks the gates of one wave in their order, and those that need a look at people last (design.md#stages-and-gates)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from rollout.domain.gates.answer import GateAnswer
from rollout.domain.gates.gate_rules import GateRules
from rollout.domain.gates.journal_gates import approval, dry_run_done, failure_tolerance, soak
from rollout.domain.gates.people_gates import Members, cli_moved, enrolment
from rollout.domain.gates.window import Window, window
from rollout.domain.progress.replay import Progress


@dataclass(frozen=True, slots=True)
class Gatekeeper:
    """Knows everything that a gate goes by, but the wave's users. `users` counts them, in the order of the waves."""

    progress: Progress
    rules: GateRules
    users: Mapping[str, int]
    plan_checksum: str
    now: datetime

    @property
    def order(self) -> Sequence[str]:
        """The waves that have users."""
        return tuple(wave for wave, count in self.users.items() if count)

    def rehearsed(self) -> GateAnswer:
        """Ask whether the plan was rehearsed: without that nothing else matters."""
        return dry_run_done(self.progress, self.plan_checksum)

    def calendar(self) -> Iterator[GateAnswer]:
        """Ask the calendar: it binds whoever is to be enforced, late joiners of earlier waves too."""
        if self.rules.window is not None:
            yield window(self.rules.window, self.now)

    def of_journal(self, wave: str) -> Iterator[GateAnswer]:
        """Ask what journal and calendar can answer."""
        progress, rules = self.progress, self.rules
        yield soak(progress, self.order, wave, rules.soak, self.now)
        yield failure_tolerance(progress, self.order, self.users, wave, rules.tolerance)
        if rules.approval:
            yield approval(progress, self.plan_checksum, wave)
        yield from self.calendar()

    @property
    def about_people(self) -> bool:
        """Tell whether a gate is set that needs a look at the wave's users."""
        return self.rules.enrolment is not None or self.rules.cli_moved is not None

    def of_people(self, look: Callable[[], Members]) -> Iterator[GateAnswer]:
        """Ask how far the wave's users have come; `look` is called only where somebody wants to know."""
        if not self.about_people:
            return
        members = look()
        if self.rules.enrolment is not None:
            yield enrolment(members, self.rules.enrolment)
        if self.rules.cli_moved is not None:
            yield cli_moved(members, self.progress, self.rules.cli_moved)


def opens_by_itself(answers: Sequence[GateAnswer], when: Window | None) -> datetime | None:
    """Find the moment at which time alone has opened all of these gates; None when something else has to happen."""
    moments = [answer.opens_at for answer in answers]
    if not moments or None in moments:
        return None
    latest = max(moment for moment in moments if moment is not None)
    if when is None or when.is_open(latest):
        return latest
    return when.next_opening(latest)
