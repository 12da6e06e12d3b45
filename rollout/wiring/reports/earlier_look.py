"""Finds where everybody stood on an earlier day, and tells who has moved since."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time

from rollout.domain.plan.entries import AccountPlan, Header
from rollout.domain.progress.progress import Progress
from rollout.domain.progress.projection import replay
from rollout.domain.status.movements import Movements, Standing, compared
from rollout.domain.status.user_status import Statuses
from rollout.errors import NoPlan
from rollout.store.filed_plan import FiledPlan
from rollout.wiring.stores import Files
from rollout.workflows.ports import StoredPlan


def moved_since(files: Files, stored: StoredPlan, since: str, progress: Progress, now: datetime) -> Movements:
    """Compare where everybody stands with where they stood.

    `since` is a day, from whose beginning in UTC on it is told, or a plan, from whose making on it is. Raises NoPlan
    where there was no plan by then.
    """
    then, at = _then(files, stored.header.organization_id, since)
    journal = (one for one in files.journal("report").records() if one.at <= at)
    before = replay(journal, stored.header.organization_id)
    return compared(
        f"{at:%Y-%m-%d %H:%M} UTC",
        _standing(files, then.header, then.accounts(), before, at),
        f"{now:%Y-%m-%d %H:%M} UTC",
        _standing(files, stored.header, stored.accounts(), progress, now),
    )


def _then(files: Files, organization_id: str, since: str) -> tuple[FiledPlan, datetime]:
    try:
        at = datetime.combine(date.fromisoformat(since), time(), UTC)
    except ValueError:
        plan = files.plans.load(since, organization_id, whole=False)
        return plan, plan.header.created
    found = files.plans.made_until(organization_id, at)
    if found is None:
        raise NoPlan(f"there was no plan yet on {at:%Y-%m-%d %H:%M} UTC", cure="name a later day, or a plan")
    return found, at


def _standing(
    files: Files, header: Header, parts: Iterable[AccountPlan], progress: Progress, at: datetime
) -> Iterator[tuple[str, Iterable[Standing]]]:
    statuses = Statuses(header, progress, files.settings.domain_notified(), at)

    def users(part: AccountPlan) -> Iterator[Standing]:
        for entry in part.entries:
            status = statuses.of(entry.user, entry)
            yield Standing(
                entry.user.id, entry.user.arn, status.state_code, status.waits_for or ", ".join(entry.because)
            )

    for part in parts:
        yield part.account_id, users(part)
