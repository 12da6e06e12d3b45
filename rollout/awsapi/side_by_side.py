"""Makes several calls side by side that do not need each other's answers; each is paced and retried as ever."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import TypeVar

Item = TypeVar("Item")
First = TypeVar("First")
Second = TypeVar("Second")

_MOST = 8


def side_by_side(ask: Callable[[Item], First], items: Iterable[Item]) -> list[First]:
    """Ask about each item, a few at a time; the answers are in the order of the items. Raises the first error."""
    wanted = list(items)
    if len(wanted) < 2:
        return [ask(item) for item in wanted]
    with ThreadPoolExecutor(min(_MOST, len(wanted)), thread_name_prefix="asking") as pool:
        answers = [pool.submit(copy_context().run, ask, item) for item in wanted]
        try:
            return [answer.result() for answer in answers]
        finally:
            for answer in answers:
                answer.cancel()  # where one has failed, nobody needs those not begun


def both(first: Callable[[], First], second: Callable[[], Second]) -> tuple[First, Second]:
    """Ask two questions at once. Raises the first one's error, else the second one's."""
    with ThreadPoolExecutor(1, thread_name_prefix="asking") as pool:
        other = pool.submit(copy_context().run, second)
        return first(), other.result()
