"""YAML that would take the machine's memory or its time is refused while it is only events."""

import pytest
import yaml

from rollout.files.bounded_yaml import DEEPEST, BeyondYamlLimit, bounded_events


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
