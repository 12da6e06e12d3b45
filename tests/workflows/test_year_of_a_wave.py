"""A year in the life of a wave: status, report, page, notices and verify give the same numbers at every step."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest

from rollout.domain.people.users import UserRef
from rollout.domain.plan.waves import Wave
from rollout.domain.policy.changes import Change, CreateVersion, RemoveMember, SetDefaultVersion
from rollout.domain.progress.messages import Delivery
from rollout.domain.progress.records import EnforcementSeen
from rollout.domain.progress.schedule import Schedule
from rollout.reporting import write_report
from rollout.workflows.apply.planned_notices import NoticeRules
from rollout.workflows.notices import Messages, who_was_told
from rollout.workflows.status import wave_states
from rollout.workflows.verify import Verified
from tests.builders import ACCOUNT, GROUP, POLICY, an_exemption, an_id
from tests.domain.judging import a_document, deny
from tests.workflows.operator import Operator
from tests.workflows.world import LEAD_TIME, SOAK, World, a_cli_user

OTHER = "222233334444"
CANARY = "canary"
WEAK = a_document(deny("*", when={"Bool": {"aws:MultiFactorAuthPresent": "false"}}))


@dataclass(frozen=True)
class Numbers:
    """How many users of the wave there are, and where they stand."""

    users: int
    queued: int = 0
    told: int = 0
    enforced: int = 0
    released: int = 0


class Year:
    """One wave of five people in two accounts, and the operator who carries it."""

    def __init__(self, folder: Path) -> None:
        people = [a_cli_user(name, used_days_ago=-500) for name in ("alice", "bob", "carol", "dave")]
        people.append(a_cli_user("olga", used_days_ago=-500, account_id=OTHER))
        self.world = World(*people)
        self.world.waves = (Wave(CANARY),)
        self.world.plan_max_age = timedelta(days=1000)
        self.operator = Operator(self.world)
        self.folder = folder
        self.plans = 0

    # --- What happens ---

    def plan(self) -> None:
        self.plans += 1
        self.world.plan(f"plan{self.plans}")
        self.world.rehearse()

    def enforce(self) -> None:
        self.operator.apply()

    def by_hand(self, account: str, *changes: Change) -> None:
        for change in changes:
            self.world.accounts[account].make(change)

    def ref(self, name: str) -> UserRef:
        user = self.world.person(name)
        return UserRef(user.account_id, user.name, user.id, user.arn)

    # --- What the commands say ---

    def stands(self, expected: Numbers, *, besides: int = 0, seen_first: bool = False) -> Verified:
        """Hold all commands to the same numbers. `besides` users are enforced and in no wave.

        `seen_first`: somebody's hand was at work, and only a look can know it.
        """
        self.world.days_pass(1 / 24)
        if not seen_first:
            assert expected == self.status()
        records = len(self.world.records(EnforcementSeen))
        looked = self.operator.verify()
        news = len(self.world.records(EnforcementSeen)) > records
        assert news == seen_first
        assert expected.enforced + besides == looked.count.enforced
        assert expected == self.status()
        assert [expected, expected] == list(self.report())
        assert (expected.queued, expected.told) == self.notices()
        return looked

    def status(self) -> Numbers:
        world = self.world
        (stand,) = wave_states(
            world.plans.kept[-1], world.done, world.clock.now(), notified=world.notice_rule, gates=world.gates
        )
        return Numbers(stand.users, stand.queued, stand.told, stand.enforced, stand.released)

    def report(self) -> Iterator[Numbers]:
        """Read the numbers off users.csv, and off the waves of the page."""
        world, stored = self.world, self.world.plans.kept[-1]
        files = write_report(
            self.folder,
            stored.header,
            stored.accounts(),
            world.done,
            world.clock.now(),
            notified=world.notice_rule,
        )
        with files.users.open(encoding="utf-8", newline="") as stream:
            rows = [row for row in csv.DictReader(stream) if row["wave"] == CANARY]
        delivered = Counter(row["delivery"] for row in rows)
        enforced = sum(row["enforced"] == "true" for row in rows)
        states = Counter(row["state"] for row in rows)
        assert enforced == states["enforced"]
        yield Numbers(len(rows), delivered["queued"], delivered["delivered"], enforced, states["released"])
        page = files.html.read_text(encoding="utf-8")
        line = re.search(rf"wave:{CANARY}\">{CANARY}</a></th>(.*?)</tr>", page, re.DOTALL)
        assert line
        numbers = map(int, re.findall(r'class="number-cell">(\d+)<', line[1]))
        users, told, no_notice, queued, untold, on_page, _ = numbers
        assert users == told + no_notice + queued + untold
        yield Numbers(users, queued, told, on_page, states["released"])

    def notices(self) -> tuple[int, int]:
        """Count, of those who are in the plan's wave, the latest notices that are queued and delivered."""
        world = self.world
        rules = NoticeRules(world.notice_rule, Schedule(LEAD_TIME, SOAK))
        receivers = who_was_told(world.plans.kept[-1], world.done, rules, world.clock.now())
        said = Messages(world.sent(), receivers)
        parts = world.plans.kept[-1].accounts()
        wave = {entry.user.id for part in parts for entry in part.entries if entry.wave}
        arns = {told.user.arn for user_id, told in world.done.notices.items() if user_id in wave}
        latest = [one for one in said if one.state != "replaced" and one.why != NOT_PLANNED]
        deliveries = Counter(one.delivery for one in latest if one.user_arn in arns)
        return deliveries["queued"], deliveries["delivered"]

    @property
    def worth(self) -> set[str]:
        world = self.world
        rules = NoticeRules(world.notice_rule, Schedule(LEAD_TIME, SOAK))
        receivers = who_was_told(world.plans.kept[-1], world.done, rules, world.clock.now())
        said = Messages(world.sent(), receivers)
        return {str(one.state) for one in said if one.state != "replaced"}


NOT_PLANNED = "no longer in the plan"


@pytest.fixture
def year(tmp_path: Path) -> Year:
    return Year(tmp_path / "report")


def test_every_command_gives_the_same_numbers_all_year(year: Year):  # noqa: PLR0915 - a year is long, and is told in one go
    world, operator = year.world, year.operator
    enforced = Numbers(5, told=5, enforced=5)

    # Planned, queued, delivered, enforced.
    year.plan()
    year.stands(Numbers(5))
    world.notifier.delivery = Delivery.QUEUED
    world.notify()
    year.stands(Numbers(5, queued=5))
    assert {"unproven"} == year.worth
    world.days_pass(30)
    world.notifier.delivery = Delivery.DELIVERED
    world.notify()
    year.stands(Numbers(5, told=5))
    assert {"counts"} == year.worth
    world.days_pass(15)
    year.enforce()
    year.stands(enforced)
    assert {"used"} == year.worth

    # Taken out by hand; apply leaves it so; put back.
    year.by_hand(ACCOUNT, RemoveMember(ACCOUNT, GROUP, year.ref("bob")))
    one_out = Numbers(5, told=5, enforced=4, released=1)
    year.stands(one_out, seen_first=True)
    year.enforce()
    year.stands(one_out)
    operator.fix(memberships=True)
    year.stands(enforced)

    # The same, but apply is the first to see it.
    year.by_hand(ACCOUNT, RemoveMember(ACCOUNT, GROUP, year.ref("bob")))
    year.enforce()
    assert one_out == year.status()
    operator.end(operator.users("bob"))
    year.stands(enforced)

    # The brake pulled by hand, and the release ended.
    year.by_hand(ACCOUNT, SetDefaultVersion(ACCOUNT, POLICY, "v1"))
    year.stands(Numbers(5, told=5, enforced=1, released=4), seen_first=True)
    assert {"olga"} == world.enforced
    operator.end(operator.accounts(ACCOUNT))
    year.stands(enforced)

    # Released each way, and ended.
    for whom, out in (
        (operator.users("alice"), 1),
        (operator.wave(CANARY), 5),
        (operator.accounts(OTHER), 1),
        (operator.everybody(), 5),
    ):
        operator.release(whom)
        year.stands(Numbers(5, told=5, enforced=5 - out, released=out))
        year.enforce()
        year.stands(Numbers(5, told=5, enforced=5 - out, released=out))
        operator.end(whom)
        year.stands(enforced)

    # Released for some hours; when these are over, they are let out until a run puts them back.
    for whom, out in (
        (operator.users("alice"), 1),
        (operator.accounts(ACCOUNT), 4),
        (operator.everybody(), 5),
    ):
        operator.release(whom, hours=4)
        year.stands(Numbers(5, told=5, enforced=5 - out, released=out))
        world.days_pass(1)
        year.stands(Numbers(5, told=5, enforced=5 - out, released=out))
        year.enforce()
        year.stands(enforced)

    # A plan made while everybody is released knows that they were enforced.
    operator.release(operator.everybody())
    year.plan()
    year.stands(Numbers(5, told=5, enforced=0, released=5))
    operator.end(operator.everybody())
    year.stands(enforced)

    # The document edited by hand: drift, and no release.
    year.by_hand(ACCOUNT, CreateVersion(ACCOUNT, POLICY, WEAK))
    year.stands(Numbers(5, told=5, enforced=1), seen_first=True)
    operator.fix()
    year.stands(enforced)

    # Exempt: taken out for good by the next run, and told afresh when the exemption is over.
    world.exempt(
        an_exemption(world.person("carol").arn, expires=world.clock.now().date() + timedelta(days=5))
    )
    year.plan()
    year.stands(Numbers(4, told=4, enforced=4), besides=1)
    year.enforce()
    year.stands(Numbers(4, told=4, enforced=4))
    world.days_pass(10)
    year.plan()
    year.stands(Numbers(5, told=5, enforced=4))
    assert {"used", "void"} == year.worth
    world.notify()
    assert {"used", "counts"} == year.worth
    world.days_pass(15)
    year.enforce()
    year.stands(enforced)

    # Renamed: the same user.
    bob = world.person("bob")
    world.account.remove("bob")
    world.account.put(replace(bob, name="robert", arn=bob.arn.replace("/bob", "/robert")))
    year.stands(enforced)
    year.plan()
    year.stands(enforced)

    # Deleted: enforced no more, in the next plan no more; made anew, another user.
    dave = world.person("dave")
    world.account.remove("dave")
    year.stands(Numbers(5, told=5, enforced=4), seen_first=True)
    world.account.put(replace(dave, id=an_id("another", "dave"), groups=()))
    year.stands(Numbers(5, told=5, enforced=4))
    year.plan()
    year.stands(Numbers(5, told=4, enforced=4))
    world.notify()
    year.stands(Numbers(5, told=5, enforced=4))
    world.days_pass(15)
    year.enforce()
    year.stands(enforced)

    # Rolled back: nobody is enforced, and nobody released; not even who was let out before.
    operator.release(operator.users("alice"))
    operator.roll_back()
    year.stands(Numbers(5, told=5))
    assert set() == world.enforced
    assert {"void", "not needed"} == year.worth
