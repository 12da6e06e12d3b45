"""The page as text: inert, self-contained, and open about what it cannot tell."""

from __future__ import annotations

import base64
import json
import re
from datetime import timedelta
from gzip import decompress as gunzip
from hashlib import sha256
from html.parser import HTMLParser
from typing import Any

import pytest
import yaml
from markupsafe import Markup

from rollout.domain.plan.entries import AccountPlan
from rollout.domain.policy.changes import Failed
from rollout.domain.progress.messages import Delivery
from rollout.domain.progress.records import RunEnding
from rollout.domain.status.over_time import KeptLook, StateChange
from rollout.domain.status.state_codes import UserState
from rollout.domain.verdicts.verdict import Code, Impact, Kind
from rollout.reporting import legend
from rollout.reporting.account_columns import ACCOUNTS, ListedState
from rollout.reporting.change_columns import ChangeOutcome
from rollout.reporting.frames import OuShare, count
from rollout.reporting.page.data import PLAIN_UP_TO, packed, packed_users
from rollout.reporting.page.layout import PLAIN_ROWS_UP_TO, page
from rollout.reporting.page.ou_map import TILES, band_of, ou_map
from rollout.reporting.page.timeline import burn_down
from rollout.reporting.report_data import ReportData, gather
from tests.builders import (
    NOTIFIED,
    NOW,
    a_change,
    a_finding,
    a_header,
    a_progress,
    a_run,
    a_told,
    an_account_plan,
    an_entry,
    an_intent,
    days_ago,
    left_out,
)
from tests.reporting.examples import (
    EVIL,
    SMALL_NOW,
    big_accounts,
    big_header,
    small_accounts,
    small_header,
    small_progress,
    small_rehearsal,
)

NAMED_IMPACTS = {"alice": "none", "bob": "none", "carol": "cli", "dan": "cli", "erin": "enrol"}
VOID = {"meta", "br", "col", "input", "link", "img", "hr"}


class Outline(HTMLParser):
    """What a browser would make of the page, as far as these tests ask."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, list[str]] = {}

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert tag == self.open.pop(), f"</{tag}> closes nothing, at {self.getpos()}"

    def handle_data(self, data):
        if self.open:
            self.texts.setdefault(self.open[-1], []).append(data)


def outline_of(text: str) -> Outline:
    outline = Outline()
    outline.feed(text)
    outline.close()
    return outline


def report_of(*accounts: AccountPlan, progress=None, now=NOW, **header) -> ReportData:
    return gather(a_header(*accounts, **header), accounts, progress or a_progress(), now, notified=NOTIFIED)


def text_of(report: ReportData) -> str:
    return "".join(page(report, count(report)))


def small_page() -> str:
    accounts = small_accounts()
    header = small_header(accounts)
    return text_of(
        gather(header, accounts, small_progress(), SMALL_NOW, notified=NOTIFIED, rehearsal=small_rehearsal())
    )


def limits_of(report: ReportData) -> str:
    text = text_of(report)
    return text[text.index('id="limits"') : text.index('id="overview"')]


# --- Safe ---


def test_the_same_input_gives_the_same_bytes():
    assert small_page() == small_page()


def test_all_elements_close_and_ids_are_unique():
    outline = outline_of(small_page())
    assert [] == outline.open
    ids = [attributes["id"] or "" for _, attributes in outline.elements if "id" in attributes]
    assert sorted(set(ids)) == sorted(ids)


def test_links_within_the_page_lead_somewhere():
    elements = outline_of(small_page()).elements
    ids = {attributes.get("id") for _, attributes in elements}
    targets = {attributes.get("href") or "" for tag, attributes in elements if tag == "a"}
    assert {target[1:] for target in targets if target.startswith("#") and "=" not in target} <= ids
    assert {"users.csv", "accounts.csv", "changes.csv", "exemptions.ics"} == {
        t for t in targets if not t.startswith("#")
    }


def test_names_are_text_wherever_they_stand():
    """Account names may hold markup; the page holds two scripts, and both are its own."""
    evil = "</script><script>alert(1)</script><!--"
    account = an_account_plan(
        an_entry("alice", "hold", cure=evil, because=[Code.UNKNOWN], address=evil, forecast=evil),
        an_entry("=1+1", "exempt"),
        name=evil,
        ou=evil,
        role=evil,
        findings=(a_finding(evil, evil, "012345678901", evil),),
    )
    text = text_of(
        report_of(
            account, left_out=(left_out(name=evil, ou=evil, reason=evil, cure=evil),), caller=evil, scps=evil
        )
    )
    scripts = [attributes for tag, attributes in outline_of(text).elements if tag == "script"]
    data = [{"type": "application/json", "id": f"{name}-data"} for name in ("users", "accounts")]
    assert [*data, {}] == scripts
    assert "<script>alert" not in text
    assert "<!--" not in text


def test_the_policy_allows_the_pages_own_style_and_script_and_nothing_else():
    text = small_page()
    (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]+)"', text)
    directives = dict(part.strip().split(" ", 1) for part in policy.replace("&#39;", "'").split(";"))
    outline = outline_of(text)
    (style,) = outline.texts["style"]
    script = outline.texts["script"][-1]
    for name, content in (("style-src", style), ("script-src", script)):
        digest = base64.b64encode(sha256(content.encode()).digest()).decode()
        assert f"'sha256-{digest}'" == directives.pop(name)
    assert {"default-src": "'none'", "base-uri": "'none'", "form-action": "'none'"} == directives


def test_nothing_is_fetched_and_nothing_runs_from_attributes():
    for tag, attributes in outline_of(small_page()).elements:
        assert tag not in {"link", "img", "iframe", "object", "embed", "base", "audio", "video"}
        assert not {name for name in attributes if name.startswith("on") or name in {"src", "style"}}


def test_tables_say_what_their_heads_are_for():
    elements = outline_of(small_page()).elements
    assert all("scope" in attributes for tag, attributes in elements if tag == "th")
    drawn = [a for tag, a in elements if tag == "svg" and "aria-hidden" not in a and "x" not in a]
    assert all("aria-label" in a or "aria-labelledby" in a for a in drawn)
    boxes = [
        attributes for tag, attributes in elements if (attributes.get("class") or "").startswith("scroll")
    ]
    assert len(boxes) > 8
    assert all(box.get("tabindex") == "0" and box.get("aria-label") for box in boxes)


# --- Open about what it cannot tell ---


def test_a_page_always_says_what_it_cannot_tell():
    limits = limits_of(report_of(an_account_plan(an_entry())))
    assert "IAM users only" in limits
    assert 'class="limits calm"' in limits


@pytest.mark.parametrize(
    ("report", "said"),
    [
        (report_of(left_out=(left_out(reason="no role lets us in"),)), "1 account could not be entered"),
        (report_of(left_out=(left_out(reason="no role lets us in"),)), "no role lets us in"),
        (
            report_of(an_account_plan(an_entry("a", "hold", because=["unknown"]))),
            "1 user could not be judged",
        ),
        (report_of(an_account_plan(an_entry()), scps="off"), "Service control policies were not read"),
        (report_of(an_account_plan(an_entry()), scps="unreadable"), "The plan says: unreadable."),
        (report_of(an_account_plan(an_entry()), now=NOW + timedelta(days=2)), "The facts are 2 days old"),
        (report_of(an_account_plan(an_entry(), report_at=None)), "1 account without a credential report"),
        (
            report_of(an_account_plan(an_entry()), progress=a_progress(a_run(), a_told(delivery="queued"))),
            "1 notice queued",
        ),
        (
            report_of(an_account_plan(an_entry()), progress=a_progress(a_run(), an_intent())),
            "1 change unsettled",
        ),
    ],
)
def test_a_gap_is_told_at_the_top(report, said):
    limits = limits_of(report)
    assert said in limits
    assert 'class="limits"' in limits


def test_accounts_left_out_on_purpose_are_no_gap():
    limits = limits_of(report_of(left_out=(left_out(state="closed"), left_out("1" * 12, "excluded"))))
    assert "2 accounts left out on purpose" in limits
    assert "1 closed, 1 excluded" in limits
    assert 'class="limits calm"' in limits


def test_a_page_about_nobody_is_not_a_page_about_everybody():
    text = text_of(report_of())
    assert "No IAM users were seen." in text
    assert "100 %" not in text


@pytest.mark.parametrize(
    ("codes", "meanings"),
    [
        (Kind, legend.VERDICTS),
        (Code, legend.REASONS),
        (Impact, legend.IMPACTS),
        (UserState, legend.STATES),
        (ListedState, legend.LISTED),
        (Delivery, legend.DELIVERIES),
        (ChangeOutcome, legend.OUTCOMES),
        (RunEnding, legend.ENDINGS),
    ],
)
def test_every_code_is_explained(codes, meanings):
    assert set(codes) == set(meanings)
    for code, meaning in meanings.items():
        assert f"<dt>{code}</dt>" in small_page()
        assert meaning.endswith(".")


def test_every_state_of_the_example_is_a_code():
    report = gather(
        small_header(small_accounts()), small_accounts(), small_progress(), SMALL_NOW, notified=NOTIFIED
    )
    for user in report.users:
        assert user.status.state in UserState


def test_a_failure_is_shown_with_what_aws_said_and_its_cure():
    failed = Failed("AccessDenied on iam:AddUserToGroup", 3, "AccessDenied", "r-9", "let the role do it")
    text = text_of(report_of(progress=a_progress(a_run(), *a_change(outcome=failed))))
    assert "AccessDenied, 3 attempts, request r-9<" in text
    assert "Cure: let the role do it<" in text


# --- Small and large ---


def columns_of(element: str) -> dict[str, dict[str, Any]]:
    """Read a script element as the page's script does."""
    head, text = element.removesuffix("</script>").split(">", 1)
    if "application/gzip" in head:
        text = gunzip(base64.b64decode(text)).decode()
    return {column["name"]: column for column in json.loads(text)["columns"]}


def test_the_data_says_what_the_rows_say():
    accounts = small_accounts()
    report = gather(small_header(accounts), accounts, small_progress(), SMALL_NOW, notified=NOTIFIED)
    data = columns_of(packed_users(report.users, "aws"))
    assert [user.entry.user.name for user in report.users] == data["user_name"]["texts"]
    assert "user_arn" not in data  # spelled from account, path and name
    assert [user.entry.verdict for user in report.users] == _unpacked(data["verdict"])
    assert "".join("1" if user.enforced else "0" for user in report.users) == data["enforced"]["flags"]
    assert EVIL in data["account_name"]["texts"]


def _unpacked(column: dict[str, Any]) -> list[str]:
    codes = column["codes"]
    if isinstance(codes, dict):
        runs = codes["runs"]
        codes = [value for value, times in zip(runs[::2], runs[1::2], strict=True) for _ in range(times)]
    return [column["texts"][code] for code in codes]


def test_a_small_page_can_be_read_without_javascript():
    text = small_page()
    assert "too many" not in text
    for row in (entry.user.name for account in small_accounts() for entry in account.entries):
        assert f">{row}<".replace("'", "&#39;") in text


def test_a_large_page_sends_readers_without_javascript_to_the_table():
    users = PLAIN_ROWS_UP_TO + 100
    text = text_of(gather(big_header(users), big_accounts(users), a_progress(), NOW, notified=NOTIFIED))
    assert f"{users} users are too many for a page without JavaScript" in text
    assert ">person.0001-001<" not in text


def test_many_users_stay_small(monkeypatch: pytest.MonkeyPatch):
    """50,000 users may take 2 MB and 120 bytes each. With each one's sentences they take a third of that at most."""
    users = 5_000
    report = gather(big_header(users), big_accounts(users), a_progress(), NOW, notified=NOTIFIED)
    element = packed_users(report.users, "aws")
    assert {"why", "forecast", "address"} < set(columns_of(element))
    assert len(element) < 40 * users
    monkeypatch.setattr("rollout.reporting.page.data.DETAILS_UP_TO", users - 1)
    assert {"why", "forecast", "address"}.isdisjoint(columns_of(packed_users(report.users, "aws")))


def test_much_data_is_compressed_and_little_can_be_read():
    accounts = small_accounts()
    report = gather(small_header(accounts), accounts, small_progress(), SMALL_NOW, notified=NOTIFIED)
    assert "application/json" in packed(ACCOUNTS, report.accounts)
    lines = report.accounts * (PLAIN_UP_TO // 200)
    element = packed(ACCOUNTS, lines)
    assert "application/gzip" in element
    assert len(lines) == len(_unpacked(columns_of(element)["account_name"]))


def test_who_needs_no_notice_is_told_apart_from_who_was_not_told():
    """`77 users, 42 told, 77 enforced` does not read as 35 enforced untold: the four numbers add up to the users."""
    part = an_account_plan(*(an_entry(name, impact=impact) for name, impact in NAMED_IMPACTS.items()))
    progress = a_progress(
        a_run(), a_told("carol", impact="cli"), a_told("dan", impact="cli", delivery="queued")
    )
    (wave,) = (wave for wave in report_of(part, progress=progress).waves if wave.users)
    assert (5, 1, 1, 1, 2) == (wave.users, wave.told, wave.queued, wave.untold, wave.no_notice)
    assert "No notice needed" in small_page()


# --- To decide ---


def test_what_is_to_be_decided_comes_first_with_what_ends_it():
    text = small_page()
    assert text.index('id="decide"') < text.index('id="limits"') < text.index('id="users"')
    decide = outline_of(text[text.index('<section id="decide"') : text.index('<section id="limits"')])
    commands = [
        attributes["data-command"] for tag, attributes in decide.elements if "data-command" in attributes
    ]
    assert "rollout doctor --account 444455556666" in commands
    assert all(command in decide.texts["code"] for command in commands)
    entries = [
        attributes["data-entry"] or "" for _, attributes in decide.elements if "data-entry" in attributes
    ]
    assert [["arn:aws:iam::012345678901:user/ci-deployer"]] == [
        [one["user"] for one in yaml.safe_load(entry)] for entry in entries
    ]


def test_nothing_to_decide_is_said():
    assert "Nothing, as far as the plan and the journal know." in text_of(
        report_of(an_account_plan(an_entry()))
    )


# --- Over time ---


def a_look(days: int, users: int, **more: Any) -> KeptLook:
    at = days_ago(days)
    return KeptLook(at, "plan", "k3f9", at, users, 0, 0, users // 2, {}, {}, {}, {}, **more)


def test_the_way_of_the_rollout_is_drawn_with_a_forecast_and_what_changed_by_name():
    evil = "</svg><script>alert(1)</script>"
    changed = (StateChange("012345678901", evil, "waiting", "enforced"),)
    looks = (a_look(20, 9), a_look(10, 5, before=days_ago(20), changes=1, changed=changed))
    report = report_of(an_account_plan(an_entry("alice"), an_entry("bob")))
    chart = burn_down(report, count(report), looks)
    total, keys = chart.series
    assert (9, 2, 4, 2) == (total.first, total.last, keys.first, keys.last)
    assert total.points.startswith("0,0 ")
    assert total.ahead.endswith(",1000")
    assert "nobody is left on 2026-11-30" in chart.forecast
    text = "".join(page(report, count(report), None, looks))
    assert text.count(f'<th scope="row">{Markup.escape(evil)}</th>') == 1
    assert "<script>alert" not in text


@pytest.mark.parametrize(
    ("looks", "said"),
    [
        ((), "no earlier look"),
        ((a_look(20, 2),), "there is no end"),
        ((a_look(20, 1),), "(-0.1 users a day) there is no end"),
    ],
)
def test_without_a_falling_number_no_end_is_promised(looks, said):
    report = report_of(an_account_plan(an_entry("alice"), an_entry("bob")))
    assert said in burn_down(report, count(report), looks).forecast


def test_the_map_shows_every_user_once_by_area():
    shares = [OuShare(f"OU {number}", 1, 0, number, number // 2) for number in range(60)]
    tiles = ou_map(shares)
    assert sum(range(60)) == sum(tile.users for tile in tiles)
    assert (TILES + 1, "", "19 smaller OUs") == (len(tiles), tiles[-1].link, tiles[-1].name)
    areas = [tile.place.width * tile.place.height for tile in tiles]
    assert 10_000 == pytest.approx(sum(areas), rel=1e-3)
    for tile, area in zip(tiles, areas, strict=True):
        assert area / 10_000 == pytest.approx(tile.users / sum(range(60)), rel=0.02)
        assert tile.place.x + tile.place.width <= 100.01
        assert tile.place.y + tile.place.height <= 100.01
    assert [] == ou_map([OuShare("empty", 1, 0, 0, 0)])


def test_coverage_has_a_pattern_of_its_own_at_nobody_and_at_everybody():
    assert ["none", "few", "many", "most", "all"] == [
        band_of(share) for share in (0.0, 0.1, 50.0, 99.9, 100.0)
    ]


def test_the_timeline_of_the_waves_is_a_table():
    text = small_page()
    waves = text[text.index('<section id="waves"') : text.index('<section id="users"')]
    assert 'aria-label="Wave canary: notified 2026-11-25, last date told' in waves
    assert "gate soak overridden" in waves
    assert "soak (inconclusive): 1 of 3 days" not in waves[: waves.index("rest</th>")]
