"""Finds who is let out now, and by which release."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from rollout.domain.progress.projection import Placed, Progress
from rollout.domain.progress.records import Released, ReleaseEnded
from rollout.domain.progress.releases import ReleaseRecord, ToReturn


def account_release(releases: Sequence[ReleaseRecord], account_id: str, now: datetime) -> Released | None:
    """Find the release that lets a whole account out now; None if there is none that still lasts."""
    about = (release for release in releases if release.release_scope.takes_account(account_id))
    return _last_live(about, now)


def user_release(
    releases: Sequence[ReleaseRecord], account_id: str, user_id: str, wave: str, now: datetime
) -> Released | None:
    """Find the release that lets a user out now, with the account or alone; None if there is none.

    An end applies to everything in its scope: ending the release of an account ends those of its users.
    """
    about = (
        release
        for release in releases
        if release.release_scope.takes(account_id, user_id, wave)
        and (isinstance(release, ReleaseEnded) or not release.release_scope.by_brake)
    )
    return account_release(releases, account_id, now) or _last_live(about, now)


def _last_live(releases: Iterable[ReleaseRecord], now: datetime) -> Released | None:
    """Find the newest of some releases that still lasts; none of those before an end does."""
    found = None
    for release in releases:
        if isinstance(release, ReleaseEnded):
            found = None
        elif is_live(release, now):
            found = release
    return found


def is_live(release: Released, now: datetime) -> bool:
    """Tell whether a release has not expired yet."""
    return release.until is None or now < release.until


def lasting_releases(releases: Sequence[ReleaseRecord], now: datetime) -> tuple[Released, ...]:
    """Find the releases that have neither expired nor been ended as a whole, oldest first."""
    found: list[Released] = []
    for release in releases:
        if isinstance(release, Released):
            found.append(release)
        else:
            found = [open_ for open_ in found if not release.release_scope.contains(open_.release_scope)]
    return tuple(release for release in found if is_live(release, now))


def accounts_released(releases: Sequence[ReleaseRecord], progress: Progress, now: datetime) -> frozenset[str]:
    """Name the accounts in which a release may let somebody out now; some of it may have ended."""
    found: set[str] = set()
    for release in lasting_releases(releases, now):
        scope = release.release_scope
        found |= {*scope.accounts, *(ref.account_id for ref in scope.users)}
        if scope.everybody:
            found |= {account_id for account_id, made in progress.made.items() if made.policies}
        known: tuple[Placed | ToReturn, ...] = (
            *progress.placed.values(),
            *progress.releases.to_return.values(),
        )
        for one in known:
            if scope.takes(one.user.account_id, one.user.id, one.wave):
                found.add(one.user.account_id)
    return frozenset(found)


def merged_releases(
    known: Sequence[ReleaseRecord], more: Iterable[ReleaseRecord]
) -> tuple[ReleaseRecord, ...]:
    """Join the releases that a run knew when it began with those recorded since, each once."""
    seen = {(release.run, type(release)) for release in known}
    return (*known, *(release for release in more if (release.run, type(release)) not in seen))


def describe_release(release: Released) -> str:
    """Describe a release in one sentence."""
    until = f"until {release.until:%Y-%m-%d %H:%M} UTC" if release.until else "until it is ended"
    return f"{release.release_scope.text} released {until} by {release.caller}: {release.reason}"
