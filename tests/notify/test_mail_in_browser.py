"""A message as mail programs show it: narrow and wide, light and dark, without its styles, and to a screen reader."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]  # it has no types
from playwright.sync_api import Browser, Page  # noqa: TC002 - pytest reads the types

from rollout.domain.progress.messages import Notice
from rollout.notify.letter import LetterPress
from tests.notify.situations import HEADS, SITUATIONS, a_line_in

pytestmark = pytest.mark.browser

EVIL = (
    "<img src=x onerror=alert(1)>",
    "a" * 64,
    "\u05d3\u05e0\u05d9\u05d0\u05dc",
    '"><script>alert(1)</script>',
)
ADDRESS = f"{'a' * 60}@{'b' * 60}.example.com"


def everything(language: str) -> str:
    """One message with every situation, and names that break what is laid out carelessly."""
    names = [*EVIL, *(f"user-{number}" for number in range(len(SITUATIONS)))]
    lines = [
        replace(a_line_in(situation, name), account_name=name)
        for situation, name in zip(SITUATIONS, names, strict=False)
    ]
    notice = Notice(
        ADDRESS, tuple(lines), zone=ZoneInfo("Europe/Berlin"), language=language, others=(lines[1],)
    )
    return LetterPress(HEADS[1]).letter(notice).html


@pytest.fixture(scope="module")
def mails(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("mails")
    for language in ("en", "de"):
        (folder / f"{language}.html").write_text(everything(language), "utf-8")
    return {path.stem: path for path in folder.iterdir()}


@pytest.fixture(
    params=[(390, "light", "en"), (390, "dark", "de"), (1280, "light", "de"), (1280, "dark", "en")], ids=str
)
def mail(request: pytest.FixtureRequest, browser: Browser, mails: dict[str, Path]) -> Iterator[Page]:
    """The message, open; it may complain about nothing and load nothing."""
    width, scheme, language = request.param
    context = browser.new_context(viewport={"width": width, "height": 844}, color_scheme=scheme)
    page = context.new_page()
    trouble: list[str] = []
    page.on("console", lambda message: trouble.append(message.text))
    page.on("dialog", lambda dialog: trouble.append(dialog.message))
    page.on("request", lambda asked: trouble.append(asked.url))
    page.goto(mails[language].as_uri())
    trouble.remove(mails[language].as_uri())
    yield page
    assert [] == trouble
    context.close()


def test_a_message_fits_its_window_and_has_no_serious_finding_of_axe(mail: Page):
    assert mail.evaluate("document.documentElement.scrollWidth <= innerWidth")
    found: list[dict[str, Any]] = Axe().run(mail).response["violations"]
    assert [] == [
        (one["id"], one["nodes"][0]["html"]) for one in found if one["impact"] in ("serious", "critical")
    ]


def test_without_styles_it_says_the_same_in_the_same_order(mail: Page):
    styled = mail.inner_text("body").split()
    mail.evaluate("document.querySelectorAll('[style]').forEach(element => element.removeAttribute('style'))")
    assert styled == mail.inner_text("body").split()
    assert len(SITUATIONS) <= mail.locator("h2").count()
    assert mail.locator("pre").count()
    assert 0 == mail.locator("img, script, a, link, style").count()
