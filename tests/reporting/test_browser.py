"""The page in a real browser, opened from a file."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]  # it has no types
from playwright.sync_api import Browser, Locator, Page, expect

from rollout.reporting import ReportFiles, write_report
from rollout.reporting.user_columns import USERS
from tests.builders import NOTIFIED, NOW, a_progress
from tests.reporting.conftest import write_small_report
from tests.reporting.examples import EVIL, big_accounts, big_header

pytestmark = pytest.mark.browser

TITLE = "MFA rollout – o-a1b2c3d4e5 – plan k3f9"
ROWS = "#users-table tbody tr:not(.spacer)"
SEARCH = "#users input[type=search]"
NAMES = "#users-table tbody tr:not(.spacer) th"


class Visit:
    """One look at a report: the page, what it complained about, and what it asked for."""

    def __init__(self, browser: Browser, html: Path, hash_: str = "", **context: Any) -> None:
        self.complaints: list[str] = []
        self.requests: list[str] = []
        self.context = browser.new_context(
            viewport=context.pop("viewport", {"width": 1280, "height": 900}), **context
        )
        self.page: Page = self.context.new_page()
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.html = html
        self.go(hash_)

    def go(self, hash_: str = "") -> None:
        """Open the page as from a link in a mail."""
        self.page.goto("about:blank")
        self.requests.clear()
        self.page.goto(self.html.as_uri() + hash_)

    @property
    def found(self) -> Locator:
        """What the page says of how many users it shows."""
        return self.page.locator("#users .found")

    @property
    def hash(self) -> str:
        """What the address says of them."""
        return str(self.page.evaluate("location.hash"))


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> ReportFiles:
    return write_small_report(tmp_path_factory.mktemp("small") / "report")


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> ReportFiles:
    folder = tmp_path_factory.mktemp("large") / "report"
    return write_report(
        folder, big_header(10_000), big_accounts(10_000), a_progress(), NOW, notified=NOTIFIED
    )


@pytest.fixture(scope="module")
def shared(browser: Browser, report: ReportFiles) -> Visit:
    """One page for the whole file; every test opens it anew."""
    return Visit(browser, report.html)


@pytest.fixture
def visit(shared: Visit) -> Iterator[Visit]:
    """A visit that must end without an error, a violation of the policy, or a request."""
    shared.go()
    yield shared
    assert [] == shared.complaints
    assert [shared.html.as_uri()] == [url.partition("#")[0] for url in shared.requests]


def test_it_opens_from_a_file_and_asks_for_nothing(visit: Visit):
    expect(visit.found).to_have_text("14 users")
    assert 14 == visit.page.locator(ROWS).count()


def test_a_script_in_an_account_name_is_only_a_name(visit: Visit):
    expect(visit.page).to_have_title(TITLE)
    assert visit.page.get_by_text(EVIL, exact=True).count() > 5


def test_searching_narrows_the_rows(visit: Visit):
    visit.page.fill(SEARCH, "HOLD payments")
    expect(visit.found).to_have_text("2 of 14 users")
    assert ["+plus", "ci-deployer"] == visit.page.locator(NAMES).all_text_contents()
    visit.page.fill(SEARCH, "nobody like this")
    expect(visit.page.locator(ROWS)).to_have_text(["Nothing matches."])
    visit.page.locator("#users").get_by_role("button", name="Clear").click()
    expect(visit.found).to_have_text("14 users")


def test_searching_finds_users_by_arn_and_by_id(visit: Visit):
    visit.page.fill(SEARCH, "user/team/frank")
    expect(visit.page.locator(NAMES)).to_have_text(["frank"])


def test_filters_narrow_together_and_a_reload_keeps_them(visit: Visit):
    visit.page.select_option("#users [data-filter=reasons]", "keys-in-use")
    visit.page.select_option("#users [data-filter=impact]", "enrol")
    expect(visit.page.locator(NAMES)).to_have_text(["heidi"])
    assert visit.hash == "#filter=reasons:keys-in-use,impact:enrol"
    visit.requests.clear()
    visit.page.reload()
    expect(visit.page.locator(NAMES)).to_have_text(["heidi"])
    expect(visit.page.locator("#users [data-filter=impact]")).to_have_value("enrol")


@pytest.mark.parametrize(
    ("hash_", "users"),
    [
        ("#account=012345678901", "8 of 14 users"),
        ("#ou=Shared%20%26%20Co", "6 of 14 users"),
        ("#filter=verdict:hold", "3 of 14 users"),
        ("#filter=wave:canary,state:enforced", "1 of 14 users"),
        ("#search=hold%20payments&sort=-user_name", "2 of 14 users"),
        ("#filter=verdict:%E0%A4&columns=user_name,path&x=%", "0 of 14 users"),
    ],
)
def test_an_address_says_what_is_shown(visit: Visit, hash_: str, users: str):
    visit.go(hash_)
    expect(visit.found).to_have_text(users)
    assert visit.hash == hash_


def test_an_account_has_its_own_address_and_the_rest_of_the_page_steps_back(visit: Visit):
    visit.go("#account=012345678901")
    expect(visit.page.locator("#scope-name")).to_have_text("Account payments-prod (012345678901)")
    assert visit.page.locator("#exemptions tbody tr[data-of-account]:visible").count() == 2
    visit.go("#account=222233334444")
    expect(visit.page.locator("#scope-name")).to_have_text(f"Account {EVIL} (222233334444)")
    assert visit.page.locator("#exemptions tbody tr[data-of-account]:visible").count() == 0
    visit.page.get_by_role("button", name="Show everything").click()
    expect(visit.found).to_have_text("14 users")
    assert visit.hash in ("", "#")


def test_a_user_has_an_address_by_name_id_or_arn(visit: Visit):
    visit.go("#user=arn:aws:iam::222233334444:user/team/frank")
    expect(visit.page.locator("#person-name")).to_have_text("frank")
    visit.page.keyboard.press("Escape")
    expect(visit.page.locator("#person")).to_be_hidden()
    visit.page.get_by_role("button", name="bob").press("Enter")
    expect(visit.page.locator("#person-name")).to_have_text("bob")
    assert visit.hash.startswith("#user=AIDA")


@pytest.mark.parametrize(
    ("link", "users"),
    [
        ("#waves a:text('empty')", "0 of 14 users"),
        (".tile a:text('Enforced')", "1 of 14 users"),
        (".tile a:text('Waiting')", "7 of 14 users"),
        (".tile a:text('No MFA device')", "4 of 14 users"),
        ("#why a:text('keys-in-use')", "4 of 14 users"),
        ("#waves a:text('canary')", "2 of 14 users"),
        ("#accounts button:text('payments-prod')", "8 of 14 users"),
        ("#limits li:has-text('queued') a", "1 of 14 users"),
        (".map [data-ou='Shared & Co']", "6 of 14 users"),
    ],
)
def test_a_number_leads_to_its_users(visit: Visit, link: str, users: str):
    visit.page.click(link)
    expect(visit.found).to_have_text(users)


def test_heads_sort_by_keyboard(visit: Visit):
    head = visit.page.locator("#users-table th[data-key=user_name]")
    head.locator("button").focus()
    visit.page.keyboard.press("Enter")
    expect(head).to_have_attribute("aria-sort", "ascending")
    assert "+plus" == visit.page.locator(NAMES).first.text_content()
    visit.page.keyboard.press("Space")
    expect(head).to_have_attribute("aria-sort", "descending")
    assert "ivan" == visit.page.locator(NAMES).first.text_content()
    assert visit.hash == "#sort=-user_name"


def test_accounts_sort_by_number_and_the_unknown_comes_first(visit: Visit):
    head = visit.page.locator("#accounts-table th", has_text="Users")
    head.locator("button").press("Enter")
    expect(head).to_have_attribute("aria-sort", "ascending")
    place = head.evaluate(
        "head => [...head.parentElement.cells].filter(cell => !cell.hidden).indexOf(head) + 1"
    )
    users = visit.page.locator(f"#accounts-table tbody tr td:nth-child({place})").all_text_contents()
    assert ["–", "–", "–", "0", "6", "8"] == users


def test_columns_are_chosen_and_none_is_cut(visit: Visit):
    """At any width only whole columns are shown, the first ones; others are chosen, and the address keeps them."""
    for width in (390, 1400, 2560):
        visit.page.set_viewport_size({"width": width, "height": 900})
        box = visit.page.locator("#users .scroll")
        expect(visit.page.locator("#users .unshown")).to_contain_text("not shown" if width < 2000 else "")
        assert box.evaluate("box => box.scrollWidth - box.clientWidth") == 0
    visit.page.set_viewport_size({"width": 1280, "height": 900})
    visit.page.get_by_text("Columns").first.click()
    visit.page.locator("#users [data-columns] input[value=mfa_kinds]").uncheck()
    expect(visit.page.locator("#users-table th[data-key=mfa_kinds]")).to_be_hidden()
    assert "mfa_kinds" not in visit.hash
    assert "columns=user_name,state,verdict" in visit.hash


def test_what_is_shown_is_saved_as_csv_that_no_spreadsheet_runs(visit: Visit):
    visit.page.fill(SEARCH, "payments cli")
    expect(visit.found).to_have_text("2 of 14 users")
    with visit.page.expect_download() as downloading:
        visit.page.locator("#users").get_by_role("button", name="Save as CSV").click()
    lines = list(csv.DictReader(downloading.value.path().read_text("utf-8").splitlines()))
    assert downloading.value.suggested_filename == "users-k3f9.csv"
    assert ["'=cmd|'/c calc'!A1", "carol"] == [line["user_name"] for line in lines]
    visit.requests[:] = [url for url in visit.requests if not url.startswith("blob:")]


def test_lists_are_copied_as_csv_as_commands_and_as_lines_of_rollout_yaml(visit: Visit):
    visit.page.evaluate(
        "Object.assign(navigator.clipboard, { writeText: async (text) => { window.copied = text; } })"
    )
    holds = visit.page.locator("#decide details", has_text="Holds")
    holds.get_by_role("button", name="Copy as CSV").click()
    expect(visit.page.locator("#said")).to_have_text("Copied: 3 lines of CSV")
    lines = list(csv.DictReader(str(visit.page.evaluate("copied")).splitlines()))
    assert ["ci-deployer", "grace", "'+plus"] == [line["User"] for line in lines]
    holds.get_by_role("button", name="Copy as commands").click()
    assert "rollout notices --unreached people.csv" in visit.page.evaluate("copied").splitlines()
    holds.get_by_role("button", name="Copy as rollout.yaml").click()
    (exemption,) = yaml.safe_load(visit.page.evaluate("copied"))["exemptions"]
    assert exemption["user"] == "arn:aws:iam::012345678901:user/ci-deployer"


def test_on_a_phone_users_come_before_the_filters(browser: Browser, report: ReportFiles):
    visit = Visit(browser, report.html, viewport={"width": 390, "height": 844})
    assert visit.page.locator("#users select:visible").count() == 0
    top = visit.page.locator("#users-title").bounding_box()
    row = visit.page.locator(NAMES).first.bounding_box()
    assert top
    assert row
    assert row["y"] - top["y"] < 400
    visit.context.close()


def test_a_user_opens_by_keyboard_and_closes_again(visit: Visit):
    visit.page.get_by_role("button", name="bob").press("Enter")
    person = visit.page.locator("#person")
    expect(person).to_be_visible()
    expect(person).to_contain_text("everything but enrolling, until a device is on")
    expect(person).to_contain_text("arn:aws:iam::012345678901:user/bob")
    visit.page.keyboard.press("Escape")
    expect(person).to_be_hidden()


def test_paper_has_every_user_and_every_column(visit: Visit):
    """With page numbers, accounts above their users, and nothing wider than the sheet."""
    visit.page.emulate_media(media="print")
    visit.page.set_viewport_size({"width": 1032, "height": 700})  # A4 landscape without its margins
    visit.page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    paper = visit.page.locator("table.paper").first
    assert 14 + 2 == paper.locator("tbody tr").count()
    expect(paper.locator(".group").first).to_contain_text("payments-prod · 012345678901")
    wanted = {column.page.label for column in USERS.on_page_table if column.page}
    heads = set(paper.locator("thead th").all_text_contents())
    assert wanted - heads == {"Account", "Account ID", "OU"}
    accounts = visit.page.locator("#accounts table.paper")
    expect(accounts).to_contain_text("Role: OrganizationAccountAccessRole")
    assert visit.page.evaluate("document.documentElement.scrollWidth") <= 1032
    visit.page.evaluate("window.dispatchEvent(new Event('afterprint'))")
    assert visit.page.locator(".paper").count() == 0
    visit.page.emulate_media(media="screen")
    visit.page.set_viewport_size({"width": 1280, "height": 900})
    assert visit.page.pdf().startswith(b"%PDF")
    assert "counter(page)" in visit.html.read_text()


@pytest.mark.parametrize("width", [390, 1280, 2560])
def test_axe_finds_nothing_serious(visit: Visit, width: int):
    """By the rules of WCAG 2.2 A and AA, at the widths of a phone, a laptop and a big screen."""
    visit.page.set_viewport_size({"width": width, "height": 900})
    found = Axe().run(
        visit.page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}
    )
    visit.page.set_viewport_size({"width": 1280, "height": 900})
    serious = [
        (one["id"], node["html"][:200])
        for one in found.response["violations"]
        if one["impact"] in ("serious", "critical")
        for node in one["nodes"]
    ]
    assert [] == serious


@pytest.mark.parametrize("width", [320, 390, 768, 1280])
def test_no_page_scrolls_sideways(browser: Browser, report: ReportFiles, width: int):
    visit = Visit(browser, report.html, viewport={"width": width, "height": 844})
    assert visit.page.evaluate("document.documentElement.scrollWidth") <= width
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
    expect(visit.page.locator("#users form")).to_be_hidden()
    expect(visit.page.locator("#limits")).to_contain_text("1 account could not be entered")
    expect(visit.page.locator(".stack")).to_be_visible()
    assert [report.html.as_uri()] == visit.requests
    visit.context.close()


def test_ten_thousand_users_scroll_and_search(browser: Browser, large: ReportFiles):
    visit = Visit(browser, large.html)
    page = visit.page
    expect(visit.found).to_have_text("10,000 users")
    assert page.locator(ROWS).count() < 100
    page.evaluate("const box = document.querySelector('#users .scroll'); box.scrollTop = box.scrollHeight")
    expect(page.locator(NAMES).last).to_have_text("person.0099-099")
    expect(page.locator(ROWS).last).to_have_attribute("aria-rowindex", "10001")
    page.fill(SEARCH, "person.0042-007")
    expect(page.locator(NAMES)).to_have_text(["person.0042-007"])
    assert [] == visit.complaints
    visit.context.close()


def test_rows_far_down_can_be_reached_by_keyboard(browser: Browser, large: ReportFiles):
    visit = Visit(browser, large.html)
    visit.page.locator("#users .scroll").focus()
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
