"""The page in a real browser, opened from a file."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from rollout.reporting import ReportFiles, write_report
from tests.builders import NOTIFIED, NOW, a_progress
from tests.reporting.conftest import write_small_report
from tests.reporting.examples import EVIL, big_accounts, big_header

pytestmark = pytest.mark.browser

TITLE = "MFA rollout – o-a1b2c3d4e5 – plan k3f9"
ROWS = "#users-table tbody tr:not(.spacer)"
NAMES = "#users-table tbody tr:not(.spacer) th"


class Visit:
    """One look at a report: the page, what it complained about, and what it asked for."""

    def __init__(self, browser: Browser, html: Path, **context: Any) -> None:
        self.complaints: list[str] = []
        self.requests: list[str] = []
        self.context = browser.new_context(
            viewport=context.pop("viewport", {"width": 1280, "height": 900}), **context
        )
        self.page: Page = self.context.new_page()
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.goto(html.as_uri())


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> ReportFiles:
    return write_small_report(tmp_path_factory.mktemp("small") / "report")


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> ReportFiles:
    folder = tmp_path_factory.mktemp("large") / "report"
    return write_report(
        folder, big_header(10_000), big_accounts(10_000), a_progress(), NOW, notified=NOTIFIED
    )


@pytest.fixture
def visit(browser: Browser, report: ReportFiles) -> Iterator[Visit]:
    """A visit that must end without an error, a violation of the policy, or a request."""
    visit = Visit(browser, report.html)
    yield visit
    assert [] == visit.complaints
    assert [report.html.as_uri()] == visit.requests
    visit.context.close()


def test_it_opens_from_a_file_and_asks_for_nothing(visit: Visit):
    expect(visit.page.locator("#found")).to_have_text("14 users")
    assert 14 == visit.page.locator(ROWS).count()


def test_a_script_in_an_account_name_is_only_a_name(visit: Visit):
    expect(visit.page).to_have_title(TITLE)
    assert visit.page.get_by_text(EVIL, exact=True).count() > 5


def test_searching_narrows_the_rows(visit: Visit):
    visit.page.fill("#search", "HOLD payments")
    expect(visit.page.locator("#found")).to_have_text("2 of 14 users")
    assert ["+plus", "ci-deployer"] == visit.page.locator(NAMES).all_text_contents()
    visit.page.fill("#search", "nobody like this")
    expect(visit.page.locator(ROWS)).to_have_text(["Nobody matches."])
    visit.page.get_by_role("button", name="Clear").click()
    expect(visit.page.locator("#found")).to_have_text("14 users")


def test_searching_finds_users_by_arn_and_by_id(visit: Visit):
    visit.page.fill("#search", "user/team/frank")
    expect(visit.page.locator(NAMES)).to_have_text(["frank"])


def test_filters_narrow_together(visit: Visit):
    visit.page.select_option("[data-filter=reasons]", "keys-in-use")
    visit.page.select_option("[data-filter=impact]", "enrol")
    expect(visit.page.locator(NAMES)).to_have_text(["heidi"])


@pytest.mark.parametrize(
    ("link", "users"),
    [
        ("#waves a:text('empty')", "0 of 14 users"),
        (".tile a:text('Enforced')", "1 of 14 users"),
        (".tile a:text('Waiting')", "7 of 14 users"),
        (".tile a:text('No MFA device')", "4 of 14 users"),
        ("#why a:text('keys-in-use')", "4 of 14 users"),
        ("#waves a:text('canary')", "2 of 14 users"),
        ("#accounts a:text('payments-prod')", "8 of 14 users"),
        ("#limits li:has-text('queued') a", "1 of 14 users"),
    ],
)
def test_a_number_leads_to_its_users(visit: Visit, link: str, users: str):
    visit.page.click(link)
    expect(visit.page.locator("#found")).to_have_text(users)


def test_heads_sort_by_keyboard(visit: Visit):
    head = visit.page.locator("#users-table th[data-key=user_name]")
    head.locator("button").focus()
    visit.page.keyboard.press("Enter")
    expect(head).to_have_attribute("aria-sort", "ascending")
    assert "+plus" == visit.page.locator(NAMES).first.text_content()
    visit.page.keyboard.press("Space")
    expect(head).to_have_attribute("aria-sort", "descending")
    assert "ivan" == visit.page.locator(NAMES).first.text_content()


def test_plain_tables_sort_by_number_too(visit: Visit):
    head = visit.page.locator("#accounts th", has_text="Users")
    head.locator("button").press("Enter")
    expect(head).to_have_attribute("aria-sort", "ascending")
    users = visit.page.locator("#accounts tbody tr td:nth-child(3)").all_text_contents()
    assert ["0", "6", "8"] == users


def test_a_user_opens_by_keyboard_and_closes_again(visit: Visit):
    visit.page.get_by_role("button", name="bob").press("Enter")
    person = visit.page.locator("#person")
    expect(person).to_be_visible()
    expect(person).to_contain_text("everything but enrolling, until a device is on")
    expect(person).to_contain_text("arn:aws:iam::012345678901:user/bob")
    visit.page.keyboard.press("Escape")
    expect(person).to_be_hidden()


def test_the_whole_list_is_printed(visit: Visit):
    visit.page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    assert 14 == visit.page.locator(ROWS).count()
    assert visit.page.pdf().startswith(b"%PDF")


@pytest.mark.parametrize("width", [320, 390, 768, 1280])
def test_no_page_scrolls_sideways(browser: Browser, report: ReportFiles, width: int):
    visit = Visit(browser, report.html, viewport={"width": width, "height": 844})
    assert visit.page.evaluate("document.documentElement.scrollWidth") <= width
    assert visit.page.evaluate("document.getElementById('users-box').scrollWidth") > width
    visit.context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_can_be_read_in_light_and_in_dark(browser: Browser, report: ReportFiles, scheme: Any):
    """Contrast of text with what it stands on is at least 4.5 (WCAG AA)."""
    visit = Visit(browser, report.html, color_scheme=scheme)
    weakest = visit.page.evaluate(CONTRAST)
    assert weakest["ratio"] >= 4.5, weakest
    light = visit.page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert (light == "rgb(246, 247, 249)") is (scheme == "light")
    visit.context.close()


def test_it_can_be_read_with_javascript_off(browser: Browser, report: ReportFiles):
    visit = Visit(browser, report.html, java_script_enabled=False)
    assert 14 == visit.page.locator(ROWS).count()
    expect(visit.page.locator("#finder")).to_be_hidden()
    expect(visit.page.locator("#limits")).to_contain_text("1 account could not be entered")
    expect(visit.page.locator(".stack")).to_be_visible()
    assert [report.html.as_uri()] == visit.requests
    visit.context.close()


def test_ten_thousand_users_scroll_and_search(browser: Browser, large: ReportFiles):
    visit = Visit(browser, large.html)
    page = visit.page
    expect(page.locator("#found")).to_have_text("10,000 users")
    assert page.locator(ROWS).count() < 100
    page.evaluate("const box = document.getElementById('users-box'); box.scrollTop = box.scrollHeight")
    expect(page.locator(NAMES).last).to_have_text("person.0099-099")
    expect(page.locator(ROWS).last).to_have_attribute("aria-rowindex", "10001")
    page.fill("#search", "person.0042-007")
    expect(page.locator(NAMES)).to_have_text(["person.0042-007"])
    assert [] == visit.complaints
    visit.context.close()


def test_rows_far_down_can_be_reached_by_keyboard(browser: Browser, large: ReportFiles):
    visit = Visit(browser, large.html)
    visit.page.locator("#users-box").focus()
    visit.page.keyboard.press("End")
    expect(visit.page.locator(NAMES).last).to_have_text("person.0099-099")
    visit.context.close()


def test_a_large_page_says_where_to_look_with_javascript_off(browser: Browser, large: ReportFiles):
    visit = Visit(browser, large.html, java_script_enabled=False)
    expect(visit.page.locator("#users")).to_contain_text(
        "10,000 users are too many for a page without JavaScript"
    )
    visit.context.close()


# The lowest contrast of any text in sight with the nearest background that is not see-through.
CONTRAST = """() => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgba = (color) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = color;
    canvas.fillRect(0, 0, 1, 1);
    return canvas.getImageData(0, 0, 1, 1).data;
  };
  const light = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map((v) => (v / 255 <= 0.03928 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const behind = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const color = rgba(getComputedStyle(at).backgroundColor);
      if (color[3] === 255) return color;
    }
    return rgba("white");
  };
  let weakest = { ratio: 99 };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const element = walker.currentNode.parentElement;
    if (!walker.currentNode.textContent.trim() || !element.checkVisibility()) continue;
    if (element.closest("script, style, option")) continue;
    const [a, b] = [light(rgba(getComputedStyle(element).color)), light(behind(element))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < weakest.ratio) weakest = { ratio, text: walker.currentNode.textContent.trim().slice(0, 40) };
  }
  return weakest;
}"""
