"""Walks the events of YAML within limits, before anything is built from them: a node takes 470 bytes of memory."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import yaml

from rollout.files.bounded_files import BeyondLimit

DEEPEST = 24
# A plain `1:1:1` is a number to the base 60 in YAML 1.1; working out a long one takes hours.
_LONGEST_NUMBER = 1024
_BEGINS_NUMBERS = frozenset("+-.0123456789")


class Position(Protocol):
    """A position, counted from 0, as both the C parser and the Python parser report it."""

    line: int
    column: int


class BeyondYamlLimit(BeyondLimit):
    """A YAML document exceeds a limit; `mark` says where."""

    def __init__(self, sentence: str, mark: Position | None) -> None:
        """Keep both."""
        super().__init__(sentence)
        self.mark = mark


def bounded_events(text: str | bytes, most: int, *, aliases: bool = True) -> Iterator[yaml.Event]:
    """Yield the events of a stream of at most `most` nodes. Raises BeyondYamlLimit, and what PyYAML raises.

    An alias counts once here; whoever follows aliases has to count each use.
    """
    left, depth = most, 0
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        if isinstance(event, yaml.NodeEvent):
            left -= 1
            if left < 0:
                raise BeyondYamlLimit(f"too large: it has more than {most:,} values", event.start_mark)
        match event:
            case yaml.CollectionStartEvent():
                depth += 1
                if depth > DEEPEST:
                    raise BeyondYamlLimit(
                        f"nested too deeply: {DEEPEST} levels are allowed", event.start_mark
                    )
            case yaml.CollectionEndEvent():
                depth -= 1
            case yaml.AliasEvent() if not aliases:
                raise BeyondYamlLimit("aliases (*name) are not allowed", event.start_mark)
            case yaml.ScalarEvent() if len(event.value) > _LONGEST_NUMBER and _may_be_a_number(event):
                sentence = f"a number of more than {_LONGEST_NUMBER:,} characters; write text in quotes"
                raise BeyondYamlLimit(sentence, event.start_mark)
            case _:
                pass
        yield event


def _may_be_a_number(event: yaml.ScalarEvent) -> bool:
    return event.tag is not None or (event.implicit[0] and event.value[0] in _BEGINS_NUMBERS)
