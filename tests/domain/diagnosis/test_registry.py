"""A check is one row: what it asks, when it fails and how it answers; results, table and docs follow from it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from rollout.cli.commands.doctor import _tell
from rollout.domain.diagnosis import account_checks, caller_checks
from rollout.domain.diagnosis.check import Check, CheckAnswer, CheckSection, CheckState, failure, ok
from rollout.domain.diagnosis.diagnose import diagnose
from rollout.domain.diagnosis.facts import (
    AccountProbe,
    DoctorFacts,
    EnvironmentFacts,
    OrganizationFacts,
    Region,
)
from tests.builders import ORGANIZATION, a_caller, an_account, an_organization
from tests.docs import checks

if TYPE_CHECKING:
    import pytest


def _weekday(probe: AccountProbe) -> Iterator[CheckAnswer]:
    if probe.role:
        yield failure("it is Friday", "wait for Monday")


WEEKDAY = Check("weekday", "whether it is a good day", "it is Friday", _weekday)
MOOD: Check[DoctorFacts] = Check(
    "mood of …", "how the caller feels", "never", lambda _facts: [ok("fine", about="ana")]
)


def test_a_check_that_is_added_as_a_row_is_asked_shown_and_listed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """The exercise: nothing but the row is touched."""
    monkeypatch.setattr(account_checks, "ACCOUNT_CHECKS", (*account_checks.ACCOUNT_CHECKS, WEEKDAY))
    monkeypatch.setattr(caller_checks, "CALLER_CHECKS", (*caller_checks.CALLER_CHECKS, MOOD))
    caller = a_caller()
    organization = OrganizationFacts(caller, an_organization(), ORGANIZATION, (an_account(),), None)
    probes = (
        AccountProbe(an_account(), role="Audit"),
        AccountProbe(an_account("444455556666"), left_alone="closed"),
    )
    diagnosis = diagnose(DoctorFacts(caller, EnvironmentFacts(Region("eu-west-1")), organization, probes))

    (found,) = (result for result in diagnosis.checks if result.name == "weekday")
    assert (CheckState.FAILURE, ("wait for Monday",)) == (found.state, found.cures)
    assert an_account().id == found.account_id
    assert diagnosis.failed(CheckSection.ACCOUNT)
    assert "mood of ana" in {result.name for result in diagnosis.of(CheckSection.CALLER)}

    _tell(diagnosis)
    shown = capsys.readouterr().out
    assert ["quotas", "weekday", "by"] == shown.split("Accounts")[1].splitlines()[1].split()[-3:]
    assert "wait for Monday" in shown

    assert (
        "| `weekday` | whether it is a good day | it is Friday |" in checks(CheckSection.ACCOUNT).splitlines()
    )
    assert "| `mood of …` | how the caller feels | never |" in checks(CheckSection.CALLER).splitlines()
