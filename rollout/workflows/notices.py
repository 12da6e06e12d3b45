"""`rollout notices`: who was told what and when, whether it still counts, and what a user would be told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime

from rollout.domain.people.addresses import normalised_address
from rollout.domain.people.scope import Selection
from rollout.domain.people.users import UserRef
from rollout.domain.plan.entries import AccountPlan, PlanEntry
from rollout.domain.progress.following import seen_to_arrive
from rollout.domain.progress.messages import Delivery, Notice, NoticeWorth, notice_to
from rollout.domain.progress.projection import Progress
from rollout.domain.progress.records import DeliverySeen, Reminded, Told
from rollout.domain.verdicts.verdict import Kind
from rollout.errors import EmptySelection
from rollout.workflows.apply.planned_notices import NoticeRules, PlannedNotices
from rollout.workflows.ports import StoredPlan


@dataclass(frozen=True, slots=True)
class Said:
    """One notice or reminder about one user, and whether it still counts.

    `state` is a `NoticeWorth`; a reminder has none. `why` says more.
    """

    at: datetime
    kind: str
    user_arn: str
    account_id: str
    wave: str
    address: str
    impact: str
    due: datetime
    delivery: str
    state: str
    why: str
    message_id: str = ""

    def as_dict(self) -> dict[str, object]:
        """Give it as JSON-able values."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


@dataclass(frozen=True, slots=True)
class _Receiver:
    """Somebody who was told: where their account stands, and what the newest notice is worth, by its run and time."""

    account_name: str
    ou: str
    newest: tuple[str, datetime]
    worth: NoticeWorth
    why: str


Receivers = Mapping[str, _Receiver]
"""By UserId: everybody who was ever told."""


def who_was_told(stored: StoredPlan, progress: Progress, rules: NoticeRules, now: datetime) -> Receivers:
    """Find out what everybody's newest notice is worth now."""
    notices = PlannedNotices(stored, progress, rules, now)
    receivers: dict[str, _Receiver] = {}
    where = frozenset(told.user.account_id for told in progress.notices.values())
    for part in stored.accounts(where) if where else ():
        for entry in part.entries:
            told = progress.notices.get(entry.user.id)
            if told is not None:
                worth, why = _worth(told, entry, notices)
                newest = told.run, told.at
                receivers[entry.user.id] = _Receiver(part.name, part.ou, newest, worth, why)
    for user_id, told in progress.notices.items():
        if user_id not in receivers:
            worth, why = _worth(told, None, notices)
            receivers[user_id] = _Receiver("", "", (told.run, told.at), worth, why)
    return receivers


@dataclass(frozen=True, slots=True)
class UnreachedUser:
    """A user who cannot be notified, for no address is known."""

    account_id: str
    account_name: str
    user: UserRef


def unreached(accounts: Iterable[AccountPlan]) -> Iterator[UnreachedUser]:
    """List the users of a plan who are held because no address is known, by account."""
    for part in accounts:
        for entry in part.entries:
            if entry.is_unreached:
                yield UnreachedUser(part.account_id, part.name, entry.user)


class Messages:
    """The notices and reminders that were sent, oldest first; each is laid out when it is asked for."""

    def __init__(
        self,
        sent: Iterable[Told | Reminded | DeliverySeen],
        receivers: Receivers,
        selection: Selection = Selection(),  # noqa: B008 - a frozen value without contents
    ) -> None:
        """Keep those of the journal that a selection takes. What was sent since `receivers` were found is left out.

        Raises EmptySelection if a selection matches nobody who was told.
        """
        self._receivers = receivers
        self._newest: dict[str, Told] = {}
        self._sent: list[Told | Reminded] = []
        self._seen: dict[tuple[str, str], DeliverySeen] = {}
        for one in sent:
            if isinstance(one, DeliverySeen):
                self._see(one)
            else:
                self._keep(one, selection)
        self._sent.sort(key=lambda one: (one.at, one.user.arn, isinstance(one, Reminded)))
        if not self._sent and (selection.users or selection.accounts or selection.ous):
            raise EmptySelection(
                "nobody who was told matches --account / --ou / --user",
                cure="list all notices: rollout notices",
            )

    def _keep(self, sent: Told | Reminded, selection: Selection) -> None:
        receiver, before = self._receivers.get(sent.user.id), self._newest.get(sent.user.id)
        if receiver is None or not _chosen(selection, sent.user, receiver):
            return
        if isinstance(sent, Told):
            if before is not None and (before.run, before.at) == receiver.newest:
                return
            self._newest[sent.user.id] = sent
        self._sent.append(sent)

    def _see(self, seen: DeliverySeen) -> None:
        """Keep how a message fared; what failed stands."""
        key = seen.user.id, seen.message_id
        if key not in self._seen or not self._seen[key].delivery.failed:
            self._seen[key] = seen

    def _fared(self, sent: Told) -> Told:
        seen = self._seen.get((sent.user.id, sent.message_id))
        return seen_to_arrive(sent, seen) if seen else sent

    def __len__(self) -> int:
        """Count them."""
        return len(self._sent)

    def __iter__(self) -> Iterator[Said]:
        """Yield them, with what each is worth."""
        for sent in self._sent:
            if isinstance(sent, Reminded):
                yield _said(sent, "reminder", "", "")
            elif (newest := self._newest[sent.user.id]) is sent:
                receiver = self._receivers[sent.user.id]
                yield _said(self._fared(sent), "notice", receiver.worth, receiver.why)
            else:
                why = f"by the notice of {newest.at:%Y-%m-%d %H:%M} UTC"
                yield _said(self._fared(sent), "notice", NoticeWorth.REPLACED, why)

    def deliveries(self) -> Counter[Delivery]:
        """Count the users by how far their newest notice got."""
        return Counter(self._fared(told).delivery for told in self._newest.values())


def preview(
    stored: StoredPlan, progress: Progress, rules: NoticeRules, now: datetime, who: str | None
) -> Notice:
    """Return the message that a user of the plan would get; `who` is an ARN or UserId, None the first who gets one.

    Raises EmptySelection.
    """
    entries = (entry for part in stored.accounts() for entry in part.entries)
    notices = PlannedNotices(stored, progress, rules, now)

    def is_wanted(entry: PlanEntry) -> bool:
        return notices.has(entry) if who is None else who in (entry.user.arn, entry.user.id)

    entry = next(filter(is_wanted, entries), None)
    if entry is None:
        missing = f"has no user {who}" if who else "has nobody who would get a message"
        raise EmptySelection(f"plan {stored.header.id} {missing}", cure="list its users: rollout show")
    if not notices.has(entry):
        held = f"{entry.verdict} ({', '.join(entry.because)})"
        why = "nothing changes for them" if entry.verdict is Kind.ENFORCE else f"the verdict is {held}"
        raise EmptySelection(f"{who} would get no message: {why}", cure="rollout show --user explains it")
    mine = list(notices.to({normalised_address(entry.address)}))
    together = [one for one in mine if one.wave == entry.wave]
    lines = sorted((one.line for one in together), key=lambda line: (line.due, line.user.arn))
    addressees = [replace(one.addressee, address=entry.address) for one in together]
    zone = rules.schedule.zone or UTC
    notice = notice_to(addressees, tuple(lines), zone, stored.header.organization_id)
    return replace(notice, others=tuple(one.line for one in mine if one.wave != entry.wave))


def _chosen(selection: Selection, user: UserRef, receiver: _Receiver) -> bool:
    in_account = selection.takes_account(user.account_id, receiver.account_name, receiver.ou)
    return in_account and selection.takes_user(user.arn, user.name, user.id)


def _worth(told: Told, entry: PlanEntry | None, notices: PlannedNotices) -> tuple[NoticeWorth, str]:
    """Return what a user's newest notice is worth now, and why."""
    status = notices.statuses.of(told.user, entry)
    if status.enforced:
        placed = notices.progress.placed.get(told.user.id)
        return (
            NoticeWorth.USED,
            f"enforced {placed.at:%Y-%m-%d %H:%M} UTC" if placed else f"enforced by {status.by}",
        )
    if status.released:
        return NoticeWorth.USED, "enforced before, released now"
    if entry is None:
        return NoticeWorth.NOT_NEEDED, "no longer in the plan"
    if entry.verdict is not Kind.ENFORCE or entry.impact is None:
        return NoticeWorth.NOT_NEEDED, f"the verdict is {entry.verdict} ({', '.join(entry.because)})"
    worth, why = notices.worth(told, entry)
    if worth is NoticeWorth.COUNTS:
        opens = notices.notified.opens_at(told)
        why = "ready" if notices.now >= opens else f"ready from {opens:%Y-%m-%d %H:%M} UTC"
    return worth, why


def _said(said: Told | Reminded, kind: str, state: str, why: str) -> Said:
    return Said(
        said.at,
        kind,
        said.user.arn,
        said.user.account_id,
        said.wave,
        said.address,
        said.impact.value,
        said.due,
        said.delivery.value,
        state,
        why or said.detail,
        said.message_id,
    )
