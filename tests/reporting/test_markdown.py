"""Markdown for reviewers: what comes from outside stays text, and the worst comes first."""

from __future__ import annotations

import re
from html import unescape

import pytest
from markdown_it import MarkdownIt

from rollout.domain.status.movements import compared, planned
from rollout.domain.verdicts.verdict import Code, Kind
from rollout.reporting.markdown import said, table
from rollout.reporting.plan_review import plan_review
from rollout.visible_text import visible
from tests.builders import a_finding, a_header, an_account_plan, an_entry, left_out
from tests.reporting.hostile import HOSTILE

RENDERER = MarkdownIt("commonmark").enable(["table", "strikethrough"])


def rendered(markdown: str) -> str:
    return str(RENDERER.render(markdown))


@pytest.mark.parametrize("text", HOSTILE)
def test_whatever_a_text_holds_is_shown_as_text_in_one_cell(text: str):
    html = rendered("".join(table(("a", "b"), [(said(text), "last")])))
    cells = re.findall(r"<td>(.*?)</td>", html, re.DOTALL)

    assert ["last"] == cells[1:]
    assert ["<code>", "</code>"] == re.findall(r"<[^>]*>", cells[0])
    assert f"<code>{visible(text)}</code>" == unescape(cells[0])


@pytest.mark.parametrize("text", ["https://evil.example", "www.evil.example", "http://a", "ssh://a"])
def test_nothing_is_left_that_github_makes_a_link_of(text: str):
    assert "://" not in said(text)
    assert "www." not in said(text)


def review(*entries, since=None, **header) -> str:
    account = an_account_plan(*entries, findings=header.pop("found", ()))
    return "".join(plan_review(a_header(account, **header), [account], since))


def test_no_name_of_the_organization_is_more_than_text():
    for text in (one for one in HOSTILE if "\ud800" not in one):  # no name of AWS has half a character
        html = rendered(
            review(
                an_entry(text, impact="enrol", forecast=text),
                an_entry(f"{text} held", Kind.HOLD),
                an_entry(f"{text} exempt", Kind.EXEMPT),
                left_out=(left_out(name=text, reason=text),),
                found=(a_finding("look-alike", text),),
                cures={"machine": text},
            )
        )
        tags = set(re.findall(r"<(/?[a-z0-9]+)", html)) - {"br"}
        assert tags <= {f"{end}{tag}" for tag in TAGS for end in ("", "/")}
        assert f"user/{visible(text)}</code>" in unescape(html)


TAGS = ("h2", "h3", "p", "table", "thead", "tbody", "tr", "th", "td", "code")


def test_who_is_hit_hardest_comes_first_and_says_why():
    text = review(
        an_entry("a-cli", impact="cli"),
        an_entry("b-enrol", impact="enrol"),
        an_entry("c-both", impact="enrol", because=[Code.NO_MFA, Code.KEYS_IN_USE], wave="rest"),
        an_entry("d-both", impact="enrol", because=[Code.NO_MFA, Code.KEYS_IN_USE], wave="canary"),
        an_entry("e-nothing"),
        an_entry("f-enforced", impact="enrol", enforced_by="ForceMFA"),
    )
    rows = [line for line in text.splitlines() if line.startswith("| <code>arn:")]

    assert ["d-both", "c-both", "b-enrol", "a-cli"] == [re.findall(r"user/(\S+?)<", row)[0] for row in rows]
    assert "<code>no-mfa, keys-in-use</code>" in rows[0]


def test_what_is_new_since_the_plan_before_is_told_by_way():
    before = [an_account_plan(an_entry("alice", impact="enrol"), an_entry("bob", Kind.HOLD))]
    after = [an_account_plan(an_entry("alice", impact="cli"), an_entry("bob", Kind.HOLD))]
    text = review(an_entry(), since=compared("plan a", planned(before), "plan b", planned(after)))

    assert "### From plan a to plan b\n\n1 user moved, 1 did not.\n" in text
    assert "| enforce enrol, wave rest | enforce cli, wave rest | 1 | <code>arn:" in text


def test_the_summary_of_a_large_plan_fits_into_a_comment():
    """GitHub takes 65,536 characters."""
    entries = [an_entry(f"user-{number:04}", impact="enrol", forecast="x" * 300) for number in range(3000)]
    text = review(*entries, *(an_entry(f"exempt-{number:04}", Kind.EXEMPT) for number in range(500)))

    assert len(text) < 65_536
    assert "… and 2,975 more: `rollout show`." in text
