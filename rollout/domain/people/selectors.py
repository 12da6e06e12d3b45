"""Finds the selectors of `rollout.yaml` that match nobody: a typing error protects nobody, and must be told."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from rollout.domain.people.exemptions import UserMatch
from rollout.domain.people.observations import Finding
from rollout.domain.people.organization import Account, account_of
from rollout.domain.people.users import Named

UNMATCHED, NOT_LOOKED_FOR = "selector-unmatched", "selector-not-looked-for"


class Selectable(Named, Protocol):
    """What a user can be selected by."""

    @property
    def name(self) -> str:
        """The user name."""

    @property
    def groups(self) -> tuple[str, ...]:
        """The names of the user's groups."""


@dataclass(frozen=True, slots=True)
class AccountSelector:
    """A selector of accounts: its key in `rollout.yaml`, its text, and which accounts it takes.

    `protects`: it keeps somebody from being enforced, so nobody may be enforced because of a typing error in it.
    """

    key: str
    text: str
    takes: Callable[[Account], bool]
    protects: bool = False


@dataclass(frozen=True, slots=True)
class UserSelector:
    """A selector of users, likewise. It counts up to and including the day `expires` (UTC); None: always."""

    key: str
    text: str
    takes: Callable[[Selectable], bool]
    protects: bool = False
    expires: date | None = None

    @property
    def account_id(self) -> str:
        """The account that an ARN names; empty for any other text."""
        return account_of(self.text)

    @property
    def line(self) -> SelectorLine:
        """Tells it from all others."""
        return self.key, self.text


Selector = AccountSelector | UserSelector
SelectorLine = tuple[str, str]
"""The key and the text of a selector."""


@dataclass(frozen=True, slots=True)
class Searched:
    """Where selectors were looked for: all listed accounts, and the users of those accounts that were read.

    `matched` are the selectors that match one of these users, as `matching` finds them.
    `unread` are the ids of accounts whose users were to be looked at and were not seen, or that `--account` and `--ou`
    leave out. `left_alone` are the ids of those that are closed or outside the scope: nobody is enforced there.
    """

    accounts: tuple[Account, ...]
    matched: frozenset[SelectorLine]
    unread: frozenset[str] = frozenset()
    left_alone: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class UnmatchedSelector:
    """A selector that matched nobody. `not_looked_for` says why that proves nothing; empty where it does."""

    selector: Selector
    not_looked_for: str = ""

    @property
    def refuses(self) -> bool:
        """Tell whether no plan may be made without the operator's word."""
        return self.selector.protects and not self.not_looked_for

    @property
    def sentence(self) -> str:
        """Say it for a person."""
        named = f'{self.selector.key}: "{self.selector.text}"'
        if self.not_looked_for:
            return f"{named} could not be checked: {self.not_looked_for}"
        return f"{named} matches no {'account' if isinstance(self.selector, AccountSelector) else 'user'}"

    @property
    def finding(self) -> Finding:
        """Put it as a finding."""
        return Finding(NOT_LOOKED_FOR if self.not_looked_for else UNMATCHED, self.sentence)


def names_user(key: str, text: str, *, protects: bool, expires: date | None = None) -> UserSelector:
    """Select one user by ARN or UserId, or everybody with a tag, as `UserMatch` does."""
    return UserSelector(key, text, UserMatch(text).matches, protects, expires)


def matching(selectors: Iterable[Selector], users: Collection[Selectable]) -> frozenset[SelectorLine]:
    """Find the selectors that match one of these users."""
    return frozenset(
        one.line for one in selectors if isinstance(one, UserSelector) and any(map(one.takes, users))
    )


def find_unmatched(
    selectors: Iterable[Selector], searched: Searched, today: date
) -> Iterator[UnmatchedSelector]:
    """Find the selectors that match nobody; those that have expired are not looked for."""
    for selector in selectors:
        match selector:
            case AccountSelector():
                if not any(map(selector.takes, searched.accounts)):
                    yield UnmatchedSelector(selector)
            case UserSelector():
                expired = selector.expires is not None and selector.expires < today
                if not expired and selector.line not in searched.matched:
                    yield UnmatchedSelector(selector, _why_not_looked_for(selector, searched))


def _why_not_looked_for(selector: UserSelector, searched: Searched) -> str:
    """Only an ARN tells in which account its user must be."""
    if account := selector.account_id:
        unseen = account in searched.unread or account in searched.left_alone
        return f"account {account} was not read" if unseen else ""
    count = len(searched.unread)
    return f"{count} account{'s were' if count > 1 else ' was'} not read" if count else ""
