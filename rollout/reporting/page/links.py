"""Spells the addresses within the page, by which its script shows one account, one user or those of a filter."""

from __future__ import annotations

from urllib.parse import quote


def filtered(**texts: str) -> str:
    """Give the address of the users for whom these columns say so: `#filter=verdict:hold,wave:canary`."""
    return "#filter=" + ",".join(f"{name}:{quote(text, safe='')}" for name, text in texts.items())


def only(**what: str) -> str:
    """Give the address of one `account`, `ou` or `user`."""
    return "#" + "&".join(f"{name}={quote(text, safe='')}" for name, text in what.items())
