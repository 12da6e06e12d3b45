"""What must hold for all policies and requests, and the same answers as an evaluator written another way."""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from rollout.domain.iam import (
    UNKNOWN,
    Allowed,
    ExplicitlyDenied,
    Policies,
    Undecided,
    equal_documents,
    evaluate,
    normalise_document,
    parse_document,
)
from rollout.domain.iam.logic import Truth, all_of, any_of, negated
from rollout.domain.iam.wildcards import glob
from tests.domain.iam import naive
from tests.domain.iam.asking import ADMIN
from tests.domain.iam.strategies import (
    ALLOWS,
    DENIES,
    EVERYTHING,
    KEYS,
    RAW_DOCUMENTS,
    RAW_POLICIES,
    RAW_REQUESTS,
    a_raw_request,
    asked,
    documents_of_all_kinds,
    parsed,
)

Raw = dict[str, Any]
KINDS = st.sampled_from(["identity", "boundary", "scps", "session"])


def seen_by_naive(request: Raw) -> Raw:
    """The request with the keys that follow from its principal, and values as texts."""
    context = {
        key: value
        if isinstance(value, list)
        else str(value).lower()
        if isinstance(value, bool)
        else str(value)
        for key, value in request["context"].items()
    }
    principal = request["principal"]
    follows = {"aws:PrincipalArn": principal, "aws:username": principal.rpartition("/")[2]}
    return {**request, "context": context | follows}


def plus(policies: Raw, kind: str, statement: Raw) -> Raw:
    """Add a statement to a layer, or a layer with it and everything."""
    document = {"Version": "2012-10-17", "Statement": [statement]}
    if kind == "identity":
        return {**policies, "identity": [*policies["identity"], document]}
    if kind == "scps":
        return {**policies, "scps": [[*level, document] for level in policies["scps"]]}
    present = policies[kind] or EVERYTHING
    return {**policies, kind: {**present, "Statement": [*present["Statement"], statement]}}


@settings(max_examples=150)
@given(RAW_POLICIES, RAW_REQUESTS)
def test_a_second_evaluator_agrees(policies: Raw, request: Raw) -> None:
    """Two programs that share nothing but AWS's pages give the same answers; none is left open."""
    decision = evaluate(parsed(policies), asked(request))
    assert naive.decide(policies, seen_by_naive(request)) == type(decision).__name__


def test_a_second_evaluator_agrees_on_many_throws_of_the_dice() -> None:
    """The same at a greater number; every answer comes up often enough to mean something."""
    random = Random(20261124)
    answers: Counter[str] = Counter()
    for _ in range(2000):
        policies, request = documents_of_all_kinds(random), a_raw_request(random)
        decision = evaluate(parsed(policies), asked(request))
        assert naive.decide(policies, seen_by_naive(request)) == type(decision).__name__, (policies, request)
        answers[type(decision).__name__] += 1
    assert min(answers[name] for name in ("Allowed", "ExplicitlyDenied", "ImplicitlyDenied")) > 200


@settings(max_examples=150)
@given(RAW_POLICIES, RAW_REQUESTS)
def test_a_known_context_is_never_undecided(policies: Raw, request: Raw) -> None:
    """Where documents are well-formed and used as AWS documents it, every question has an answer."""
    assert not isinstance(evaluate(parsed(policies), asked(request)), Undecided)


@settings(max_examples=150)
@given(RAW_POLICIES, RAW_REQUESTS, DENIES, KINDS, st.sets(st.sampled_from(list(KEYS))))
def test_adding_a_deny_never_allows(policies, request, statement, kind, unknown) -> None:
    """Whatever was not allowed stays so."""
    question = asked(request, tuple(unknown))
    before = evaluate(parsed(policies), question)
    after = evaluate(parsed(plus(policies, kind, statement)), question)
    assert isinstance(before, Allowed) or not isinstance(after, Allowed)


@settings(max_examples=150)
@given(RAW_POLICIES, RAW_REQUESTS, ALLOWS, KINDS)
def test_adding_an_allow_never_lifts_an_explicit_deny(policies, request, statement, kind) -> None:
    """Whatever was denied stays so, by the same statements."""
    before = evaluate(parsed(policies), asked(request))
    after = evaluate(parsed(plus(policies, kind, statement)), asked(request))
    assert isinstance(before, ExplicitlyDenied) is isinstance(after, ExplicitlyDenied)


@settings(max_examples=150)
@given(RAW_DOCUMENTS, RAW_REQUESTS, st.sets(st.sampled_from(list(KEYS))))
def test_normalising_keeps_every_answer(document: Raw, request: Raw, unknown: set[str]) -> None:
    """A document and its canonical form cannot be told apart, alone or beside other rights."""
    form = normalise_document(document)
    assume(parse_document(document, "").problem is None)
    question = asked(request, tuple(unknown))
    assert equal_documents(document, form)
    for beside in ((), (ADMIN,)):
        before, after = (
            evaluate(Policies((*beside, parse_document(one, "P"))), question) for one in (document, form)
        )
        assert type(before) is type(after)


@st.composite
def worlds(draw: st.DrawFn) -> tuple[Raw, Raw, set[str]]:
    """One world, the same one with some keys unknown, and which."""
    request = draw(RAW_REQUESTS)
    unknown = {key.lower() for key in draw(st.sets(st.sampled_from([*KEYS, "aws:TagKeys"]), min_size=1))}
    known = {key: value for key, value in request["context"].items() if key.lower() not in unknown}
    return request, {**request, "context": known}, unknown


@settings(max_examples=150)
@given(RAW_POLICIES, worlds())
def test_what_is_decided_without_a_key_holds_whatever_its_value(policies: Raw, world) -> None:
    """Undecided may become anything that it named as possible; a decision stands in every world."""
    request, shown, unknown = world
    foreseen = evaluate(parsed(policies), asked(shown, tuple(unknown)))
    actual = type(evaluate(parsed(policies), asked(request))).__name__
    possible = foreseen.possible if isinstance(foreseen, Undecided) else (type(foreseen).__name__,)
    assert actual in possible


@settings(max_examples=150)
@given(RAW_POLICIES, worlds())
def test_undecided_names_only_keys_that_are_unknown(policies: Raw, world) -> None:
    """Supplying what it names is enough, and each name is worth supplying."""
    _, shown, unknown = world
    decision = evaluate(parsed(policies), asked(shown, tuple(unknown)))
    if isinstance(decision, Undecided):
        assert decision.unknown
        assert {name.lower() for name in decision.unknown} <= unknown


@settings(max_examples=600)
@given(st.text("ab*?", max_size=10), st.text("ab", max_size=12))
def test_wildcards_match_like_a_table_filled_by_hand(pattern: str, text: str) -> None:
    """Every star is settled once, and rightly."""
    assert glob(pattern).matches(text) is naive.like(naive.letters(pattern), text)


TRUTHS = st.lists(st.sampled_from([True, False, UNKNOWN]), max_size=4)


@given(TRUTHS)
def test_logic_answers_only_what_holds_in_every_world(truths: list[Truth]) -> None:
    """Unknown stands for true as well as for false; an answer stands for both."""
    for read, plain in ((any_of, any), (all_of, all)):
        answers = {plain(world) for world in _worlds(truths)}
        assert read(truths) is (answers.pop() if len(answers) == 1 else UNKNOWN)


def _worlds(truths: list[Truth]) -> list[list[bool]]:
    worlds: list[list[bool]] = [[]]
    for truth in truths:
        values = [True, False] if truth is UNKNOWN else [truth is True]
        worlds = [[*world, value] for world in worlds for value in values]
    return worlds


def test_the_opposite_of_unknown_is_unknown() -> None:
    """Nothing is won by asking the other way round."""
    assert [negated(truth) for truth in (True, False, UNKNOWN)] == [False, True, UNKNOWN]
