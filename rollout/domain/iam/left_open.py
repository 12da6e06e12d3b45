"""Works out which actions a set of Deny statements leaves open, by comparing patterns and not by trying requests."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rollout.domain.iam.statements import Statement, texts
from rollout.domain.iam.wildcards import glob

EVERYTHING = "*"


def left_open(denials: Sequence[Statement]) -> tuple[str, ...]:
    """Name what no statement denies, as patterns of actions in lower case; `*` where nothing is denied altogether.

    The statements are taken to apply, whatever their conditions say. A hole in the resources is named too, as
    `every action on arn:…`. Nothing that is open is left out; where patterns overlap, more may be named than is open.
    """
    everywhere = [denial for denial in denials if _on_everything(denial)]
    actions = _open_actions(everywhere)
    if EVERYTHING not in actions:
        return tuple(sorted(actions))
    holed = [denial for denial in denials if "NotResource" in denial.source]
    holes = {text for denial in holed for text in texts(denial.source, "NotResource")}
    named = (f"every action on {text}" for text in holes)
    return (*sorted(_open_actions([*everywhere, *holed])), *sorted(named))


def beyond(open_patterns: Iterable[str], accepted: Iterable[str]) -> tuple[str, ...]:
    """Return the open patterns that no accepted pattern includes; accepted ones may be in any case."""
    wanted = [text.lower() for text in accepted]
    return tuple(text for text in open_patterns if not any(_includes(other, text) for other in wanted))


def _on_everything(denial: Statement) -> bool:
    return denial.resources.everything and not denial.resources.excluding


def _open_actions(denials: Iterable[Statement]) -> set[str]:
    still_open = {EVERYTHING}
    denied: list[str] = []
    for denial in denials:
        if denial.actions.excluding:
            listed = _lower(denial, "NotAction")
            pairs = ((one, other) for one in still_open for other in listed)
            still_open = {both for one, other in pairs if (both := _both(one, other))}
        else:
            denied += _lower(denial, "Action")
    return {text for text in still_open if not any(_includes(other, text) for other in denied)}


def _lower(denial: Statement, element: str) -> list[str]:
    lower = (text.lower() for text in texts(denial.source, element))
    return [text if text.strip("*:") else EVERYTHING for text in lower]


def _both(one: str, other: str) -> str:
    """Give a pattern that includes all that both include; empty if they have nothing in common."""
    if _includes(one, other):
        return other
    if _includes(other, one):
        return one
    begin, end = _beginning(one), _beginning(other)
    if one == begin or other == end:
        return ""  # one action, which the other pattern does not include
    return one if begin.startswith(end) or end.startswith(begin) else ""


def _beginning(pattern: str) -> str:
    return pattern.partition("*")[0].partition("?")[0]


def _includes(pattern: str, other: str) -> bool:
    """Tell whether a pattern certainly matches everything that another one matches."""
    return glob(pattern).matches(other) and not ("?" in pattern and "*" in other)
