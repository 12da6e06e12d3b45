"""Lays a notice out as text and as HTML, by the layouts of the package or of one's own."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from textwrap import fill

from jinja2 import BaseLoader, ChoiceLoader, FileSystemLoader, PackageLoader, StrictUndefined, TemplateError
from jinja2.sandbox import SandboxedEnvironment

from rollout.domain.progress.messages import Notice
from rollout.errors import BadSettings
from rollout.notify.digest import Letterhead, blocks, subject
from rollout.notify.words import ENGLISH, words_in

WIDTH = 76
TEXT, HTML = "digest.txt.j2", "digest.html.j2"


@dataclass(frozen=True, slots=True)
class Letter:
    """A message that is ready to be sent."""

    subject: str
    text: str
    html: str
    language: str


@dataclass(frozen=True, slots=True)
class LetterPress:
    """Makes letters out of notices.

    `language` is used for people whose own is not known, and `folder` may hold languages and layouts of one's own.
    """

    head: Letterhead
    language: str = ENGLISH
    folder: Path | None = None

    def letter(self, notice: Notice) -> Letter:
        """Lay out a notice. Raises BadSettings for words or layouts that cannot be used."""
        words = words_in(notice.language or self.language, self.folder)
        title, pieces = subject(notice, words), tuple(blocks(notice, words, self.head))
        text, html = (self._laid_out(name, title, words.language, pieces) for name in (TEXT, HTML))
        return Letter(title, text.strip("\n") + "\n", html, words.language)

    def _laid_out(self, name: str, title: str, language: str, pieces: object) -> str:
        try:
            layout = _layouts(self.folder).get_template(name)
            return layout.render(subject=title, language=language, blocks=pieces)
        except (TemplateError, ArithmeticError, TypeError, ValueError) as problem:
            why = f"the layout {name} of messages cannot be used: {problem}"
            raise BadSettings(why, cure="correct it in the folder that notify.templates names") from problem


@cache
def _layouts(folder: Path | None) -> SandboxedEnvironment:
    shipped: BaseLoader = PackageLoader("rollout.notify", "templates")
    loader = ChoiceLoader([FileSystemLoader(folder), shipped]) if folder else shipped
    layouts = SandboxedEnvironment(
        loader=loader,
        autoescape=lambda name: name != TEXT,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    layouts.filters["fill"] = _filled
    return layouts


def _filled(text: str, first: str, rest: str) -> str:
    """Break lines, but no long names and addresses, so that they can still be copied."""
    return fill(
        text,
        WIDTH,
        initial_indent=first,
        subsequent_indent=rest,
        break_long_words=False,
        break_on_hyphens=False,
    )
