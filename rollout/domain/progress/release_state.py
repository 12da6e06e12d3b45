"""Who is let out now, by which release."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from rollout.domain.progress.records import Released, ReleaseEnded
from rollout.domain.progress.releases import ReleaseRecord


def account_release(releases: Sequence[ReleaseRecord], account_id: str, now: datetime) -> Released | None:
    """Find the release that lets a whole account out now; None when there is none, or it ran out or was ended."""
    for release in reversed(releases):
        if not release.release_scope.takes_account(account_id):
            continue
        if isinstance(release, ReleaseEnded):
            return None
        if is_live(release, now):
            return release
    return None


def user_release(
    releases: Sequence[ReleaseRecord], account_id: str, user_id: str, wave: str, now: datetime
) -> Released | None:
    """Find the release that lets a user out now, with the account or alone.

    An end counts for everything inside its scope: who ends the release of an account ends those of its users.
    """
    of_account = account_release(releases, account_id, now)
    if of_account is not None:
        return of_account
    for release in reversed(releases):
        if not release.release_scope.takes(account_id, user_id, wave):
            continue
        if isinstance(release, ReleaseEnded):
            return None
        if not release.release_scope.by_brake and is_live(release, now):
            return release
    return None


def is_live(release: Released, now: datetime) -> bool:
    """Tell whether a release has not run out yet."""
    return release.until is None or now < release.until


def lasting_releases(releases: Sequence[ReleaseRecord], now: datetime) -> tuple[Released, ...]:
    """Find the releases that have neither run out nor been ended as a whole, the oldest first."""
    found: list[Released] = []
    for release in releases:
        if isinstance(release, Released):
            found.append(release)
        else:
            found = [one for one in found if not release.release_scope.contains(one.release_scope)]
    return tuple(one for one in found if is_live(one, now))


def merged_releases(
    known: Sequence[ReleaseRecord], more: Iterable[ReleaseRecord]
) -> tuple[ReleaseRecord, ...]:
    """Join what the journal said when a run began with what was put beside it since; each once."""
    seen = {(release.run, type(release)) for release in known}
    return (*known, *(release for release in more if (release.run, type(release)) not in seen))


def describe_release(release: Released) -> str:
    """Say a release for a person."""
    until = f"until {release.until:%Y-%m-%d %H:%M} UTC" if release.until else "until it is ended"
    return f"{release.release_scope.words} released {until} by {release.caller}: {release.reason}"
