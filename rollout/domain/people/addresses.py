"""Finds where a person can be told: IAM users have no address of their own (aws-facts.md#notification-channels)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from rollout.domain.people.users import User, tag

_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_{|}~-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")


@dataclass(frozen=True, slots=True)
class AddressTag:
    """`{tag: email}`: the address stands in a user tag."""

    key: str


@dataclass(frozen=True, slots=True)
class NameIsAddress:
    """`{username_is_address: true}`: the user name itself is the address, where it looks like one."""


AddressRule = AddressTag | NameIsAddress


def address_of(user: User, rules: tuple[AddressRule, ...]) -> str:
    """Find a user's address by the first rule that gives one; empty when none does."""
    return next((found for rule in rules if is_address(found := _try(rule, user))), "")


def is_address(text: str) -> bool:
    """Tell whether this can stand in a To: header as one plain address."""
    return len(text) <= 254 and _ADDRESS.fullmatch(text) is not None


def _try(rule: AddressRule, user: User) -> str:
    match rule:
        case AddressTag(key=key):
            return tag(user, key) or ""
        case NameIsAddress():
            return user.name
