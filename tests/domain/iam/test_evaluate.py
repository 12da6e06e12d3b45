"""How documents of all kinds come together in one answer."""

from __future__ import annotations

import pickle
from dataclasses import dataclass
from typing import Any

import pytest

from rollout.domain.iam import (
    UNKNOWN,
    Allowed,
    Deciding,
    ExplicitlyDenied,
    ImplicitlyDenied,
    Policies,
    SilentLayer,
    Undecided,
    evaluate,
    parse_document,
)
from tests.domain.iam.asking import (
    ADMIN,
    ALICE,
    BOUNDARIES,
    EFFECT,
    LOGIC,
    SCPS,
    SESSIONS,
    a_document,
    a_request,
    allow,
    ask,
    deny,
)

MFA = "aws:MultiFactorAuthPresent"
READS = a_document(allow("iam:Get*"), name="Reads")
OTHER = a_document(allow("s3:*"), name="Other")
DENIES = a_document(deny("iam:*"), name="Denies")
MAY_ALLOW = a_document(allow(Condition={"Bool": {MFA: "true"}}), name="MayAllow")
MAY_DENY = a_document(deny(Condition={"BoolIfExists": {MFA: "false"}}), name="MayDeny")
BROKEN = parse_document("{", "Broken")
NOTHING = a_document(name="Nothing")


@dataclass(frozen=True)
class Layers:
    says: str
    source: str
    policies: Policies
    expected: type
    mfa: Any = UNKNOWN

    def __str__(self) -> str:
        return self.says


CASES = [
    Layers("nothing allows by itself", LOGIC, Policies(()), ImplicitlyDenied),
    Layers("a policy without statements allows nothing", LOGIC, Policies((NOTHING,)), ImplicitlyDenied),
    Layers("one Allow is enough", LOGIC, Policies((OTHER, READS)), Allowed),
    Layers("an Allow of something else is not", LOGIC, Policies((OTHER,)), ImplicitlyDenied),
    Layers("a Deny outweighs every Allow", EFFECT, Policies((ADMIN, READS, DENIES)), ExplicitlyDenied),
    Layers("a Deny counts without any Allow", LOGIC, Policies((DENIES,)), ExplicitlyDenied),
    Layers("a Deny of something else does not count", LOGIC, Policies((ADMIN, a_document(deny("s3:*")))), Allowed),
    Layers("a boundary that allows lets pass", BOUNDARIES, Policies((ADMIN,), READS), Allowed),
    Layers("a boundary that does not allow stops", BOUNDARIES, Policies((ADMIN,), OTHER), ImplicitlyDenied),
    Layers("a boundary grants nothing itself", BOUNDARIES, Policies((OTHER,), ADMIN), ImplicitlyDenied),
    Layers("a Deny in a boundary denies", BOUNDARIES, Policies((ADMIN,), DENIES), ExplicitlyDenied),
    Layers("no levels of SCPs: none apply", "aws-facts.md#organizations", Policies((ADMIN,)), Allowed),
    Layers("every level must allow, and does", SCPS, Policies((ADMIN,), scps=((ADMIN,), (OTHER, READS))), Allowed),
    Layers("one level that does not allow stops", SCPS, Policies((ADMIN,), scps=((ADMIN,), (OTHER,))),
        ImplicitlyDenied),
    Layers("a level without documents allows nothing", SCPS, Policies((ADMIN,), scps=((ADMIN,), ())), ImplicitlyDenied),
    Layers("SCPs grant nothing themselves", SCPS, Policies((OTHER,), scps=((ADMIN,),)), ImplicitlyDenied),
    Layers("a Deny at the root reaches the account", SCPS, Policies((ADMIN,), scps=((ADMIN, DENIES), (ADMIN,))),
        ExplicitlyDenied),
    Layers("a Deny at the account denies", SCPS, Policies((ADMIN,), scps=((ADMIN,), (ADMIN, DENIES))),
        ExplicitlyDenied),
    Layers("a Deny outweighs a level that is silent", LOGIC, Policies((ADMIN,), scps=((OTHER,), (DENIES,))),
        ExplicitlyDenied),
    Layers("a session policy that allows lets pass", SESSIONS, Policies((ADMIN,), session=READS), Allowed),
    Layers("a session policy that does not allow stops", SESSIONS, Policies((ADMIN,), session=OTHER), ImplicitlyDenied),
    Layers("a session policy grants nothing itself", SESSIONS, Policies((OTHER,), session=ADMIN), ImplicitlyDenied),
    Layers("a Deny in a session policy denies", SESSIONS, Policies((ADMIN,), session=DENIES), ExplicitlyDenied),
    Layers("all layers must agree", LOGIC, Policies((ADMIN,), READS, ((READS,),), READS), Allowed),
    Layers("an Allow that may apply leaves it open", "design.md#verdicts", Policies((MAY_ALLOW,)), Undecided),
    Layers("an Allow that may apply does not matter beside a sure one", "design.md#verdicts", Policies((MAY_ALLOW, READS)),
        Allowed),
    Layers("an Allow that may apply does not matter where a boundary stops", "design.md#verdicts", Policies((MAY_ALLOW,), OTHER),
        ImplicitlyDenied),
    Layers("a Deny that may apply leaves it open", "design.md#verdicts", Policies((ADMIN, MAY_DENY)), Undecided),
    Layers("a Deny that may apply does not matter beside a sure one", "design.md#verdicts", Policies((ADMIN, MAY_DENY, DENIES)),
        ExplicitlyDenied),
    Layers("a Deny that may apply leaves even a refusal open", "design.md#verdicts", Policies((OTHER, MAY_DENY)), Undecided),
    Layers("a boundary that may allow leaves it open", "design.md#verdicts", Policies((ADMIN,), MAY_ALLOW), Undecided),
    Layers("a level that may allow leaves it open", "design.md#verdicts", Policies((ADMIN,), scps=((ADMIN,), (MAY_ALLOW,))),
        Undecided),
    Layers("a session policy that may allow leaves it open", "design.md#verdicts", Policies((ADMIN,), session=MAY_ALLOW),
        Undecided),
    Layers("what was open closes once the key is known", "design.md#verdicts", Policies((MAY_ALLOW, MAY_DENY)), Allowed,
        mfa="true"),
    Layers("an absent key closes it too", "aws-facts.md#operators", Policies((MAY_ALLOW, MAY_DENY)), ExplicitlyDenied,
        mfa=None),
    Layers("an unreadable policy could allow", "design.md#verdicts", Policies((BROKEN,)), Undecided),
    Layers("an unreadable policy could deny", "design.md#verdicts", Policies((ADMIN, BROKEN)), Undecided),
    Layers("an unreadable policy does not matter beside a sure Deny", "design.md#verdicts", Policies((BROKEN, DENIES)),
        ExplicitlyDenied),
    Layers("an unreadable boundary leaves it open", "design.md#verdicts", Policies((ADMIN,), BROKEN), Undecided),
    Layers("an unreadable SCP leaves it open", "design.md#verdicts", Policies((ADMIN,), scps=((ADMIN, BROKEN),)), Undecided),
    Layers("an unreadable session policy leaves it open", "design.md#verdicts", Policies((ADMIN,), session=BROKEN), Undecided),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=str)
def test_layers(case: Layers) -> None:
    """The layers come together as the cited page says."""
    context = {} if case.mfa is None else {MFA: case.mfa}
    assert case.expected is type(evaluate(case.policies, a_request(context=context))), case.source


def test_an_allowance_names_the_statement_of_every_layer() -> None:
    """Whoever asks why something is allowed learns what each layer said."""
    decision = evaluate(Policies((OTHER, READS), ADMIN, ((ADMIN,),), READS), a_request())
    assert isinstance(decision, Allowed)
    assert [(by.document, by.kind) for by in decision.because] == [
        ("Reads", "identity"),
        ("Admin", "scp"),
        ("Admin", "boundary"),
        ("Reads", "session"),
    ]


def test_a_denial_names_all_statements_that_deny_and_no_other() -> None:
    """Taking one Deny away is no cure while another stands."""
    second = a_document(allow(), deny("iam:GetUser", Sid="NoLooking"), name="Second")
    decision = ask(a_request(context={MFA: UNKNOWN}), DENIES, second, MAY_DENY)
    assert decision == ExplicitlyDenied(
        (
            Deciding("Denies", "identity", None, 0, "Deny"),
            Deciding("Second", "identity", "NoLooking", 1, "Deny"),
        )
    )


def test_an_implicit_denial_names_the_silent_layers() -> None:
    """Nothing decided; what is missing is an Allow in these layers."""
    decision = evaluate(Policies((ADMIN,), OTHER, ((ADMIN,), (OTHER,)), OTHER), a_request())
    assert decision == ImplicitlyDenied(
        silent=(
            SilentLayer("scp", "SCPs of level 2"),
            SilentLayer("boundary", "permissions boundary Other"),
            SilentLayer("session", "session policy Other"),
        )
    )


def test_undecided_names_what_is_unknown_and_what_it_could_be() -> None:
    """The names are those of the policy, so that somebody can supply them."""
    decision = ask(a_request(context={MFA: UNKNOWN}), ADMIN, MAY_DENY, BROKEN)
    assert decision == Undecided(
        because=(Deciding("MayDeny", "identity", None, 0, "Deny"),),
        unknown=("Broken", MFA),
        possible=("Allowed", "ExplicitlyDenied"),
    )


def test_undecided_can_still_tell_that_it_is_not_allowed() -> None:
    """Where a layer is silent, the unknown only tells which way it is denied."""
    decision = ask(a_request(context={MFA: UNKNOWN}), OTHER, MAY_DENY, MAY_ALLOW, boundary=OTHER)
    assert isinstance(decision, Undecided)
    assert decision.possible == ("ExplicitlyDenied", "ImplicitlyDenied")
    assert decision.unknown == (MFA,)


def test_undecided_names_the_variable_that_is_unknown() -> None:
    """A resource or a condition may hang on a tag that nobody read."""
    home = a_document(allow(resource="arn:aws:s3:::b/${aws:PrincipalTag/Team}/*"))
    decision = ask(
        a_request("s3:GetObject", "arn:aws:s3:::b/x/y", context={"aws:PrincipalTag/team": UNKNOWN}), home
    )
    assert isinstance(decision, Undecided)
    assert decision.unknown == ("aws:PrincipalTag/Team",)


def test_undecided_names_the_variable_of_a_condition_that_is_unknown() -> None:
    """Not the key that is compared, which is known."""
    own = a_document(allow(Condition={"StringEquals": {"s3:prefix": "${aws:PrincipalTag/Team}"}}))
    decision = ask(a_request(context={"s3:prefix": "x", "aws:PrincipalTag/team": UNKNOWN}), own)
    assert isinstance(decision, Undecided)
    assert decision.unknown == ("aws:PrincipalTag/Team",)


def test_undecided_names_the_variable_that_has_no_value() -> None:
    """Where something must not match, AWS says in two ways what that means."""
    others = {
        **deny(Condition={"StringNotEquals": {"k": "${v}"}}),
        "NotResource": "arn:aws:s3:::${aws:PrincipalTag/t}",
    }
    del others["Resource"]
    decision = ask(a_request(context={"k": "x"}), ADMIN, a_document(others))
    assert isinstance(decision, Undecided)
    assert decision.unknown == ("aws:PrincipalTag/t without a value", "v without a value")


def test_undecided_names_the_resource_that_aws_leaves_undefined() -> None:
    """As it stands in the policy."""
    decision = ask(a_request(), a_document(allow(resource=["arn:aws:s3:::b", "arn:aws:iam"])))
    assert isinstance(decision, Undecided)
    assert decision.unknown == ("resource arn:aws:iam",)


def test_undecided_names_a_condition_that_aws_leaves_undefined() -> None:
    """The key is known; what AWS makes of it is not."""
    several = a_document(allow(Condition={"StringEquals": {"aws:TagKeys": "a"}}))
    decision = ask(a_request(context={"aws:TagKeys": ["a", "b"]}), several)
    assert isinstance(decision, Undecided)
    assert decision.unknown == ("aws:TagKeys under StringEquals",)


def test_a_deciding_statement_reads_as_people_would_say_it() -> None:
    """By its Sid, or by its place in the document."""
    assert str(Deciding("ForceMFA", "identity", "DenyAll", 8, "Deny")) == "DenyAll in ForceMFA"
    assert str(Deciding("ForceMFA", "identity", None, 8, "Deny")) == "statement 9 in ForceMFA"


def test_documents_and_decisions_travel_between_processes() -> None:
    """Engines send them to workers."""
    documents = pickle.loads(pickle.dumps((ADMIN, MAY_DENY)))
    decision = ask(a_request(), *documents)
    assert pickle.loads(pickle.dumps(decision)) == decision == ask(a_request(), ADMIN, MAY_DENY)


def test_a_decision_asked_twice_is_the_same() -> None:
    """What documents remember between requests changes no answer."""
    requests = [a_request(action) for action in ("iam:GetUser", "s3:GetObject", "iam:ListUsers", ALICE)]
    first = [ask(request, OTHER, READS) for request in requests]
    assert first == [ask(request, OTHER, READS) for request in requests]
