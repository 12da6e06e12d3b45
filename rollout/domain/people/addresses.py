"""Finds a person's email address, which IAM users do not have by themselves (aws-facts.md#notification-channels)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from rollout.domain.people.users import User, tag

_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_{|}~-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")


@dataclass(frozen=True, slots=True)
class AddressTag:
    """`{tag: email}`: the address is the value of a user tag."""

    key: str


@dataclass(frozen=True, slots=True)
class NameIsAddress:
    """`{username_is_address: true}`: the user name is the address, if it looks like one."""


AddressRule = AddressTag | NameIsAddress


def address_of(user: User, rules: tuple[AddressRule, ...]) -> str:
    """Return a user's address by the first rule that gives one; "" when none does."""
    return next((found for rule in rules if is_address(found := _try(rule, user))), "")


def is_address(text: str) -> bool:
    """Tell whether the text is one plain address, fit for a To: header."""
    return len(text) <= 254 and _ADDRESS.fullmatch(text) is not None


def normalised_address(address: str) -> str:
    """Return an address for comparison: one in other capitals is the same person's."""
    return address.casefold()


def _try(rule: AddressRule, user: User) -> str:
    match rule:
        case AddressTag(key=key):
            return tag(user, key) or ""
        case NameIsAddress():
            return user.name
