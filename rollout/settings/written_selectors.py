"""Lists every selector that the operator wrote, so that those that match nobody can be told."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from rollout.domain.people.exemptions import UserMatch
from rollout.domain.people.organization import Account
from rollout.domain.people.scope import first_match, first_ou_match, first_tag_match
from rollout.domain.people.selectors import (
    AccountSelector,
    Selectable,
    Selector,
    UserSelector,
    names_user,
)
from rollout.settings.models import Machines, RolloutFile


def selectors_of(settings: RolloutFile) -> Iterator[Selector]:
    """List the selectors of accounts and users, in the order of the file.

    Machine marks that are defaults are nobody's typing error. `rules.machines.services` select no users by name: a
    service that no key was used for is no error either.
    """
    scope = settings.scope
    for part, section, protects in (
        ("include", scope.include, False),
        ("exclude", scope.exclude, True),
    ):
        yield from _of_accounts(
            f"scope.{part}", section.ous, section.accounts, section.account_tags, protects=protects
        )
    rules, default = settings.rules, Machines()
    for text in rules.break_glass:
        yield names_user("rules.break_glass", text, protects=True)
    for text in rules.enforce_machines:
        yield names_user("rules.enforce_machines", text, protects=False)
    for text in rules.machines.tags:
        if text not in default.tags:
            yield names_user("rules.machines.tags", text, protects=False)
    for group in rules.machines.groups:
        if group not in default.groups:
            yield UserSelector("rules.machines.groups", group, _is_member(group))
    for number, line in enumerate(settings.exemptions):
        yield names_user(f"exemptions[{number}].user", line.user, protects=True, expires=line.expires)
    for number, wave in enumerate(settings.waves):
        key = f"waves[{number}]"
        yield from _of_accounts(key, wave.ous, wave.accounts, wave.account_tags)
        for text in wave.user_tags:
            yield UserSelector(f"{key}.user_tags", text, UserMatch(text).matches)
        for glob in wave.users:
            yield UserSelector(f"{key}.users", glob, _has_name(glob))


def _of_accounts(
    key: str, ous: Iterable[str], accounts: Iterable[str], tags: Iterable[str], *, protects: bool = False
) -> Iterator[AccountSelector]:
    for name, texts, takes in (
        ("ous", ous, _is_below),
        ("accounts", accounts, _is_called),
        ("account_tags", tags, _is_tagged),
    ):
        for text in texts:
            yield AccountSelector(f"{key}.{name}", text, takes(text), protects)


def _is_below(glob: str) -> Callable[[Account], bool]:
    return lambda account: bool(first_ou_match((glob,), account.ou))


def _is_called(glob: str) -> Callable[[Account], bool]:
    return lambda account: bool(first_match((glob,), account.id, account.name))


def _is_tagged(text: str) -> Callable[[Account], bool]:
    return lambda account: bool(first_tag_match((text,), account.tags))


def _has_name(glob: str) -> Callable[[Selectable], bool]:
    return lambda user: bool(first_match((glob,), user.arn, user.id, user.name))


def _is_member(group: str) -> Callable[[Selectable], bool]:
    return lambda user: group in user.groups
