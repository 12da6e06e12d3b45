"""Languages: each says all of it, and nobody's own file can leave something out or let a name run wild."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import yaml

from rollout.domain.progress.messages import Notice, Summary, TeamCounts
from rollout.errors import BadSettings
from rollout.notify import digest
from rollout.notify.letter import SPECIMEN, LetterPress
from rollout.notify.team_letter import summary_blocks, summary_subject
from rollout.notify.words import LISTS, TEMPLATES, Words, shipped_languages, words_in
from tests.builders import NOW
from tests.notify.situations import HEADS, SITUATIONS, a_line_in, every_notice

ENGLISH = yaml.safe_load(TEMPLATES.joinpath("en.yaml").read_text("utf-8"))
BERLIN = ZoneInfo("Europe/Berlin")


class Listening(Words):
    """Notes which parts are asked for."""

    def say(self, part: str, **values: object) -> str:
        SAID.add(part)
        return super().say(part, **values)


SAID: set[str] = set()


def test_english_and_german_come_with_the_package():
    assert {"en", "de"} <= {*shipped_languages()}


@pytest.mark.parametrize("language", shipped_languages())
def test_every_language_has_every_part_and_fills_in_the_same(language: str):
    own = yaml.safe_load(TEMPLATES.joinpath(f"{language}.yaml").read_text("utf-8"))
    assert list(ENGLISH) == list(own), "the same parts, in the same order"
    words = words_in(language, None)
    assert {*ENGLISH} - {*LISTS} == words.parts.keys()


def test_german_says_everything_in_german():
    """What is the same in both languages is only what has no words of its own."""
    german = yaml.safe_load(TEMPLATES.joinpath("de.yaml").read_text("utf-8"))
    assert {"service_in_region"} == {name for name, words in ENGLISH.items() if german[name] == words}


def test_every_part_is_said_to_somebody():
    words = words_in("en", None)
    listening = Listening(words.language, words.parts, words.lists)
    for notice, head in every_notice():
        zoned = replace(notice, zone=BERLIN)
        assert digest.subject(zoned, listening)
        assert list(digest.blocks(zoned, listening, head))
    summary = Summary(
        "lead@example.com", (), team="Payments", counts=TeamCounts(9, 2, 7, NOW, ("prod: ana",))
    )
    assert summary_subject(summary, listening)
    assert list(summary_blocks(summary, listening, HEADS[0]))
    assert words.parts.keys() == SAID


@pytest.mark.parametrize("language", shipped_languages())
def test_each_message_is_whole_in_text_and_html(language: str):
    """What the text says the HTML says too, and no brace or hole is left."""
    for notice, head in every_notice():
        letter = LetterPress(head, language).letter(notice)
        pieces = digest.blocks(notice, words_in(language, None), head)
        said = " ".join(letter.text.split())
        for piece in pieces:
            for text in (piece.text, *piece.items):
                assert " ".join(text.split()) in said
        assert letter.html.count("<pre") == sum(
            piece.kind == "command" for piece in digest.blocks(notice, words_in(language, None), head)
        )
        assert not {"{", "}"} & set(letter.text)
        assert f'<html lang="{language}">' in letter.html


def test_a_german_message_is_german():
    notice = Notice("alice@example.com", (a_line_in("console and keys"),), zone=BERLIN, language="de")
    letter = LetterPress(HEADS[1]).letter(notice)
    assert "ab 8. Dezember 2026, 13:00 Uhr Ortszeit Europe/Berlin (UTC+01:00)" in letter.subject
    assert "Dienstag, 8. Dezember 2026, 13:00 Uhr" in letter.text
    assert "aws configure mfa-login" in letter.text


def french(folder: Path, **more: object) -> Path:
    own = {**ENGLISH, "hello": "Bonjour,", **more}
    (folder / "fr.yaml").write_text(yaml.safe_dump(own, allow_unicode=True), "utf-8")
    return folder


def a_letter(language: str, folder: Path) -> str:
    return LetterPress(HEADS[0], language, folder).letter(next(every_notice())[0]).text


def test_a_language_is_added_by_a_file(tmp_path: Path):
    assert a_letter("fr", french(tmp_path)).startswith("Bonjour,\n")


def test_a_file_may_change_some_words_of_a_language(tmp_path: Path):
    (tmp_path / "de.yaml").write_text('hello: "Moin,"\n', "utf-8")
    text = a_letter("de", tmp_path)
    assert text.startswith("Moin,\n")
    assert "Multi-Faktor-Authentifizierung" in text


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda own: own.pop("sms"), "sms is missing"),
        (lambda own: own.update(smz="x"), "smz is unknown"),
        (lambda own: own.update(sms="{password}"), "sms cannot fill in password"),
        (lambda own: own.update(sms="{sender.__class__}"), "sms cannot fill in sender.__class__"),
        (lambda own: own.update(sms="{"), "sms cannot fill in"),
        (lambda own: own.update(sms=["x"]), "sms cannot fill in no text"),
        (lambda own: own.update(months=["January"]), "months needs 12 names"),
    ],
    ids=["missing", "unknown", "another name", "attributes", "a brace", "no text", "too few months"],
)
def test_words_that_are_not_whole_are_refused(tmp_path: Path, change, said: str):
    own = dict(ENGLISH)
    change(own)
    (tmp_path / "fr.yaml").write_text(yaml.safe_dump(own), "utf-8")
    with pytest.raises(BadSettings) as refused:
        a_letter("fr", tmp_path)
    assert said in str(refused.value)


@pytest.mark.parametrize("text", ["- x", "a: [", "a: &b c\nd: *b", "!!python/object:os.system {}"])
def test_a_file_that_is_no_mapping_of_words_is_refused(tmp_path: Path, text: str):
    (tmp_path / "fr.yaml").write_text(text, "utf-8")
    with pytest.raises(BadSettings):
        a_letter("fr", tmp_path)


def test_a_layout_of_one_s_own_takes_the_place_of_the_package_s(tmp_path: Path):
    (tmp_path / "digest.html.j2").write_text("<h1>{{ subject }}</h1>{{ blocks[0].text }}", "utf-8")
    letter = LetterPress(HEADS[0], "en", tmp_path).letter(next(every_notice())[0])
    assert letter.html == "<h1>MFA for your AWS user: no action required</h1>Hello,"


@pytest.mark.parametrize(
    "layout", ["{{ nothing }}", "{% for %}", "{{ subject.__class__.__mro__ }}", "{{ 1 / 0 }}"]
)
def test_a_layout_that_cannot_be_used_is_refused(tmp_path: Path, layout: str):
    (tmp_path / "digest.html.j2").write_text(layout, "utf-8")
    with pytest.raises(BadSettings, match=r"digest\.html\.j2"):
        a_letter("en", tmp_path)


def test_words_and_layouts_are_tried_before_anybody_gets_a_message(tmp_path: Path):
    """Also those in which the first message would not be, and what stands in a branch."""
    press = LetterPress(HEADS[0], "en", tmp_path)
    assert press == press.checked()
    french(tmp_path, sms="{password}")
    with pytest.raises(BadSettings, match=r"fr\.yaml"):
        press.checked()
    layouts = tmp_path / "layouts"
    layouts.mkdir()
    layout = '{% for block in blocks if block.kind == "list" %}{{ block.nothing }}{% endfor %}'
    (layouts / "digest.txt.j2").write_text(layout, "utf-8")
    with pytest.raises(BadSettings, match=r"digest\.txt\.j2"):
        LetterPress(HEADS[1], "en", layouts).checked()


def test_a_message_that_is_tried_has_every_kind_of_block():
    known = {
        block.kind
        for notice, head in every_notice()
        for block in digest.blocks(notice, words_in("en", None), head)
    }
    assert known == {block.kind for block in digest.blocks(SPECIMEN, words_in("en", None), HEADS[0])}


@pytest.mark.parametrize(
    "name",
    [
        "<img src=x onerror=alert(1)>",
        '"><script>alert(1)</script>',
        "x\r\nBcc: mallory@example.com",
        "\u202egnp.exe",
        "{sender}",
        "{{ 7 * 7 }}",
        "a" * 64,
    ],
)
@pytest.mark.parametrize("language", shipped_languages())
def test_a_name_is_text_in_every_language(name: str, language: str):
    line = replace(a_line_in("console and keys", name), account_name=name)
    letter = LetterPress(HEADS[1], language).letter(Notice("alice@example.com", (line,)))
    for sign in ("<img", "<script", "\u202e", "49", "\r"):
        assert sign not in letter.html.replace("SEC-42", "")
    assert "\nBcc" not in letter.text
    assert "<" not in letter.subject


def test_every_situation_has_its_steps():
    for situation in SITUATIONS:
        kinds = [
            piece.kind
            for piece in digest.blocks(
                Notice("a@example.com", (a_line_in(situation),)), words_in("en", None), HEADS[0]
            )
        ]
        assert "subheading" in kinds
