"""The engine: side by side, as they come, nothing lost, nothing left running."""

import threading
from collections.abc import Iterator
from contextvars import ContextVar
from threading import Barrier, Event

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.execution.threads import ThreadEngine, wait_aside

PATIENCE = 10  # seconds until a test gives up; none waits that long


@given(st.lists(st.integers()), st.integers(1, 8))
def test_every_item_is_answered_once(items, workers):
    answers = list(ThreadEngine(workers).map(lambda item: item * 2, items))

    assert sorted(answers) == sorted((item, item * 2) for item in items)


def test_answers_come_as_they_are_ready():
    first_may_end = Event()

    def task(item: int) -> None:
        if item == 1:
            assert first_may_end.wait(PATIENCE)

    order = []
    for item, _ in ThreadEngine(2).map(task, [1, 2, 3]):
        order.append(item)
        if item == 3:
            first_may_end.set()

    assert order == [2, 3, 1]


def test_as_many_run_side_by_side_as_there_are_workers():
    together = Barrier(4)

    assert len(list(ThreadEngine(4).map(lambda _item: together.wait(PATIENCE), range(8)))) == 8


def test_never_more_run_than_there_are_workers():
    lock, running, most = threading.Lock(), [0], [0]

    def task(_item: int) -> None:
        with lock:
            running[0] += 1
            most[0] = max(most[0], running[0])
        with lock:
            running[0] -= 1

    list(ThreadEngine(3).map(task, range(100)))

    assert most[0] <= 3


def test_items_are_taken_up_only_as_workers_come_free():
    taken = []

    def items() -> Iterator[int]:
        for number in range(100):
            taken.append(number)
            yield number

    answers = ThreadEngine(2).map(lambda item: item, items())
    assert taken == []
    next(answers)

    assert len(taken) <= 3


def test_what_a_task_keeps_in_a_context_reaches_no_other_task():
    """One thread serves many accounts; an account's credentials must not outlive its task."""
    account: ContextVar[str] = ContextVar("account", default="nobody")
    outside = account.set("caller")

    def task(item: int) -> str:
        before = account.get()
        account.set(str(item))
        return before

    answers = dict(ThreadEngine(1).map(task, range(5)))
    account.reset(outside)

    assert set(answers.values()) == {"caller"}


def test_after_a_stop_those_in_hand_are_answered_and_no_others_begun():
    stop = Event()
    begun = []

    def task(item: int) -> int:
        begun.append(item)
        if item == 2:
            stop.set()
        return item

    answers = list(ThreadEngine(1, stop).map(task, range(100)))

    assert answers == [(0, 0), (1, 1), (2, 2)]
    assert begun == [0, 1, 2]


def test_an_engine_that_is_stopped_begins_nothing():
    stop = Event()
    stop.set()

    assert list(ThreadEngine(4, stop).map(lambda item: item, range(10))) == []


def test_an_error_is_raised_when_those_in_hand_have_been_answered():
    both_run = Barrier(2)

    def task(item: int) -> int:
        if item < 2:
            both_run.wait(PATIENCE)
        if item == 0:
            raise KeyError(item)
        return item

    answers: list[tuple[int, int]] = []
    with pytest.raises(KeyError):
        answers.extend(ThreadEngine(2).map(task, range(100)))

    assert (1, 1) in answers
    assert len(answers) < 100


def test_a_second_error_is_not_forgotten():
    both_run = Barrier(2)

    def task(item: int) -> None:
        both_run.wait(PATIENCE)
        raise KeyError(item)

    with pytest.raises(KeyError) as caught:
        list(ThreadEngine(2).map(task, range(2)))
    assert "KeyError" in caught.value.__notes__[0]


def test_who_stops_listening_leaves_nothing_running():
    done = []

    def task(item: int) -> None:
        done.append(item)

    answers = iter(ThreadEngine(2).map(task, range(100)))
    next(answers)
    del answers

    before = len(done)
    assert before <= 3
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("account")]


def test_an_error_in_the_list_of_items_ends_the_run():
    def items() -> Iterator[int]:
        yield 1
        raise KeyError(1)

    with pytest.raises(KeyError):
        list(ThreadEngine(2).map(lambda item: item, items()))


@pytest.mark.parametrize("workers", [0, -1])
def test_an_engine_without_workers_is_a_mistake(workers):
    with pytest.raises(ValueError, match="at least 1"):
        ThreadEngine(workers)


def test_whoever_waits_aside_lets_another_one_work():
    """Such as for a credential report, which takes AWS seconds."""
    other_is_done = Event()

    def task(item: int) -> int:
        if item == 1:
            while not other_is_done.is_set():
                wait_aside(0.001)
        other_is_done.set()
        return item

    assert [2, 1] == [item for item, _ in ThreadEngine(1).map(task, [1, 2])]


def test_so_many_wait_as_may_work_and_no_more():
    lock, begun, most, working = threading.Lock(), [0], [0], [0]
    ends = Event()

    def task(item: int) -> None:
        with lock:
            begun[0] += 1
        if begun[0] == 4:
            ends.set()
        while not ends.is_set():
            wait_aside(0.001)
        with lock:
            working[0] += 1
            most[0] = max(most[0], working[0])
        with lock:
            working[0] -= 1

    list(ThreadEngine(2).map(task, range(20)))

    assert most[0] <= 2


def test_outside_of_a_task_nobody_waits_aside():
    wait_aside(0)
