"""Selects the accounts and users that a command works on; exclusion takes precedence over inclusion."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase

from rollout.domain.people.organization import Account


@dataclass(frozen=True, slots=True)
class Scope:
    """`scope:` of `rollout.yaml`. Account patterns match the ID or the name, OU patterns the path of names.

    Account tags are `key=value`; when no tag is included, tags do not matter.
    """

    include_ous: tuple[str, ...] = ("*",)
    include_accounts: tuple[str, ...] = ("*",)
    exclude_ous: tuple[str, ...] = ()
    exclude_accounts: tuple[str, ...] = ()
    include_tags: tuple[str, ...] = ()
    exclude_tags: tuple[str, ...] = ()

    def excludes(self, account: Account) -> str:
        """Say why an account is outside the scope; "" when it is inside."""
        if matched := first_match(self.exclude_accounts, account.id, account.name):
            return f'excluded by account "{matched}"'
        if matched := first_ou_match(self.exclude_ous, account.ou):
            return f'excluded by OU "{matched}"'
        if matched := first_tag_match(self.exclude_tags, account.tags):
            return f'excluded by tag "{matched}"'
        if not first_match(self.include_accounts, account.id, account.name):
            return "not matched by scope.include.accounts"
        if not first_ou_match(self.include_ous, account.ou):
            return "not matched by scope.include.ous"
        if self.include_tags and not first_tag_match(self.include_tags, account.tags):
            return "not matched by scope.include.account_tags"
        return ""


@dataclass(frozen=True, slots=True)
class Selection:
    """`--account`, `--ou`, `--user`: narrow one command. Empty tuples do not narrow it."""

    accounts: tuple[str, ...] = ()
    ous: tuple[str, ...] = ()
    users: tuple[str, ...] = ()

    def takes_account(self, account_id: str, name: str, ou: str) -> bool:
        """Tell whether an account is selected."""
        if self.accounts and not first_match(self.accounts, account_id, name):
            return False
        return not self.ous or bool(first_ou_match(self.ous, ou))

    def takes_user(self, arn: str, name: str, user_id: str) -> bool:
        """Tell whether a user is selected; patterns match the ARN, the name or the UserId."""
        return not self.users or bool(first_match(self.users, arn, name, user_id))


class Unmatched:
    """The patterns of a selection that have matched nothing so far, so that a typing error does not go unnoticed."""

    def __init__(self, selection: Selection) -> None:
        """Start with all patterns."""
        self._accounts, self._ous = list(selection.accounts), list(selection.ous)
        self._users = list(selection.users)

    def see_account(self, account_id: str, name: str, ou: str) -> None:
        """Remove the patterns that an account matches."""
        self._accounts = [glob for glob in self._accounts if not first_match((glob,), account_id, name)]
        self._ous = [glob for glob in self._ous if not first_ou_match((glob,), ou)]

    def see_user(self, arn: str, name: str, user_id: str) -> None:
        """Remove the patterns that a user matches."""
        self._users = [glob for glob in self._users if not first_match((glob,), arn, name, user_id)]

    @property
    def words(self) -> str:
        """Return the remaining patterns as typed: `--account "prod-*"`; "" when none remain."""
        left = (("--account", self._accounts), ("--ou", self._ous), ("--user", self._users))
        return ", ".join(f'{option} "{glob}"' for option, globs in left for glob in globs)


def first_match(globs: tuple[str, ...], *texts: str) -> str:
    """Return the first pattern that matches one of the texts; "" when none does."""
    return next((glob for glob in globs if any(fnmatchcase(text, glob) for text in texts)), "")


def first_tag_match(wanted: tuple[str, ...], tags: Mapping[str, str]) -> str:
    """Return the first `key=value` that an account has as a tag, case-sensitively; "" when it has none of them."""
    return next((text for text in wanted if tags.get(text.partition("=")[0]) == text.partition("=")[2]), "")


def first_ou_match(globs: tuple[str, ...], ou: str) -> str:
    """Return the first pattern that matches an OU path; `Workloads/Prod` includes everything below, `*` the root.

    `Suspended/*` means the same as `Suspended`, since an OU's accounts are below it.
    """
    return next((glob for glob in globs if _takes_ou(glob, ou)), "")


def _takes_ou(glob: str, ou: str) -> bool:
    if fnmatchcase(ou, glob) or fnmatchcase(ou, f"{glob}/*"):
        return True
    return bool(ou) and glob.endswith("/*") and fnmatchcase(ou, glob.removesuffix("/*"))
