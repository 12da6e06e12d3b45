"""`rollout doctor`: looks as far as it can get, and asks nothing of an organization that is not ours."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from rollout.domain.diagnosis.check import CheckResult, CheckSection, CheckState, Diagnosis
from rollout.domain.diagnosis.facts import EnvironmentFacts, FoundBy, Permission, QuotaUsage, Region, Right
from rollout.domain.people.observations import ManagedPolicy
from rollout.domain.people.organization import Account, AccountState, Caller
from rollout.domain.people.scope import Scope, Selection
from rollout.domain.people.selectors import AccountSelector, names_user
from rollout.domain.people.users import NamedPolicy, Unread, User
from rollout.errors import (
    EmptySelection,
    ExpiredCredentials,
    Interrupted,
    NoCredentials,
    OrganizationNotListable,
)
from rollout.workflows.doctor import DoctorOrder, DoctorTools, examine
from rollout.workflows.ports import CannotEnter, PolicyLevels
from tests.builders import MANAGEMENT, NOW, ORGANIZATION, a_caller, a_user, an_account, an_organization
from tests.fakes import FakeClock, FakeEngine, FakeOrganization, FakeProgress

IDS = [f"{digit}" * 12 for digit in range(1, 5)]
RIGHTS = (
    Right("iam:GetUser", writes=False, permission=Permission.ALLOWED, found_by=FoundBy.ASKING),
    Right("iam:CreateGroup", writes=True, permission=Permission.UNTESTED),
)
ORDER = DoctorOrder(ORGANIZATION, "auto")


class FakeEnvironment:
    """What calls are made from."""

    def environment_facts(self, caller: Caller | None) -> EnvironmentFacts:
        return EnvironmentFacts(Region("eu-west-1"), (), timedelta() if caller else None)


@dataclass
class FakeProbe:
    """An account in which most may be done; `fails` is raised where it is named."""

    fails: dict[str, Exception] = field(default_factory=dict)
    role: str = "Audit"

    def proof_rights(self) -> tuple[Right, ...]:
        return (Right("iam:CreateUser", writes=True, permission=Permission.DENIED, for_proof=True),)

    def rights(self) -> tuple[Right, ...]:
        if "rights" in self.fails:
            raise self.fails["rights"]
        return RIGHTS

    def quota_usage(self) -> QuotaUsage:
        if "quota_usage" in self.fails:
            raise self.fails["quota_usage"]
        return QuotaUsage({"Groups": 1, "GroupsQuota": 300})

    def our_policies(self) -> tuple[ManagedPolicy, ...]:
        return ()

    def users(self) -> tuple[User, ...]:
        return (a_user("alice"),)


class FakeProbingAccess:
    """Lets a doctor into every account but those that fail."""

    def __init__(self) -> None:
        self.fails: dict[str, dict[str, Exception]] = {}
        self.probed: list[str] = []

    def probe(self, account: Account) -> FakeProbe:
        self.probed.append(account.id)
        fails = self.fails.get(account.id, {})
        if "enter" in fails:
            raise fails["enter"]
        return FakeProbe(fails)


@dataclass
class Patient:
    """An organization to be looked at."""

    answers: dict[str, Any] = field(default_factory=dict)
    levels: PolicyLevels | Unread | None = None
    access: FakeProbingAccess = field(default_factory=FakeProbingAccess)
    stopping: Callable[[], bool] = lambda: False

    def examined(self, order: DoctorOrder = ORDER) -> Diagnosis:
        given: dict[str, Any] = {
            "organization": an_organization(),
            "caller": a_caller(),
            "accounts": [an_account(id_, f"name-{id_[0]}", ou=f"Ou/{id_[0]}") for id_ in IDS],
        } | self.answers
        organization = FakeOrganization(**given, levels=self.levels)
        tools = DoctorTools(
            organization,
            FakeEnvironment(),
            lambda _: self.access,
            FakeEngine(self.stopping),
            FakeProgress(),
            FakeClock(NOW),
        )
        return examine(order, tools)


def failures(diagnosis: Diagnosis) -> list[CheckResult]:
    return [check for check in diagnosis.checks if check.state is CheckState.FAILURE]


def of(diagnosis: Diagnosis, account_id: str) -> dict[str, CheckState]:
    return {
        check.name: check.state
        for check in diagnosis.of(CheckSection.ACCOUNT)
        if check.account_id == account_id
    }


def test_every_account_is_looked_at_for_entering_rights_and_quotas():
    patient = Patient()
    diagnosis = patient.examined()
    assert [] == failures(diagnosis)
    assert IDS == patient.access.probed
    expected = {
        "enter": CheckState.OK,
        "read": CheckState.OK,
        "write": CheckState.WARNING,
        "quotas": CheckState.OK,
    }
    assert [expected] * 4 == [of(diagnosis, id_) for id_ in IDS]
    assert IDS == list(dict.fromkeys(check.account_id for check in diagnosis.of(CheckSection.ACCOUNT)))


def test_the_rights_that_only_a_proof_needs_are_asked_for_where_that_is_wanted():
    diagnosis = Patient().examined(DoctorOrder(ORGANIZATION, "auto", proving=True))
    proving = [one for one in diagnosis.of(CheckSection.ACCOUNT) if one.name == "prove"]
    assert {CheckState.FAILURE} == {one.state for one in proving}
    assert "allow Audit: iam:CreateUser" in proving[0].cures
    assert "prove" not in of(Patient().examined(), IDS[0])


def test_rights_to_write_may_be_left_out():
    diagnosis = Patient().examined(DoctorOrder(ORGANIZATION, "auto", reading_only=True))
    assert {"enter", "read", "quotas"} == of(diagnosis, IDS[0]).keys()


@pytest.mark.parametrize("step", ["enter", "rights", "quota_usage"])
def test_an_account_that_fails_leaves_the_others_alone(step: str):
    patient = Patient()
    patient.access.fails = {IDS[1]: {step: CannotEnter("AccessDenied", "allow it")}}
    diagnosis = patient.examined()
    (failure,) = failures(diagnosis)
    assert (IDS[1], "AccessDenied", ("allow it",)) == (failure.account_id, failure.text, failure.cures)
    assert not diagnosis.failed(CheckSection.CALLER, CheckSection.ORGANIZATION)
    assert IDS == patient.access.probed


@pytest.mark.parametrize("step", ["enter", "rights", "quota_usage"])
def test_a_session_that_ends_is_told_once_for_the_caller_and_for_each_account(step: str):
    patient = Patient()
    patient.access.fails = {
        id_: {step: ExpiredCredentials("has ended", cure="sign in again")} for id_ in IDS[2:]
    }
    diagnosis = patient.examined()
    assert ["session", "enter", "enter"] == [check.name for check in failures(diagnosis)]
    assert diagnosis.failed(CheckSection.CALLER)


def test_accounts_that_are_closed_or_out_of_scope_are_left_alone():
    patient = Patient()
    patient.answers["accounts"] = [
        an_account(IDS[0], state=AccountState.CLOSED),
        an_account(IDS[1], ou="Suspended"),
        an_account(IDS[2]),
    ]
    diagnosis = patient.examined(DoctorOrder(ORGANIZATION, "auto", Scope(exclude_ous=("Suspended",))))
    assert [IDS[2]] == patient.access.probed
    assert ({"enter": CheckState.OK}, {"enter": CheckState.OK}) == (
        of(diagnosis, IDS[0]),
        of(diagnosis, IDS[1]),
    )


def test_a_selection_narrows_the_look():
    patient = Patient()
    diagnosis = patient.examined(DoctorOrder(ORGANIZATION, "auto", selection=Selection(accounts=("name-2",))))
    assert [IDS[1]] == patient.access.probed
    assert {IDS[1]} == {check.account_id for check in diagnosis.of(CheckSection.ACCOUNT)}


def test_a_selection_that_matches_nothing_is_an_error():
    with pytest.raises(EmptySelection):
        Patient().examined(DoctorOrder(ORGANIZATION, "auto", selection=Selection(accounts=("nobody",))))


def test_without_a_caller_nothing_else_is_asked():
    patient = Patient({"caller": NoCredentials("none", cure="sign in")})
    diagnosis = patient.examined()
    assert [("identity", ("sign in",))] == [(check.name, check.cures) for check in failures(diagnosis)]
    assert ([], ()) == (patient.access.probed, diagnosis.of(CheckSection.ORGANIZATION))


@pytest.mark.parametrize("question", ["organization", "accounts"])
def test_an_organization_that_cannot_be_asked_is_a_failure_and_no_account_is_entered(question: str):
    patient = Patient({question: OrganizationNotListable("AccessDenied", cure="allow it")})
    diagnosis = patient.examined()
    assert diagnosis.failed(CheckSection.ORGANIZATION)
    assert ("allow it",) == failures(diagnosis)[0].cures
    assert [] == patient.access.probed


def test_another_organization_is_not_looked_into():
    """Neither its accounts nor its policies: it is not ours to read."""
    patient = Patient({"accounts": AssertionError("not to be asked")})
    diagnosis = patient.examined(DoctorOrder("o-elsewhere00", "auto"))
    assert diagnosis.other_organization
    assert [] == patient.access.probed


def test_control_policies_are_counted_once_however_often_they_hang():
    everywhere = NamedPolicy("FullAWSAccess", {}, "arn:full")
    levels = PolicyLevels({})
    for id_ in IDS:
        levels.by_account[id_] = ((everywhere,), (everywhere, NamedPolicy(f"own-{id_}", {})))
    diagnosis = Patient(levels=levels).examined()
    (check,) = (
        one for one in diagnosis.of(CheckSection.ORGANIZATION) if one.name == "service control policies"
    )
    assert "readable; 5 apply to accounts" == check.text


def test_control_policies_that_cannot_be_read_fail_the_organization():
    patient = Patient(levels=Unread("service control policies", "ListPolicies: AccessDenied"))
    assert patient.examined().failed(CheckSection.ORGANIZATION)
    assert not patient.examined(DoctorOrder(ORGANIZATION, "off")).failed(CheckSection.ORGANIZATION)


def test_a_delegated_administrator_is_known():
    patient = Patient({"caller": a_caller(account_id=IDS[0])})
    assert any(
        "delegated administrator" in check.text for check in patient.examined().of(CheckSection.ORGANIZATION)
    )
    assert MANAGEMENT != IDS[0]


def test_a_look_that_was_cut_short_is_no_diagnosis():
    patient = Patient()
    patient.stopping = lambda: len(patient.access.probed) > 1
    with pytest.raises(Interrupted):
        patient.examined()


# --- Selectors of rollout.yaml ---

TYPING_ERROR = names_user("rules.break_glass", "arn:aws:iam::111111111111:user/alcie", protects=True)
NO_OU = AccountSelector("waves[0].ous", "Ou/9", lambda account: account.ou == "Ou/9")


def selector_checks(patient: Patient, **order: Any) -> dict[str, CheckState]:
    diagnosis = patient.examined(DoctorOrder(ORGANIZATION, "auto", **order))
    return {
        check.text.partition(":")[0]: check.state for check in diagnosis.checks if check.name == "selectors"
    }


def test_a_selector_that_matches_nobody_is_told_and_fails_where_it_protects():
    assert {"rules.break_glass": CheckState.FAILURE, "waves[0].ous": CheckState.WARNING} == selector_checks(
        Patient(), selectors=(TYPING_ERROR, NO_OU)
    )


def test_selectors_that_all_match_are_in_order():
    alice = names_user("rules.break_glass", a_user("alice").arn, protects=True)
    assert {"every selector matches an account or user": CheckState.OK} == selector_checks(
        Patient(), selectors=(alice,)
    )


@pytest.mark.parametrize("step", ["enter", "quota_usage"])
def test_whoever_may_be_in_an_account_that_was_not_read_is_a_warning(step: str):
    patient = Patient()
    patient.access.fails = {IDS[0]: {step: CannotEnter("AccessDenied")}}
    assert {"rules.break_glass": CheckState.WARNING} == selector_checks(patient, selectors=(TYPING_ERROR,))


def test_users_are_not_looked_for_where_only_some_accounts_are():
    chosen = Selection(accounts=(IDS[0],))
    found = selector_checks(Patient(), selectors=(TYPING_ERROR, NO_OU), selection=chosen)
    assert {"waves[0].ous": CheckState.WARNING} == found
