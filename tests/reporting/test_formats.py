"""The forms of a report for other programs: each by its own schema, all with the same numbers, and text stays text."""

from __future__ import annotations

import csv
import json
import os
import re
from collections import Counter
from functools import cache
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]  # its stubs are a package of their own
import pytest
from botocore.session import Session
from botocore.validate import ParamValidator
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree  # type: ignore[import-untyped]  # as above
from py_ocsf_models.events.findings.compliance_finding import ComplianceFinding

from rollout.domain.plan.entries import AccountPlan
from rollout.domain.progress.records import Record
from rollout.domain.verdicts.verdict import Code, Kind
from rollout.reporting.account_columns import ACCOUNTS, ListedState
from rollout.reporting.controls import CONTROLS, VERSION
from rollout.reporting.formats import report_json
from rollout.reporting.formats.report_formats import ReportFormat
from rollout.reporting.formats.written_report import WrittenReport
from rollout.reporting.frames import count
from rollout.reporting.report_data import gather
from rollout.reporting.user_columns import USERS
from rollout.visible_text import visible
from tests.builders import (
    NOTIFIED,
    NOW,
    a_change,
    a_header,
    a_membership,
    a_progress,
    a_run,
    a_told,
    an_account_plan,
    an_entry,
    left_out,
    the_facts,
)
from tests.reporting.examples import SMALL_NOW, small_accounts, small_header, small_progress
from tests.reporting.hostile import HOSTILE

SHIPPED = Path(report_json.__file__).with_name("report-1.schema.json")
XSD = Path(__file__).parents[1] / "samples" / "junit" / "junit.xsd"
STATES = (ListedState.UNREACHABLE, ListedState.CLOSED, ListedState.EXCLUDED)


@cache
def small() -> WrittenReport:
    accounts = small_accounts()
    data = gather(small_header(accounts), accounts, small_progress(), SMALL_NOW, notified=NOTIFIED)
    return WrittenReport(data, count(data))


def text_of(form: ReportFormat, report: WrittenReport) -> str:
    chunks = (one if isinstance(one, bytes) else one.encode() for one in form.write(report))
    return b"".join(chunks).decode()


def lines_of(form: ReportFormat, report: WrittenReport) -> list[Any]:
    return [json.loads(line) for line in text_of(form, report).splitlines()]


# --- Each by its own schema ---


def test_the_schema_that_ships_is_the_one_that_the_columns_give():
    """After a wanted change: UPDATE_GOLD=1. What is gone or means something else needs a new number."""
    text = json.dumps(report_json.schema(), indent=2) + "\n"
    if os.environ.get("UPDATE_GOLD"):
        SHIPPED.write_text(text)
    assert SHIPPED.read_text() == text


def check_json(report: WrittenReport) -> Any:
    document = json.loads(text_of(ReportFormat.JSON, report))
    schema = json.loads(SHIPPED.read_text())
    jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker()).validate(document)
    return document


def check_ocsf(report: WrittenReport) -> list[Any]:
    findings = lines_of(ReportFormat.OCSF, report)
    for one in findings:
        model = ComplianceFinding.model_validate(one)
        assert model.type_uid == model.class_uid * 100 + model.activity_id
    return findings


@cache
def _import_findings() -> Any:
    return Session().get_service_model("securityhub").operation_model("BatchImportFindings").input_shape


def check_asff(report: WrittenReport) -> list[Any]:
    """Security Hub's own model, and its limits on length, which that does not know."""
    findings = lines_of(ReportFormat.ASFF, report)
    for one in findings:
        problems = ParamValidator().validate({"Findings": [one]}, _import_findings())
        assert not problems.has_errors(), problems.generate_report()
        assert len(json.dumps(one)) < 240_000
        assert len(one["Description"]) <= 1024
        assert len(one["Remediation"]["Recommendation"]["Text"]) <= 512
        assert one["AwsAccountId"] in one["ProductArn"]
        shape = {name: _import_findings().members["Findings"].member.members.get(name) for name in one}
        assert all(shape.values()), "a field that ASFF does not know"
    return findings


def check_junit(report: WrittenReport) -> Any:
    document = etree.fromstring(text_of(ReportFormat.JUNIT, report).encode())
    etree.XMLSchema(etree.parse(XSD)).assertValid(document)
    return document


_METRIC = re.compile(
    r'rollout_[a-z_]+(\{[a-z_]+="(?:[^"\\\n]|\\.)*"(?:,[a-z_]+="(?:[^"\\\n]|\\.)*")*\})? -?[0-9]+'
)


def check_prometheus(report: WrittenReport) -> dict[str, int]:
    found = {}
    for line in text_of(ReportFormat.PROMETHEUS, report).splitlines():
        if not line.startswith("# "):
            assert _METRIC.fullmatch(line), line
            name, _, value = line.rpartition(" ")
            found[name] = int(value)
    return found


CHECKS = (check_json, check_ocsf, check_asff, check_junit, check_prometheus)


@pytest.mark.parametrize("check", CHECKS)
def test_it_is_valid_by_its_own_schema(check):
    check(small())


def test_a_form_says_who_is_not_under_mfa_and_what_to_do():
    one = next(line for line in check_ocsf(small()) if line["resources"][0]["name"] == "ci-deployer")
    assert ("failed", 3) == (one["status_code"], one["compliance"]["status_id"])
    assert one["remediation"]["desc"]
    asff = next(line for line in check_asff(small()) if line["Resources"][0]["Id"].endswith("/alice"))
    assert "PASSED" == asff["Compliance"]["Status"]
    junit = check_junit(small())
    assert ["444455556666 legacy"] == [
        case.get("classname") for case in junit.iter("testcase") if "can be read" in case.get("name")
    ]


def test_the_same_report_gives_the_same_bytes():
    for form in ReportFormat:
        assert list(form.write(small())) == list(form.write(small()))


# --- Text stays text ---


def hostile_report(text: str) -> WrittenReport:
    part = an_account_plan(
        an_entry(text, Kind.HOLD, cure=text, because=[Code.MACHINE]),
        an_entry(f"{text}.", path=f"/{text}/", wave=text, forecast=text),
        name=text,
        ou=text,
    )
    header = a_header(
        part, waves=(text,), left_out=(left_out(name=text, ou=text, reason=text, cure=text),), id=text
    )
    data = gather(header, [part], a_progress(), NOW, notified=NOTIFIED)
    return WrittenReport(data, count(data))


# No name of AWS has half a character.
@pytest.mark.parametrize("text", [text for text in HOSTILE if "\ud800" not in text])
def test_whatever_a_name_holds_every_form_stays_valid_and_shows_it_as_text(text: str):
    report = hostile_report(text)
    document = check_json(report)
    assert text == document["users"][0]["user_name"]
    assert visible(text) == check_ocsf(report)[0]["resources"][0]["name"]
    assert visible(text) == check_asff(report)[0]["Resources"][0]["Details"]["AwsIamUser"]["UserName"]
    names = [case.get("name") for case in check_junit(report).iter("testcase")]
    assert any(visible(text).strip() in name for name in names)
    label = visible(text).replace("\\", "\\\\").replace('"', '\\"')
    assert f'rollout_wave_users{{wave="{label}"}}' in check_prometheus(report)


# --- The same numbers everywhere ---

verdicts = st.sampled_from(Kind)
some_users = st.lists(
    st.tuples(verdicts, st.booleans(), st.sampled_from(["", "told", "queued", "enforced"]), st.booleans()),
    max_size=6,
)
organizations = st.lists(some_users, max_size=3)


def report_of(organization) -> WrittenReport:
    parts: list[AccountPlan] = []
    records: list[Record] = [a_run("run-1", at=NOW)]
    for number, users in enumerate(organization):
        account_id, entries = f"{number + 1:012}", []
        for place, (kind, device, progress, unknown) in enumerate(users):
            name = f"user-{place}"
            because: dict[str, Any] = {"because": [Code.UNKNOWN]} if unknown and kind is Kind.HOLD else {}
            facts = the_facts(mfa_active=device, active_keys=place % 3)
            entry = an_entry(name, kind, account_id=account_id, facts=facts, **because)
            entries.append(entry)
            if progress in ("told", "queued"):
                delivery = "delivered" if progress == "told" else "queued"
                records.append(a_told(entry.user, run="run-1", at=NOW, delivery=delivery))
            if progress == "enforced":
                records += a_change(a_membership(name, account_id), number=len(records), run="run-1", at=NOW)
        parts.append(an_account_plan(*entries, account_id=account_id))
    outside = tuple(left_out(f"9{number:011}", state) for number, state in enumerate(STATES))
    data = gather(a_header(*parts, left_out=outside), parts, a_progress(*records), NOW, notified=NOTIFIED)
    return WrittenReport(data, count(data))


@given(organizations)
@settings(max_examples=25)
def test_the_totals_agree_in_every_form(organization):
    report = report_of(organization)
    totals = report.totals
    document = check_json(report)
    assert totals == document["totals"]
    rows = document["users"]
    under = [row for row in rows if row["enforced"] or row["verdict"] == Kind.COVERED]
    assert (totals["users"], totals["under_mfa"]) == (len(rows), len(under))
    assert +Counter(totals["verdicts"]) == Counter(row["verdict"] for row in rows)

    table = list(csv.DictReader(StringIO("".join(USERS.csv(report.data.users)))))
    assert [row["user_arn"] for row in rows] == [row["user_arn"] for row in table]
    accounts = list(csv.DictReader(StringIO("".join(ACCOUNTS.csv(report.data.accounts)))))
    assert totals["users"] == sum(int(one["users"] or 0) for one in accounts)
    assert totals["accounts"] == Counter(one["state"] for one in accounts)

    unprotected = totals["unprotected"]
    wanted = Counter(
        passed=totals["under_mfa"],
        exempt=unprotected[Kind.EXEMPT],
        failed=unprotected[Kind.HOLD] + unprotected[Kind.ENFORCE] - totals["unknown"],
        unknown=totals["unknown"],
    )
    statuses = Counter(one["status_code"] for one in lines_of(ReportFormat.OCSF, report))
    unknown_enforced = sum(row["enforced"] and Code.UNKNOWN in row["reasons"] for row in rows)
    wanted["unknown"] -= unknown_enforced
    wanted["failed"] += unknown_enforced
    assert +wanted == statuses
    words = {"PASSED": "passed", "WARNING": "exempt", "FAILED": "failed", "NOT_AVAILABLE": "unknown"}
    assert statuses == Counter(
        words[one["Compliance"]["Status"]] for one in lines_of(ReportFormat.ASFF, report)
    )

    junit = check_junit(report)
    suites: Counter[str] = Counter()
    for suite in junit.iter("testsuite"):
        suites.update({name: int(suite.get(name)) for name in ("tests", "failures", "errors", "skipped")})
    unreachable = totals["accounts"].get(ListedState.UNREACHABLE, 0)
    assert suites["tests"] == totals["users"] + unreachable
    assert (suites["failures"], suites["skipped"]) == (statuses["failed"], statuses["exempt"])
    assert suites["errors"] == statuses["unknown"] + unreachable

    gauges = check_prometheus(report)
    assert totals["under_mfa"] == next(value for name, value in gauges.items() if "under_mfa" in name)
    assert totals["users"] == sum(
        value for name, value in gauges.items() if name.startswith("rollout_users{")
    )
    summary = text_of(ReportFormat.MARKDOWN, report)
    assert f"{totals['users']:,} IAM user" in summary
    assert f": {totals['under_mfa']:,} enforced" in summary


def test_parquet_has_every_user():
    parquet = pytest.importorskip("pyarrow.parquet")
    content = b"".join(ReportFormat.PARQUET.write(small()))  # type: ignore[arg-type]  # this form is bytes
    assert len(small().data.users) == parquet.read_table(BytesIO(content)).num_rows


# --- Controls ---


def test_every_control_names_its_figure_its_source_and_what_it_leaves_open():
    assert re.fullmatch(r"20\d\d-\d\d", VERSION)
    for control in CONTROLS:
        assert control.source.startswith("https://")
        assert control.leaves_open
    assert len(CONTROLS) == len({control.name for control in CONTROLS})
