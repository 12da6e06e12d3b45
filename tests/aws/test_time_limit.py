"""Nobody who is to be let out waits for a service that does not answer."""

from __future__ import annotations

from threading import Event

import pytest

from rollout.awsapi.failures import CallFailed
from rollout.awsapi.faults import Fault
from rollout.awsapi.time_limit import TimeLimit


def failing(fault: Fault) -> CallFailed:
    return CallFailed("GetObject", "", fault, "Code", "message")


def ask(limit: TimeLimit, answer: object) -> object:
    def make() -> object:
        if isinstance(answer, Event):
            answer.wait(60)
        if isinstance(answer, Exception):
            raise answer
        return answer

    return limit.call(make, "GetObject", "")


def test_what_takes_too_long_is_given_up_and_nothing_is_asked_any_more():
    limit, never = TimeLimit(seconds=0.01), Event()
    with pytest.raises(CallFailed, match="no answer within"):
        ask(limit, never)
    with pytest.raises(CallFailed, match="no answer within"):
        limit.call(lambda: pytest.fail("it was asked again"), "GetObject", "")
    never.set()


def test_once_it_has_answered_there_is_more_time():
    limit, later = TimeLimit(seconds=0.01, once_it_answers=10), Event()
    assert "here" == ask(limit, "here")

    def slowly() -> str:
        later.wait(0.05)
        return "here again"

    assert "here again" == limit.call(slowly, "GetObject", "")


@pytest.mark.parametrize("fault", list(Fault))
def test_only_a_service_that_is_silent_is_given_up(fault: Fault):
    """What it refuses, it has answered: a part of it may be forbidden, and the rest not."""
    limit = TimeLimit()
    with pytest.raises(CallFailed):
        ask(limit, failing(fault))
    silent = fault in {Fault.UNSENT, Fault.UNANSWERED, Fault.UNPARSABLE, Fault.THROTTLED}
    if silent:
        with pytest.raises(CallFailed):
            ask(limit, "here")
    else:
        assert "here" == ask(limit, "here")
