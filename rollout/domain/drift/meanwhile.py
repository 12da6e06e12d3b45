"""Finds accounts in which a run wrote while they were read: what was read there is neither before nor after it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from rollout.domain.progress.owned import PastChange
from rollout.domain.progress.progress import Progress


def written_between(before: Progress, after: Progress) -> frozenset[str]:
    """Name the accounts in which the journal knows other writes, or other open ones, than it did before."""
    earlier, later = _writes(before), _writes(after)
    return frozenset(one for one in {*earlier, *later} if earlier.get(one) != later.get(one))


def _writes(progress: Progress) -> Mapping[str, set[tuple[str, str, int]]]:
    owned, found = progress.owned, defaultdict[str, set[tuple[str, str, int]]](set)
    kinds: dict[str, Iterable[PastChange]] = {
        "made": owned.things.values(),
        "released": owned.released.values(),
        "documents": (one for several in owned.versions.values() for one in several),
        "open": progress.open,
    }
    for kind, changes in kinds.items():
        for one in changes:
            found[one.intent.change.account_id].add((kind, one.intent.run, one.intent.number))
    for account_id, run in progress.releases.braked.items():
        found[account_id].add(("braked", run, 0))
    return found
