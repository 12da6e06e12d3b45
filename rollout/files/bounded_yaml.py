"""Reads YAML within limits: its events are counted before anything is built from them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

import yaml
from yaml.constructor import SafeConstructor
from yaml.resolver import Resolver

from rollout.files.bounded_files import BeyondLimit

LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""PyYAML without libyaml works too, but is slower."""
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
    for event in yaml.parse(text, Loader=LOADER):
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


Steps = tuple[str | int, ...]
"""Keys and indexes that lead to a value."""


def bounded_value(text: str | bytes, most: int) -> Any:
    """Build the values of one document, which has neither aliases nor tags; None of an empty text.

    They take a fifth of the memory of PyYAML's nodes. Raises BeyondYamlLimit, WrongYaml, and what PyYAML raises.
    """
    events = bounded_events(text, most, aliases=False)
    found = None
    for event in events:
        if isinstance(event, yaml.DocumentStartEvent):
            if found is not None:
                raise WrongYaml("a second document", event.start_mark)
            found = (_value(next(events), events),)
    return found[0] if found else None


class WrongYaml(ValueError):
    """The document has something that is not read here; `mark` says where."""

    def __init__(self, sentence: str, mark: Position | None) -> None:
        """Keep both."""
        super().__init__(sentence)
        self.mark = mark


def _value(event: yaml.Event, events: Iterator[yaml.Event]) -> Any:
    if not isinstance(event, yaml.NodeEvent):
        raise WrongYaml("a value is missing", event.start_mark)
    if getattr(event, "tag", None) is not None:
        raise WrongYaml("tags (!name) are not allowed", event.start_mark)
    match event:
        case yaml.ScalarEvent():
            return _scalar(event)
        case yaml.SequenceStartEvent():
            return [_value(item, events) for item in _until_end(events)]
        case _:
            mapping: dict[Any, Any] = {}
            for key_event in _until_end(events):
                key = _value(key_event, events)
                if isinstance(key, list | dict):
                    raise WrongYaml("a key is no text", key_event.start_mark)
                if key in mapping:
                    raise WrongYaml(f"the key {key} is there twice", key_event.start_mark)
                mapping[key] = _value(next(events), events)
            return mapping


def _until_end(events: Iterator[yaml.Event]) -> Iterator[yaml.Event]:
    while not isinstance(event := next(events), yaml.CollectionEndEvent):
        yield event


_RESOLVER, _CONSTRUCTOR = Resolver(), SafeConstructor()
_TEXT = "tag:yaml.org,2002:str"


def _scalar(event: yaml.ScalarEvent) -> Any:
    if not event.implicit[0]:
        return event.value
    tag = _RESOLVER.resolve(yaml.ScalarNode, event.value, (True, False))  # type: ignore[no-untyped-call]  # the stubs leave it out
    if tag == _TEXT:
        return event.value
    try:
        return _CONSTRUCTOR.construct_object(yaml.ScalarNode(tag, event.value))
    except (ValueError, yaml.YAMLError) as problem:
        raise WrongYaml(f"{event.value} is not valid ({problem})", event.start_mark) from problem


def line_of(text: str | bytes, steps: Steps = ()) -> int:
    """Find the line, counted from 1, of a value of a document, or of the closest enclosing value that exists."""
    events = yaml.parse(text, Loader=LOADER)
    for event in events:
        if isinstance(event, yaml.NodeEvent):
            found = _found(event, events, steps)
            return found.start_mark.line + 1 if found.start_mark else 1
    return 1


def _found(event: yaml.Event, events: Iterator[yaml.Event], steps: Steps) -> yaml.Event:
    for place, item in enumerate(
        _until_end(events) if steps and isinstance(event, yaml.CollectionStartEvent) else ()
    ):
        if isinstance(event, yaml.MappingStartEvent):
            name, value = getattr(item, "value", None), next(events)
        else:
            name, value = place, item
        if name == steps[0]:
            return _found(value, events, steps[1:])
        _skip(value, events)
    return event


def _skip(event: yaml.Event, events: Iterator[yaml.Event]) -> None:
    depth = 0
    while True:
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if not depth:
            return
        event = next(events)
