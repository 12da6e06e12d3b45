"""What nobody sees, or what a terminal obeys, is written as its escape; all that people write stays as it is."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.visible_text import hidden_in, visible


@pytest.mark.parametrize(
    ("sign", "shown"),
    [
        ("\x1b", r"\x1b"),  # what starts the commands of a terminal
        ("\x9b", r"\x9b"),  # the same in one character
        ("\x07", r"\x07"),
        ("\x08", r"\x08"),
        ("\x7f", r"\x7f"),
        ("\n", r"\n"),
        ("\r", r"\r"),
        ("\t", r"\t"),
        ("\x85", r"\x85"),  # line breaks of Unicode
        ("\u2028", r"\u2028"),
        ("\u2029", r"\u2029"),
        *((chr(code), f"\\u{code:04x}") for code in (0x061C, 0x200E, 0x200F)),  # direction
        *((chr(code), f"\\u{code:04x}") for code in range(0x202A, 0x202F)),
        *((chr(code), f"\\u{code:04x}") for code in range(0x2066, 0x206A)),
        *((chr(code), f"\\u{code:04x}") for code in (0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF)),  # no width
        *((chr(code), f"\\u{code:04x}") for code in (0x00AD, 0x034F, 0x115F, 0x3164, 0xFE0F, 0xFFA0)),
        ("\U000e0041", r"\U000e0041"),  # tags, with which text can be smuggled
        ("\U000e0101", r"\U000e0101"),
        ("\ue000", r"\ue000"),  # private use: a font decides
        ("\ud800", r"\ud800"),  # half a character
    ],
    ids=ascii,
)
def test_what_is_hidden_is_shown_and_named(sign: str, shown: str):
    shown = shown.replace(r"\u00", r"\x")
    assert f"a{shown}b" == visible(f"a{sign}b")
    assert hidden_in(f"a{sign}b").startswith(f"U+{ord(sign):04X} ")


@pytest.mark.parametrize(
    "text",
    ["", "alice", "=cmd|' /C'!A0", "Zoë", "東京　本社", "العربية", "a\u00a0b", "C:\\new", "e\u0301", "🔑"],
)
def test_what_people_write_stays_as_it_is(text: str):
    assert text == visible(text)
    assert "" == hidden_in(text)


@given(st.text())
def test_nothing_hidden_is_left_and_twice_is_once(text: str):
    shown = visible(text)
    assert shown == visible(shown)
    assert "" == hidden_in(shown)
    assert (shown == text) == (not hidden_in(text))
    assert not {unicodedata.category(sign) for sign in shown} & {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
