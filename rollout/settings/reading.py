"""Parses YAML safely and within limits, and keeps the place of every key and value for error messages."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date, datetime

import yaml
from yaml.constructor import SafeConstructor
from yaml.reader import Reader

from rollout.files.bounded_yaml import DEEPEST, LOADER, BeyondYamlLimit, Position, bounded_events
from rollout.settings.problems import Key, Problem, Source, Spot, is_never_shown

MOST_NODES = 70_000
"""In one source, also when every use of an alias counts. An exemption has 11."""

ACCOUNT_ID = re.compile(r"\d{12}")

_TAG = "tag:yaml.org,2002:"
_SCALARS = {f"{_TAG}{name}" for name in ("str", "int", "float", "bool", "null", "timestamp")}
_STRINGS = {f"{_TAG}str", f"{_TAG}value", f"{_TAG}merge"}  # a lone `=` or `<<` is plain text

Value = str | int | float | bool | date | datetime | None | list["Value"] | dict[str, "Value"]


@dataclass(slots=True)
class ParsedSource:
    """The content of one source: the values, the place of each key and value, and the problems found."""

    value: Value = None
    keys: dict[Key, Spot] = field(default_factory=dict)
    spots: dict[Key, Spot] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)


def read_yaml(text: str, source: Source) -> ParsedSource:
    """Parse one YAML document. Errors in it become problems; nothing is raised."""
    reading = ParsedSource()
    trail: list[_Open] = []
    if bad := Reader.NON_PRINTABLE.search(text):
        spot = _spot_of_offset(text, bad.start(), source)
        reading.problems.append(Problem(spot, (), f"YAML does not allow the character {bad.group()!a}"))
        return reading
    try:
        if problem := _first_walk(text, source, trail):
            reading.problems.append(problem)
            return reading
        root = yaml.compose(text, Loader=LOADER)
    except BeyondYamlLimit as beyond:
        reading.problems.append(Problem(_spot(beyond.mark, source), (), str(beyond)))
        return reading
    except yaml.MarkedYAMLError as error:
        reading.problems.append(_broken(error, text, source, trail))
        return reading
    _Builder(source, reading).build(root)
    return reading


@dataclass(slots=True)
class _Open:
    """A mapping or list that has not ended yet; `key` is the latest key of a mapping."""

    start: Position | None
    mapping: bool
    key: str = ""
    wants_key: bool = True


def _first_walk(text: str, source: Source, stack: list[_Open]) -> Problem | None:
    """Walk the events once with the open collections in `stack`. Raises BeyondYamlLimit."""
    anchors: set[str | None] = set()
    documents = 0
    for event in bounded_events(text, MOST_NODES):
        match event:
            case yaml.DocumentStartEvent():
                documents += 1
                if documents > 1:
                    return Problem(
                        _spot(event.start_mark, source), (), "a second document; only one is allowed"
                    )
            case yaml.MappingStartEvent() | yaml.SequenceStartEvent():
                anchors.add(event.anchor)
                stack.append(_Open(event.start_mark, mapping=isinstance(event, yaml.MappingStartEvent)))
            case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                stack.pop()
                _step(stack, "")
            case yaml.ScalarEvent():
                anchors.add(event.anchor)
                _step(stack, event.value)
            case yaml.AliasEvent():
                if event.anchor not in anchors:
                    sentence = f"invalid YAML{_near(stack)}: nothing before *{event.anchor} has that anchor"
                    return Problem(_spot(event.start_mark, source), (), sentence)
                _step(stack, f"*{event.anchor}")
            case _:
                pass
    return None


def _step(stack: list[_Open], text: str) -> None:
    if stack and stack[-1].mapping:
        if stack[-1].wants_key:
            stack[-1].key = text
        stack[-1].wants_key = not stack[-1].wants_key


def _broken(error: yaml.MarkedYAMLError, text: str, source: Source, stack: list[_Open]) -> Problem:
    """Report the position and the nearest key; a collection still open at the end is reported where it began."""
    lines = text.splitlines()
    mark: Position | None = error.problem_mark or error.context_mark
    what = error.problem or "not YAML"
    if error.context and error.context_mark:
        if mark is None or mark.line >= len(lines):
            inside = error.context_mark.line < len(lines) or not stack
            mark, what = error.context_mark if inside else stack[-1].start, f"{what} {error.context}"
        elif error.context_mark.line != mark.line:
            what = f"{what} {error.context} that began in line {error.context_mark.line + 1}"
    line = lines[mark.line] if mark and mark.line < len(lines) else ""
    if "\t" in line[: len(line) - len(line.lstrip())]:
        what = "the line is indented with a tab; use spaces"
    return Problem(_spot(mark, source), (), f"invalid YAML{_near(stack)}: {what}")


def _near(stack: list[_Open]) -> str:
    keys = ".".join(opened.key for opened in stack if opened.mapping and opened.key)
    return f" near {keys}" if keys else ""


class _Builder:
    """Turns composed nodes into plain values; each use of an alias counts towards the limits."""

    def __init__(self, source: Source, reading: ParsedSource) -> None:
        self._source = source
        self._reading = reading
        self._constructor = SafeConstructor()
        self._left = MOST_NODES

    def build(self, root: yaml.Node | None) -> None:
        if root is None:
            return
        try:
            self._reading.value = self._value(root, ())
        except _TooMuchError:
            self._add(root, (), "too large or too deeply nested, counting every use of an alias")
            self._reading.value = None

    def _value(self, node: yaml.Node, key: Key) -> Value:
        self._left -= 1
        if self._left < 0 or len(key) > DEEPEST:
            raise _TooMuchError
        self._reading.spots[key] = _spot(node.start_mark, self._source)
        if isinstance(node, yaml.MappingNode) and node.tag == f"{_TAG}map":
            return self._mapping(node, key)
        if isinstance(node, yaml.SequenceNode) and node.tag == f"{_TAG}seq":
            return [self._value(item, (*key, index)) for index, item in enumerate(node.value)]
        if isinstance(node, yaml.ScalarNode) and node.tag in _SCALARS | _STRINGS:
            return self._scalar(node, key)
        self._add(node, key, f"the tag {node.tag.replace(_TAG, '!!')} is not supported")
        return None

    def _mapping(self, node: yaml.MappingNode, key: Key) -> Value:
        mapping: dict[str, Value] = {}
        for name_node, value_node in node.value:
            name = self._name(name_node, key)
            if name is None:
                continue
            inner = (*key, name)
            spot = _spot(name_node.start_mark, self._source)
            if name in mapping:
                first = self._reading.keys[inner].line
                self._add(name_node, inner, f"is set twice; the first is in line {first}")
                continue
            self._reading.keys[inner] = spot
            mapping[name] = self._value(value_node, inner)
        return mapping

    def _name(self, node: yaml.Node, key: Key) -> str | None:
        if not isinstance(node, yaml.ScalarNode):
            self._add(node, key, "a key must be text")
            return None
        if node.tag == f"{_TAG}merge":
            self._add(node, key, "merge keys (<<) are not supported; write the keys out")
            return None
        if node.tag not in _STRINGS or self._is_bare_account_id(node):
            value = self._scalar(node, (*key, node.value))
            if not isinstance(value, str):
                self._add(node, (*key, node.value), f'a key must be text; write "{node.value}" in quotes')
        return str(node.value)

    def _scalar(self, node: yaml.ScalarNode, key: Key) -> Value:
        text = str(node.value)
        self._reading.spots[key] = _spot(node.start_mark, self._source, text)
        shown = "its value" if is_never_shown(key) else text
        if self._is_bare_account_id(node):
            self._add(
                node,
                key,
                f'write the account ID in quotes: "{shown}"; YAML reads it as a number without them',
            )
            return text
        if node.tag in _STRINGS:
            return text
        try:
            value: Value = self._constructor.construct_object(node)
        except (
            ValueError,
            LookupError,
            AttributeError,
        ) as error:  # the last two by tags such as `!!bool maybe`
            why = f": {error}" if isinstance(error, ValueError) and shown == text else ""
            self._add(node, key, f"{shown[:60]} is not a valid {node.tag.removeprefix(_TAG)}{why}")
            return None
        return value

    @staticmethod
    def _is_bare_account_id(node: yaml.ScalarNode) -> bool:
        return not node.style and ACCOUNT_ID.fullmatch(node.value) is not None

    def _add(self, node: yaml.Node, key: Key, sentence: str) -> None:
        self._reading.problems.append(Problem(_spot(node.start_mark, self._source), key, sentence))


class _TooMuchError(Exception):
    """More nodes than any real file has, or an alias that contains itself."""


def _spot(mark: Position | None, source: Source, text: str | None = None) -> Spot:
    if mark is None:
        return Spot(source, text=text)
    return Spot(source, mark.line + 1, mark.column + 1, text)


def _spot_of_offset(text: str, offset: int, source: Source) -> Spot:
    before = text[:offset]
    return Spot(source, before.count("\n") + 1, offset - before.rfind("\n"))
