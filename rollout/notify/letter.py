"""Lays a notice out as text and as HTML, by the layouts of the package or of one's own."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache, lru_cache
from pathlib import Path
from textwrap import fill
from typing import Self

from jinja2 import (
    BaseLoader,
    ChoiceLoader,
    Environment,
    FileSystemLoader,
    PackageLoader,
    StrictUndefined,
    TemplateError,
)
from jinja2.sandbox import SandboxedEnvironment

from rollout.domain.people.users import UserRef
from rollout.domain.progress.messages import Line, Notice, Summary
from rollout.domain.verdicts.verdict import EnrolmentWay, Impact, Situation
from rollout.errors import BadSettings
from rollout.notify.digest import Letterhead, blocks, subject
from rollout.notify.team_letter import summary_blocks, summary_subject
from rollout.notify.words import ENGLISH, words_in

WIDTH = 76
_NOBODY = UserRef("111122223333", "alice", "AIDA", "arn:aws:iam::111122223333:user/alice")
_ALL_STEPS = Situation(
    console=True, active_keys=1, ways=tuple(EnrolmentWay), enrols_by_keys=True, machine=True
)
_LINE = Line(_NOBODY, "payments", Impact.ENROL, datetime(2026, 12, 8, tzinfo=UTC), _ALL_STEPS)
SPECIMEN = Notice("alice@example.com", (_LINE,), others=(_LINE,))
"""A message with every kind of block."""
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
        if isinstance(notice, Summary):
            title, pieces = summary_subject(notice, words), tuple(summary_blocks(notice, words, self.head))
        else:
            title, pieces = subject(notice, words), tuple(blocks(notice, words, self.head))
        text, html = (self._laid_out(name, title, words.language, pieces) for name in (TEXT, HTML))
        return Letter(title, text.strip("\n") + "\n", html, words.language)

    def checked(self) -> Self:
        """Try all words and layouts of one's own, before anybody gets a message. Raises BadSettings."""
        own = {path.stem for path in self.folder.glob("*.yaml")} if self.folder else set()
        for language in sorted({self.language, *own}):
            if self.folder:
                self.letter(replace(SPECIMEN, language=language))
            else:
                words_in(language, None)
        return self

    def _laid_out(self, name: str, title: str, language: str, pieces: object) -> str:
        try:
            layout = _layouts(self.folder).get_template(name)
            return layout.render(subject=title, language=language, blocks=pieces)
        except (TemplateError, ArithmeticError, TypeError, ValueError) as problem:
            why = f"the layout {name} of messages cannot be used: {problem}"
            raise BadSettings(why, cure="correct it in the folder that notify.templates names") from problem


@cache
def _layouts(folder: Path | None) -> Environment:
    """Read the layouts; those of one's own may do nothing but lay out, which those of the package need not be told."""
    shipped: BaseLoader = PackageLoader("rollout.notify", "templates")
    loader = ChoiceLoader([FileSystemLoader(folder), shipped]) if folder else shipped
    kind = SandboxedEnvironment if folder else Environment
    layouts = kind(
        loader=loader,
        auto_reload=False,
        autoescape=lambda name: name != TEXT,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    layouts.filters["fill"] = _filled
    return layouts


@lru_cache(maxsize=4096)  # most paragraphs are the same for everybody
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
