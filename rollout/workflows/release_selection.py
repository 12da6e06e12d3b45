"""Finds out whom `rollout release` means: accounts by the brake, a wave or users one by one."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence

from rollout.counted import number_of
from rollout.domain.people.organization import (
    UNKNOWN_ORGANIZATION,
    Account,
    AccountState,
    Caller,
    Organization,
    account_of,
)
from rollout.domain.people.scope import Selection, first_match
from rollout.domain.people.users import UserRef
from rollout.domain.policy.changes import is_about_enrolment, user_of
from rollout.domain.progress.projection import Progress
from rollout.domain.progress.records import Record, RunStarted
from rollout.domain.progress.release_scope import MOST_NAMED, ReleaseScope
from rollout.errors import AwsFailure, EmptySelection, OrganizationNotListable, Refused
from rollout.workflows.inventory import Premises, premises
from rollout.workflows.ports import AccountAccess, CannotEnter, OrganizationPort
from rollout.workflows.release import ReleaseSelection, ReleaseShare


def is_account_id(text: str) -> bool:
    """Tell an account id from a name or a glob."""
    return len(text) == 12 and text.isdigit()


def premises_for_the_brake(
    port: OrganizationPort,
    expected: str | None,
    known: Callable[[], Collection[Account]],
    organization_id: str,
    say: Callable[[str], None],
) -> Premises:
    """Find out where we are; where the organization cannot be listed, go by the accounts that are `known` otherwise.

    The brake has to work on the worst day, also when AWS Organizations does not answer.
    """
    try:
        return premises(port, expected)
    except (OrganizationNotListable, AwsFailure) as problem:
        accounts = known()
        if not accounts:
            cure = (
                f"name the accounts: release --account ID needs no AWS Organizations; or else: {problem.cure}"
            )
            raise OrganizationNotListable(str(problem), cure=cure) from problem
        say(
            "AWS Organizations does not answer; "
            f"going by the {number_of(len(accounts), 'account')} known without it: {problem}"
        )
    return premises_without_asking(port, accounts, organization_id)


def premises_without_asking(
    port: OrganizationPort, accounts: Iterable[Account], organization_id: str
) -> Premises:
    """Take these accounts for the whole organization, without a word to AWS Organizations."""
    caller: Caller = port.caller()
    organization = Organization(organization_id or UNKNOWN_ORGANIZATION, "", caller.partition)
    return Premises(caller, organization, tuple(sorted(accounts, key=lambda account: account.id)))


def last_organization(records: Iterable[Record]) -> str:
    """Name the organization that a store was last used for; empty where that is not known."""
    runs = [record.organization_id for record in records if isinstance(record, RunStarted)]
    return runs[-1] if runs else ""


def unlisted(account_id: str, name: str = "", ou: str = "") -> Account:
    """Make do with an account's id, and with what a plan says about it."""
    return Account(account_id, name or account_id, "", AccountState.ACTIVE, ou)


def everybody(accounts: Iterable[Account]) -> ReleaseSelection:
    """Mean every account that can be entered; whatever scope says, the brake reaches it."""
    active = [account for account in accounts if account.state is AccountState.ACTIVE]
    return ReleaseScope(everybody=True), tuple(ReleaseShare(account) for account in active)


def accounts_named(globs: Sequence[str], accounts: Iterable[Account]) -> ReleaseSelection:
    """Mean these accounts, by id, name or glob. Raises EmptySelection."""
    found = {
        account.id: account for account in accounts if first_match(tuple(globs), account.id, account.name)
    }
    missing = [glob for glob in globs if not any(_matches(glob, account) for account in found.values())]
    if missing:
        raise EmptySelection(f"no account matches {', '.join(missing)}", cure="give account ids: 12 digits")
    active = [account for account in found.values() if account.state is AccountState.ACTIVE]
    if not active:
        raise EmptySelection("none of these accounts is active", cure="closed accounts cannot be entered")
    ids = tuple(sorted(account.id for account in active))
    return ReleaseScope(accounts=ids), tuple(ReleaseShare(account) for account in active)


def wave_named(
    wave: str,
    progress: Progress,
    accounts: Iterable[Account],
    planned: Callable[[], Iterable[UserRef]] = tuple,
) -> ReleaseSelection:
    """Mean everybody whom this tool has enforced in a wave, or was about to; and who was released with it before.

    They are named by UserId: the release lasts for them whatever the wave is called later, and wherever their account
    moves. Raises EmptySelection for a wave nobody knows.
    """
    refs = {placed.user.id: placed.user for placed in progress.placed.values() if placed.wave == wave}
    refs |= {one.user.id: one.user for one in progress.releases.to_return.values() if one.wave == wave}
    for done in progress.open:
        ref = user_of(done.intent.change)
        if ref is not None and done.intent.wave == wave and not is_about_enrolment(done.intent.change):
            refs[ref.id] = ref
    for record in progress.releases.records:
        if record.release_scope.wave == wave:
            refs |= {ref.id: ref for ref in record.release_scope.users if ref.id not in refs}
    if not refs and wave not in _waves(progress):
        # The journal may be lost; `planned` are the users whom the newest plan puts in the wave.
        refs = {ref.id: ref for ref in planned()}
    if not refs and wave not in _waves(progress):
        known = ", ".join(sorted(_waves(progress))) or "none"
        raise EmptySelection(f'the journal has no wave "{wave}"', cure=f"waves in the journal: {known}")
    found = tuple(sorted(refs.values(), key=lambda ref: ref.arn))
    named = found if len(found) <= MOST_NAMED else ()
    return ReleaseScope(wave=wave, users=named), _by_account(found, accounts)


def users_named(
    globs: Sequence[str], progress: Progress, accounts: Sequence[Account], access: AccountAccess
) -> ReleaseSelection:
    """Mean users by ARN, name, UserId or glob: those of the journal, else by a look at the account of an ARN.

    Raises EmptySelection where one of them matches nobody, and Refused where they match too many for one record.
    """
    refs: dict[str, UserRef] = {}
    unmatched: list[str] = []
    for glob in globs:
        one = Selection(users=(glob,))
        found = [ref for ref in _users(progress) if one.takes_user(ref.arn, ref.name, ref.id)]
        account_id = account_of(glob)
        if not found and is_account_id(account_id):
            found = _look_for(glob, account_id, accounts, access)
        if not found:
            unmatched.append(glob)
        refs |= {ref.id: ref for ref in found}
    if unmatched:
        raise EmptySelection(
            f"no user matches --user {', '.join(unmatched)}",
            cure="give the full ARN: rollout then looks for the user in the account",
        )
    if len(refs) > MOST_NAMED:
        raise Refused(
            f"--user matches {number_of(len(refs), 'user')}; a release names at most {MOST_NAMED:,}",
            cure="release a --wave, an --account or --all, which need no names",
        )
    named = tuple(sorted(refs.values(), key=lambda ref: ref.arn))
    return ReleaseScope(users=named), _by_account(named, accounts)


_WILDCARDS = frozenset("*?[")


def _look_for(
    glob: str, account_id: str, accounts: Sequence[Account], access: AccountAccess
) -> list[UserRef]:
    account = next((one for one in accounts if one.id == account_id), unlisted(account_id))
    try:
        entered = access.enter(account)
        if not _WILDCARDS & set(glob):  # one look is enough, and a credential report can take a while
            named = entered.user_named(glob.rpartition("/")[2])
            return [named] if named and first_match((glob,), named.arn) else []
        facts = entered.read()
    except CannotEnter as refusal:
        raise EmptySelection(
            f"account {account_id} could not be read: {refusal.why}", cure=refusal.cure
        ) from refusal
    return [user.ref for user in facts.users if first_match((glob,), user.arn)]


def _users(progress: Progress) -> list[UserRef]:
    returning = [one.user for one in progress.releases.to_return.values()]
    return [*(placed.user for placed in progress.placed.values()), *returning]


def _waves(progress: Progress) -> set[str]:
    carried = {wave for _, wave in progress.carried}
    placed = {one.wave for one in progress.placed.values()}
    returning = {one.wave for one in progress.releases.to_return.values()}
    return (progress.waves_told | carried | placed | returning) - {""}


def _by_account(refs: Iterable[UserRef], accounts: Iterable[Account]) -> tuple[ReleaseShare, ...]:
    listed = {account.id: account for account in accounts}
    shares: dict[str, list[UserRef]] = {}
    for ref in refs:
        shares.setdefault(ref.account_id, []).append(ref)
    return tuple(
        ReleaseShare(listed.get(account_id, unlisted(account_id)), tuple(mine))
        for account_id, mine in sorted(shares.items())
    )


def _matches(glob: str, account: Account) -> bool:
    return bool(first_match((glob,), account.id, account.name))
