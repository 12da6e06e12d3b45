"""One record is not what was written: a few examples of each kind; `make soak` draws many."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.model.tampering import END, ENFORCE, FIX, Stories, Tampering

ALTERED = 6


@pytest.fixture(scope="module")
def stories(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stories]:
    """Takes two seconds: a rollout, lived through once."""
    with Stories.begun(tmp_path_factory.mktemp("tampering")) as begun:
        yield begun


def test_where_nobody_tampers_the_record_decides_who_comes_under_the_policy(stories: Stories):
    """Else the others would show nothing."""
    assert set() == stories.would_come("untold", ENFORCE)
    assert set() == stories.would_come("told", ENFORCE, approval=True)
    assert {"ben", "cleo", "mia"} == stories.would_come("ana is out", ENFORCE)
    assert set() == stories.would_come("released", ENFORCE)


@pytest.mark.parametrize(
    ("state", "words", "tampering"),
    [
        ("untold", ENFORCE, Tampering("forge", to_segment=0, to_line=2, record="told")),
        ("untold", ENFORCE, Tampering("forge", to_segment=-1, to_line=2, record="told")),
        ("ana is out", ENFORCE, Tampering("drop", segment=2, line=2)),
        ("ana is out", ENFORCE, Tampering("lose", segment=2)),
        ("ana is out", FIX, Tampering("swap", segment=2, line=1, to_line=2)),
        ("released", ENFORCE, Tampering("mark")),
        ("released", END, Tampering("replay", segment=1, line=2, to_segment=4, to_line=1)),
        ("enforced", FIX, Tampering("copy", segment=3)),
    ],
)
def test_no_single_record_brings_anybody_under_the_policy_or_keeps_them_there(
    stories: Stories, state: str, words: tuple[str, ...], tampering: Tampering
):
    assert ALTERED == stories.hold(state, words, tampering).code


def test_a_forged_approval_opens_no_gate(stories: Stories):
    forged = Tampering("forge", to_segment=1, to_line=-1, record="approved")
    assert ALTERED == stories.hold("told", ENFORCE, forged, approval=True).code


def test_a_release_holds_without_its_marker(stories: Stories):
    assert 0 == stories.hold("released", ENFORCE, Tampering("unmark")).code


def test_nobody_approves_beside_a_forged_record(stories: Stories):
    stories.put_back("told")
    stories.tamper(Tampering("forge", to_segment=-1, to_line=2, record="approved"))
    before = sorted((stories.store / "journal").iterdir())
    said = stories.type("approve", "--wave", "everybody", "--reason", "CAB-311", approval=True)
    assert (ALTERED, before) == (said.code, sorted((stories.store / "journal").iterdir())), said.err
