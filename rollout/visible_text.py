"""Makes text that comes from outside visible: nothing in it moves a cursor, hides, or turns the reading direction.

Names and tags of AWS, the store, settings and error texts may hold whatever somebody typed. Whoever shows text passes
it through `visible`; whoever records what an operator types refuses it with `hidden_in`.
"""

from __future__ import annotations

import re
import unicodedata

# Characters that are printable to Python, and yet show nothing: Default_Ignorable_Code_Point of Unicode, apart from
# what `str.isprintable` refuses already.
_IGNORABLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180d\u180f\u3164\ufe00-\ufe0f\uffa0\U000e0100-\U000e01ef]"
)
# Zs: a space of another width is a space.
_SHOWS_ITSELF = "Zs"


def visible(text: str) -> str:
    r"""Write each hidden character as its escape, such as `\x1b`, `\n` or `\u202e`; other text stays as it is.

    Hidden are control characters (line breaks and tabs too), what sets the direction of text, joiners, characters of
    no width, and those that no font can know.
    """
    if _plain(text):
        return text
    return "".join(_escape(sign) if _hidden(sign) else sign for sign in text)


def hidden_in(text: str) -> str:
    """Name the first hidden character, such as `U+202E RIGHT-TO-LEFT OVERRIDE`; empty where there is none."""
    if _plain(text):
        return ""
    found = next((sign for sign in text if _hidden(sign)), "")
    return f"U+{ord(found):04X} {unicodedata.name(found, 'control character')}" if found else ""


def _plain(text: str) -> bool:
    """Settle nearly every text in one look."""
    return text.isprintable() and (text.isascii() or not _IGNORABLE.search(text))


def _hidden(sign: str) -> bool:
    if sign.isprintable():
        return _IGNORABLE.match(sign) is not None
    return unicodedata.category(sign) != _SHOWS_ITSELF


def _escape(sign: str) -> str:
    return sign.encode("unicode_escape").decode()
