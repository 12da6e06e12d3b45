"""Which accounts and users a command is about: globs, exclude wins, and nothing is never everything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

from rollout.domain.people.organization import Account


@dataclass(frozen=True, slots=True)
class Scope:
    """`scope:` of `rollout.yaml`. Account globs match the id or the name, OU globs the path by names.

    Tags of accounts are `key=value`; without any to include, tags do not matter.
    """

    include_ous: tuple[str, ...] = ("*",)
    include_accounts: tuple[str, ...] = ("*",)
    exclude_ous: tuple[str, ...] = ()
    exclude_accounts: tuple[str, ...] = ()
    include_tags: tuple[str, ...] = ()
    exclude_tags: tuple[str, ...] = ()

    def excludes(self, account: Account) -> str:
        """Say why an account is outside the scope; empty when it is inside."""
        if matched := first_match(self.exclude_accounts, account.id, account.name):
            return f'excluded by account "{matched}"'
        if matched := first_ou_match(self.exclude_ous, account.ou):
            return f'excluded by OU "{matched}"'
        if matched := first_tag_match(self.exclude_tags, account.tags):
            return f'excluded by tag "{matched}"'
        if not first_match(self.include_accounts, account.id, account.name):
            return "no included account glob matches"
        if not first_ou_match(self.include_ous, account.ou):
            return "no included OU glob matches"
        if self.include_tags and not first_tag_match(self.include_tags, account.tags):
            return "no included tag matches"
        return ""


@dataclass(frozen=True, slots=True)
class Selection:
    """`--account`, `--ou`, `--user`: narrows one command. Empty tuples narrow nothing."""

    accounts: tuple[str, ...] = ()
    ous: tuple[str, ...] = ()
    users: tuple[str, ...] = ()

    def takes_account(self, account_id: str, name: str, ou: str) -> bool:
        """Tell whether an account is selected."""
        if self.accounts and not first_match(self.accounts, account_id, name):
            return False
        return not self.ous or bool(first_ou_match(self.ous, ou))

    def takes_user(self, arn: str, name: str, user_id: str) -> bool:
        """Tell whether a user is selected, by a glob over ARN, name or UserId."""
        return not self.users or bool(first_match(self.users, arn, name, user_id))


class Unmatched:
    """The globs of a selection that have matched nothing so far: a typing error must not narrow a run unnoticed."""

    def __init__(self, selection: Selection) -> None:
        """Begin with all of them."""
        self._accounts, self._ous = list(selection.accounts), list(selection.ous)
        self._users = list(selection.users)

    def see_account(self, account_id: str, name: str, ou: str) -> None:
        """Strike what an account matches."""
        self._accounts = [glob for glob in self._accounts if not first_match((glob,), account_id, name)]
        self._ous = [glob for glob in self._ous if not first_ou_match((glob,), ou)]

    def see_user(self, arn: str, name: str, user_id: str) -> None:
        """Strike what a user matches."""
        self._users = [glob for glob in self._users if not first_match((glob,), arn, name, user_id)]

    @property
    def words(self) -> str:
        """Name the rest as it was typed: `--account "prod-*"`; empty when nothing is left."""
        left = (("--account", self._accounts), ("--ou", self._ous), ("--user", self._users))
        return ", ".join(f'{option} "{glob}"' for option, globs in left for glob in globs)


def first_match(globs: tuple[str, ...], *texts: str) -> str:
    """Find the first glob that matches one of the texts; empty when none does."""
    return next((glob for glob in globs if any(fnmatchcase(text, glob) for text in texts)), "")


def first_tag_match(wanted: tuple[str, ...], tags: Mapping[str, str]) -> str:
    """Find the first `key=value` that is among the tags of an account, letter for letter; empty when none is."""
    return next((text for text in wanted if tags.get(text.partition("=")[0]) == text.partition("=")[2]), "")


def first_ou_match(globs: tuple[str, ...], ou: str) -> str:
    """Match an OU path; `Workloads/Prod` means that OU and everything below it, `*` the root too.

    `Suspended/*` means the same as `Suspended`: the accounts that hang on an OU are below it.
    """
    return next((glob for glob in globs if _takes_ou(glob, ou)), "")


def _takes_ou(glob: str, ou: str) -> bool:
    if fnmatchcase(ou, glob) or fnmatchcase(ou, f"{glob}/*"):
        return True
    return bool(ou) and glob.endswith("/*") and fnmatchcase(ou, glob.removesuffix("/*"))
