"""Decides who is asked next, and reads those users anew together, right before their turns and after their writes.

Authorization details tell of many users by one call what would take five calls of each. They are read in pages as large
as can be acted on while they are fresh (design.md#accounts).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from rollout.domain.actions.writes import Write
from rollout.domain.people.users import FRESH_FOR, User
from rollout.domain.policy.changes import AddMember, AttachToUser
from rollout.workflows.account_run.account_command import AccountWork
from rollout.workflows.account_run.journalled_writes import Unsettled
from rollout.workflows.ports import CannotEnter

FEW = 5
"""Up to so many are asked one by one: it takes no longer, and less lies between an answer and the write."""
AT_ONCE = 50
"""How many users who are to be placed a page has at first."""
MOST_ON_A_PAGE = 1000
BEGUN_WITHIN = FRESH_FOR / 2
"""How old a page may be when somebody's turn comes, so that there is time left to ask for the password and to write."""


@dataclass(slots=True, eq=False)
class Page:
    """Some of the users of an account, read together. `under_way`: turns that have not come to an end yet.

    `ended`: no other turn comes of it.
    """

    after: str
    size: int
    known: Mapping[str, User]
    seen: Mapping[str, User]
    under_way: int = 0
    ended: bool = False
    placed: list[tuple[Write, Unsettled]] = field(default_factory=list)


@dataclass(frozen=True, slots=True, eq=False)
class Turn:
    """One write for one user. `known` is whom it places, as they were read with the account; `page` tells more."""

    write: Write
    known: User | None = None
    page: Page | None = None

    @property
    def seen(self) -> User | None:
        """The user as the page shows them."""
        return self.page.seen[self.known.id] if self.page and self.known else None


class LiveTurns:
    """The writes of users, in the order in which their turn comes; for one thread."""

    def __init__(self, at: AccountWork, work: Sequence[Write]) -> None:
        """Take the writes; nothing is read yet."""
        self._at = at
        self._plain = [one for one in work if not _places(one)]
        self._left: dict[str, list[Write]] = {}
        for one in work:
            if one.user and _places(one):
                self._left.setdefault(one.user.id, []).append(one)
        users = at.context.facts.users if self._left else ()
        self._known = {user.id: user for user in users if user.id in self._left}
        self._size = min(MOST_ON_A_PAGE, AT_ONCE * len(users) // max(1, len(self._left)))

    def __iter__(self) -> Iterator[Turn]:
        """Yield those that place nobody, then users by pages as they are read, then whom no page has shown."""
        yield from (Turn(one) for one in self._plain)
        if len(self._left) > FEW:
            with suppress(CannotEnter):  # who is asked alone will hear of it
                yield from self._by_pages()
        yield from [Turn(one, self._known[key]) for key, writes in self._left.items() for one in writes]

    def look_again(self, page: Page) -> Mapping[str, User]:
        """Read the users of a page once more, by UserId; who is not shown has to be asked for alone."""
        try:
            found = self._at.entered.page_now(page.known, page.after, page.size, devices=False)
        except CannotEnter:
            return {}
        return {user.id: user for user in found.users}

    def _by_pages(self) -> Iterator[Turn]:
        after = ""
        while self._left and not self._at.run.stopped:
            size = self._size
            found = self._at.entered.page_now({key: self._known[key] for key in self._left}, after, size)
            there = {user.id: user for user in found.users}
            due = [key for key in self._left if key in there]
            page = Page(after, size, {key: self._known[key] for key in due}, there)
            begun = 0
            for key in due:
                if begun and self._at.run.now() - there[key].rights_at > BEGUN_WITHIN:
                    break
                begun += 1
                for one in self._left.pop(key):
                    page.under_way += 1
                    yield Turn(one, self._known[key], page)
            page.ended = True
            if begun < len(due):  # too old for the others: the page is read once more, and a smaller one
                self._size = max(1, size * begun // len(due))
            elif found.following:
                after = found.following
            else:
                return


def _places(write: Write) -> bool:
    return isinstance(write.change, AddMember | AttachToUser) and not write.in_place
