"""YAML that would take the machine's memory or its time is refused while it is only events."""

import pytest
import yaml

from rollout.files.bounded_yaml import (
    DEEPEST,
    BeyondYamlLimit,
    WrongYaml,
    bounded_events,
    bounded_value,
    line_of,
)


def walk(text: str, most: int = 1000, *, aliases: bool = True) -> list[yaml.Event]:
    return list(bounded_events(text, most, aliases=aliases))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[" * (DEEPEST + 1), "nested too deeply: 24 levels are allowed"),
        ("{a: " * (DEEPEST + 1), "nested too deeply: 24 levels are allowed"),
        (f"[{'a,' * 1000}]", "too large: it has more than 1,000 values"),
        (f"[&a x, {'*a,' * 1000}]", "too large: it has more than 1,000 values"),
        ("x: 1" + ":1" * 600, "a number of more than 1,024 characters; write text in quotes"),
        (f"x: !!int '1{':1' * 600}'", "a number of more than 1,024 characters; write text in quotes"),
    ],
)
def test_what_is_too_much_is_told(text: str, why: str):
    with pytest.raises(BeyondYamlLimit) as beyond:
        walk(text)
    assert why == str(beyond.value)
    assert beyond.value.mark


def test_aliases_are_for_those_who_count_each_use():
    assert walk("[&a x, *a]")
    with pytest.raises(BeyondYamlLimit, match="aliases"):
        walk("[&a x, *a]", aliases=False)


@pytest.mark.parametrize(
    "text", ["[" * DEEPEST + "]" * DEEPEST, "x: word " + "word " * 400, f'x: "1{":1" * 600}"', "[]", ""]
)
def test_all_else_goes_through(text: str):
    assert [type(event) for event in yaml.parse(text)] == [type(event) for event in walk(text)]


TEXT = """---
schema: 1
waves: {canary: 5, rest: ~}
left_out:
- {id: "012", since: 2026-11-24, share: 0.5, yes: true}
- [a,
   "b c", d]
"""


@pytest.mark.parametrize(
    "text",
    [TEXT, "", "plain", "[]", "a: {b: [{c: d}, 1_000, 0x1f, .inf, 1:30]}", "? a\n: b\n", "- '1'\n- \"2\"\n"],
)
def test_values_are_those_that_pyyaml_makes(text: str):
    assert yaml.safe_load(text) == bounded_value(text, 100)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("a: 1\na: 2", "the key a is there twice"),
        ("? [a]\n: b", "a key is no text"),
        ("a: !!python/name:os.system x", "tags (!name) are not allowed"),
        ("a: 2026-13-45", "2026-13-45 is not valid (month must be in 1..12)"),
        ("a\n---\nb", "a second document"),
    ],
)
def test_what_can_be_read_in_two_ways_is_not_read(text: str, why: str):
    with pytest.raises(WrongYaml) as wrong:
        bounded_value(text, 100)
    assert why == str(wrong.value)


@pytest.mark.parametrize(
    ("steps", "line"),
    [
        ((), 2),
        (("schema",), 2),
        (("waves", "rest"), 3),
        (("left_out", 0, "share"), 5),
        (("left_out", 1, 1), 7),
        (("left_out", 1, 9), 6),
        (("left_out", 7), 5),
        (("nowhere", 1), 2),
    ],
)
def test_the_line_of_a_value_is_found_or_that_of_what_encloses_it(steps: tuple[str | int, ...], line: int):
    assert line == line_of(TEXT, steps)
