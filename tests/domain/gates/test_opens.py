"""The moment that is named to an operator is one at which the gates of time do open."""

from __future__ import annotations

from datetime import date, time, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from rollout.domain.gates import Freeze, Gatekeeper, GateRules, Needs, Window
from tests.builders import NOW, a_carried, a_progress, a_run
from tests.domain.gates.asked import PLANNER

OF_TIME = (Needs.JOURNAL, Needs.CALENDAR)
windows = st.none() | st.builds(
    Window,
    days=st.sets(st.sampled_from(["mon", "tue", "wed", "thu", "fri", "sat", "sun"]), min_size=1).map(tuple),
    opens=st.integers(0, 22).map(time),
    closes=st.sampled_from([None, time(23)]),
    zone=st.sampled_from([ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Kathmandu")]),
    frozen=st.sampled_from([(), (Freeze(date(2026, 12, 18), date(2027, 1, 6)),)]),
)


@given(windows, st.integers(0, 40 * 24), st.integers(0, 100), st.integers(0, 10))
def test_calendar_and_soak_pass_at_the_moment_that_is_named(when, hours, since, days):
    now = NOW + timedelta(hours=hours)
    progress = a_progress(a_run(), a_carried("canary", at=now - timedelta(hours=since)))
    rules = GateRules(soak=timedelta(days=days), window=when)
    users = {"canary": 20, "rest": 400}
    keeper = Gatekeeper(progress, rules, users, "sha256:c", PLANNER, now)
    stops = [answer for _, answer in keeper.ask("rest", *OF_TIME) if not answer.passes]
    opens = keeper.opens_by_itself(stops)
    assert (opens is None) == (not stops)
    if opens is not None:
        assert opens > now
        then = Gatekeeper(progress, rules, users, "sha256:c", PLANNER, opens)
        assert all(answer.passes for _, answer in then.ask("rest", *OF_TIME))
