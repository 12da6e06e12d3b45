"""A run that is killed while it sends, at any moment: nobody is left out, and one message at most may come twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from rollout.domain.progress.messages import Delivery, Notice, Receipt
from rollout.domain.progress.records import Told
from rollout.domain.progress.stages import Stage
from rollout.notify.building import ChannelSetup
from rollout.notify.digest import Letterhead
from rollout.notify.letter import LetterPress
from rollout.notify.outbox import Outbox
from rollout.workflows.ports import Notifier
from tests.builders import NOW
from tests.workflows.apply.mortal import Fate, KillNow, MortalJournal
from tests.workflows.world import World, a_cli_user, a_copy

PEOPLE = tuple(f"user{number}" for number in range(5))


@dataclass
class MortalMail(Notifier):
    """A mail server whose client dies right before or right after a mail is taken."""

    fate: Fate
    taken: list[Notice] = field(default_factory=list)

    def send(self, notice: Notice) -> Receipt:
        self.fate.moment()
        self.taken.append(notice)
        self.fate.moment()
        return Receipt(Delivery.DELIVERED, notice.id)


class MortalOutbox(Outbox):
    """An outbox whose process dies before or after any of its files is written."""

    fate = Fate()
    at_once = 2

    def send_all(self, notices):
        receipts = []
        for notice in notices:
            self.fate.moment()
            receipts.append(super().send_all([notice])[0])
            self.fate.moment()
        return receipts


def killed_again_and_again(world: World, fates: Iterator[Fate], channel_of) -> tuple[World, int]:
    """Run until a run comes to its end; each dies at the moment that its fate says. Return how many have died."""
    died = 0
    for fate in fates:
        world.lock.holder = ""
        try:
            run = world.run(journal=MortalJournal(world.journal, fate))
            world.apply(Stage.NOTIFY, run, channel_of(fate))
        except KillNow:
            died += 1
        else:
            break
    return world, died


@pytest.fixture(scope="module")
def planned() -> World:
    return World(*map(a_cli_user, PEOPLE)).planned()


def every_moment(planned: World) -> range:
    """The moments of an undisturbed run."""
    fate = Fate()
    killed_again_and_again(a_copy(planned), iter([fate]), MortalMail)
    return range(1, fate.moments + 1)


def test_a_mail_server_gets_each_message_once_but_for_the_one_in_doubt(planned: World):
    """Killed at each moment in turn: the message that came twice is the one between its answer and its record."""
    doubled = missed = deaths = 0
    for deadly in every_moment(planned):
        taken: list[Notice] = []
        world, died = killed_again_and_again(
            a_copy(planned), iter([Fate(deadly), Fate()]), lambda fate, taken=taken: MortalMail(fate, taken)
        )
        deaths += died
        times = Counter(notice.address for notice in taken)
        twice = {address for address, count in times.items() if count > 1}
        missed += len({f"{name}@example.com" for name in PEOPLE} - times.keys())
        assert len(twice) <= 1
        assert set(times.values()) <= {1, 2}
        assert len({notice.id for notice in taken}) == len(PEOPLE)  # the same id both times
        said = {told.address for told in world.records(Told) if "perhaps for the second time" in told.detail}
        assert twice <= said
        assert len(said) <= 1
        doubled += len(twice)
    assert (0, True) == (missed, deaths >= 20)
    assert len(PEOPLE) == doubled  # one moment for each: the server has it, and its answer is not on record


def test_a_run_killed_twenty_times_over_sends_everybody_one_message(planned: World):
    taken: list[Notice] = []
    fates = iter([*(Fate(moment) for moment in range(3, 23)), Fate()])
    world, died = killed_again_and_again(a_copy(planned), fates, lambda fate: MortalMail(fate, taken))

    assert died >= 3
    assert {f"{name}@example.com" for name in PEOPLE} == {notice.address for notice in taken}
    assert len(PEOPLE) == len({notice.id for notice in taken})
    assert {} == world.done.in_doubt


def test_an_outbox_holds_each_message_once_wherever_the_run_died(planned: World, tmp_path: Path):
    setup = ChannelSetup(LetterPress(Letterhead("s@example.com")), Delivery.DELIVERED, lambda: NOW)
    for deadly in range(1, 30, 3):
        folder = tmp_path / str(deadly)

        def outbox(fate: Fate, folder: Path = folder) -> MortalOutbox:
            made = MortalOutbox(folder, setup)
            made.fate = fate
            return made

        world, _ = killed_again_and_again(a_copy(planned), iter([Fate(deadly), Fate()]), outbox)
        files = [path.name.partition("@")[0] for path in folder.iterdir() if path.suffix == ".eml"]
        assert sorted(PEOPLE) == sorted(files)
        told = [record.user.name for record in world.records(Told)]
        assert set(PEOPLE) == set(told)
        assert set() == {record.detail for record in world.records(Told)} - {""}
