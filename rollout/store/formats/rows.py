"""Spells values of the domain as short rows of JSON: fields by their place, and what many refer to by its number.

Everything follows from the type hints, so a new field needs no change here; `shape_of` says what rows look like now.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from datetime import date, datetime, timedelta
from enum import Enum
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from pydantic_core import to_json

Turn = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class RowCodec:
    """Turns values of one type into what JSON has, and back; None where that is the value itself."""

    encode: Turn | None = None
    decode: Turn | None = None


_PLAIN = RowCodec()
_OF_SCALARS: Mapping[Any, RowCodec] = {
    datetime: RowCodec(datetime.isoformat, datetime.fromisoformat),
    date: RowCodec(date.isoformat, date.fromisoformat),
    timedelta: RowCodec(
        lambda span: [span.days, span.seconds, span.microseconds], lambda row: timedelta(*row)
    ),
}


class SharedDocuments:
    """Mappings as they stand in JSON, such as policy documents: each is spelled once, and referred to by its number."""

    name = "Document"

    def __init__(self) -> None:
        """Begin with none."""
        self._numbers: dict[Any, int] = {}
        self._values: list[Any] = []
        self._unspelled: list[Any] = []

    @property
    def codec(self) -> RowCodec:
        """How others refer to these values."""
        return RowCodec(self._number, self._values.__getitem__)

    def _number(self, value: Any) -> int:
        known = self._known_by(value)
        number = self._numbers.get(known)
        if number is None:
            number = self._numbers[known] = len(self._numbers)
            self._unspelled.append(self._encode(value))
        return number

    def _known_by(self, value: Any) -> Any:
        return to_json(value, fallback=dict)

    def _encode(self, value: Any) -> Any:
        return dict(value)

    def spelled(self) -> list[Any]:
        """Take the rows of values that were referred to since this was asked last."""
        rows, self._unspelled = self._unspelled, []
        return rows

    def read(self, rows: list[Any]) -> None:
        """Take in rows, in their order."""
        self._values += rows


class SharedRows(SharedDocuments):
    """Values of one class that many others refer to; they hash by what they hold.

    `key` is the field by which dicts name them; these read the very same text, which `texts` holds.
    """

    def __init__(self, name: str, key: str, inner: RowCodec, texts: dict[str, str]) -> None:
        """Begin with none."""
        super().__init__()
        self.name = name
        self._key, self._inner, self._texts = key, inner, texts

    def _known_by(self, value: Any) -> Any:
        return value

    def _encode(self, value: Any) -> Any:
        return _turned(self._inner.encode, value)

    def read(self, rows: list[Any]) -> None:
        """Take in rows, in their order."""
        values = [_turned(self._inner.decode, row) for row in rows]
        for value in values:
            text = getattr(value, self._key)
            self._texts[text] = text
        super().read(values)


class RowCodecs:
    """Finds the codec of a type. `shared`: classes whose values are spelled once, and the field that names them."""

    def __init__(self, shared: Mapping[type[Any], str]) -> None:
        """Make those of the shared classes."""
        self._known: dict[Any, RowCodec] = dict(_OF_SCALARS)
        self._texts: dict[str, str] = {}
        self.documents = SharedDocuments()
        self.shared: list[SharedDocuments] = [self.documents]
        for kind, key in shared.items():
            rows = SharedRows(kind.__name__, key, self._of_fields(kind), self._texts)
            self.shared.append(rows)
            self._known[kind] = rows.codec

    def of(self, hint: Any) -> RowCodec:
        """Find or make the codec of a type. Raises TypeError for one that rows cannot hold."""
        if hint not in self._known:
            self._known[hint] = self._make(hint)
        return self._known[hint]

    def of_items(self, keys: Any, values: Any) -> RowCodec:
        """Make the codec of the items of a dict; texts in keys are read once, however many dicts have them."""
        inner, texts = self.of(keys), self._texts
        known = texts.setdefault

        def of_key(row: Any) -> Any:
            key = _turned(inner.decode, row)
            if isinstance(key, tuple):
                return tuple(known(part, part) if type(part) is str else part for part in key)
            return known(key, key) if type(key) is str else key

        return _of_places(tuple, [RowCodec(inner.encode, of_key), self.of(values)])

    def _make(self, hint: Any) -> RowCodec:
        origin, parts = get_origin(hint), get_args(hint)
        if hint in (str, int, float, bool, NoneType):
            return _PLAIN
        if origin is Mapping:
            return self.documents.codec
        if origin in (Union, UnionType):
            return self._of_union(
                [part for part in parts if part is not NoneType], optional=NoneType in parts
            )
        if origin is tuple and parts[-1] is not Ellipsis:
            return _of_places(tuple, [self.of(part) for part in parts])
        if origin in (tuple, list, set):
            return _of_many(origin, self.of(parts[0]))
        if origin is dict:
            return _of_dict(self.of_items(parts[0], parts[1]))
        if isinstance(hint, type) and issubclass(hint, Enum):
            return RowCodec(lambda member: member.value, hint._value2member_map_.__getitem__)
        if isinstance(hint, type) and is_dataclass(hint):
            return self._of_fields(hint)
        raise TypeError(f"rows cannot hold a {hint}")

    def _of_fields(self, kind: type[Any]) -> RowCodec:
        hints = get_type_hints(kind)
        names = [field.name for field in fields(kind)]
        return _of_places(kind, [self.of(hints[name]) for name in names], names)

    def _of_union(self, kinds: list[Any], *, optional: bool) -> RowCodec:
        codecs = {kind: self.of(kind) for kind in kinds}
        inner = codecs[kinds[0]] if len(kinds) == 1 else _of_kinds(codecs)
        return _or_none(inner) if optional else inner


def _turned(turn: Turn | None, value: Any) -> Any:
    return turn(value) if turn else value


def _of_places(make: Callable[..., Any], codecs: list[RowCodec], names: list[str] | None = None) -> RowCodec:
    """A row of fields (`names`), or of the items of a tuple: each by its place."""
    encodes = [(place, codec.encode) for place, codec in enumerate(codecs) if codec.encode]
    decodes = [(place, codec.decode) for place, codec in enumerate(codecs) if codec.decode]

    def encode(value: Any) -> list[Any]:
        row = [getattr(value, name) for name in names] if names is not None else list(value)
        for place, turn in encodes:
            row[place] = turn(row[place])
        return row

    def decode(row: list[Any]) -> Any:
        for place, turn in decodes:
            row[place] = turn(row[place])
        return make(*row) if names is not None else make(row)

    return RowCodec(encode, decode)


def _of_kinds(codecs: Mapping[type[Any], RowCodec]) -> RowCodec:
    """A row of one of several classes: its name, then its row."""
    decodes = {kind.__name__: codec.decode for kind, codec in codecs.items()}

    def encode(value: Any) -> list[Any]:
        kind = type(value)
        return [kind.__name__, _turned(codecs[kind].encode, value)]

    def decode(row: list[Any]) -> Any:
        return _turned(decodes[row[0]], row[1])

    return RowCodec(encode, decode)


def _of_many(make: Callable[[Any], Any], inner: RowCodec) -> RowCodec:
    encode, decode = inner.encode, inner.decode
    return RowCodec(
        (lambda values: [encode(value) for value in values]) if encode else list,
        (lambda row: make([decode(value) for value in row])) if decode else make,
    )


def _of_dict(items: RowCodec) -> RowCodec:
    pairs = _of_many(list, items)
    return RowCodec(
        lambda mapping: _turned(pairs.encode, mapping.items()),
        lambda row: dict(_turned(pairs.decode, row)),
    )


def _or_none(inner: RowCodec) -> RowCodec:
    encode, decode = inner.encode, inner.decode
    return RowCodec(
        (lambda value: None if value is None else encode(value)) if encode else None,
        (lambda row: None if row is None else decode(row)) if decode else None,
    )


def shape_of(kind: type[Any]) -> str:
    """Describe the fields of a class, and of all classes in them."""
    seen: dict[str, str] = {}

    def look(hint: Any) -> None:
        for part in get_args(hint):
            look(part)
        if isinstance(hint, type) and is_dataclass(hint) and hint.__name__ not in seen:
            hints = get_type_hints(hint)
            seen[hint.__name__] = ", ".join(f"{field.name}: {hints[field.name]}" for field in fields(hint))
            for inner in hints.values():
                look(inner)
        elif isinstance(hint, type) and issubclass(hint, Enum):
            seen[hint.__name__] = ", ".join(str(member.value) for member in hint)

    look(kind)
    return "\n".join(f"{name}: {shape}" for name, shape in sorted(seen.items()))
