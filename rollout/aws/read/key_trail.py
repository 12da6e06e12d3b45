"""Looks up in CloudTrail what the access keys of one account call (`evidence.cloudtrail: lookup`).

`LookupEvents` takes one attribute, gives 50 events a page, newest first, knows 90 days of management events, and may be
called twice a second in an account and Region (aws-facts.md#doors-and-credentials-found-later).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from rollout.aws.read.imported_keys import ImportedKeys
from rollout.awsapi.calls import Calls
from rollout.awsapi.failures import CallFailed
from rollout.domain.people.key_activity import KEPT_FOR, KeyActivity, RecordedCall, activity_of, agent_of
from rollout.domain.people.observations import AccountFacts, Finding
from rollout.domain.people.users import AccessKey, User, label_of
from rollout.workflows.ports import KeptActivity

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient

MOST_PAGES = 4
"""How many pages are read of one key and Region, from the newest event on."""
SAMPLES, BETWEEN_SAMPLES = 12, timedelta(hours=29)
"""Beyond those pages, one page is read every 29 hours back: at each of twelve hours of the day, over two weeks."""
SAME_MOMENT = timedelta(seconds=2)
"""Within this, a listed key is the one that the credential report only numbers."""
_WITH_CODE = frozenset({"sts:GetSessionToken", "sts:AssumeRole"})


@dataclass(frozen=True, slots=True)
class RegionTrail:
    """CloudTrail of one account in one Region: its calls, which are paced, and its client."""

    calls: Calls
    client: Any


@dataclass(frozen=True, slots=True)
class TrailRegions:
    """Where to ask: in the partition's `home` Region in any case, for global services record their calls there.

    Besides, in the `chosen` Regions, or else where IAM has seen the keys last.
    """

    home: str
    chosen: tuple[str, ...] = ()

    def of(self, user: User) -> tuple[str, ...]:
        """List the Regions in which to ask about a user's keys."""
        seen = (key.region for key in user.active_keys if key.region)
        return tuple(sorted({self.home, *(self.chosen or seen)}))


class KeyTrail:
    """Adds to the users of one account what their access keys call; not reusable.

    A key that could not be looked up has no activity, and is in a finding: nothing is concluded about it.
    """

    def __init__(
        self,
        calls: Calls,
        client: IAMClient,
        regions: TrailRegions,
        open_region: Callable[[str], RegionTrail] | None,
        kept: KeptActivity | None = None,
        imported: ImportedKeys | None = None,
        stopping: Callable[[], bool] = lambda: False,
    ) -> None:
        """Keep the arguments; make no call yet.

        What is `imported` comes first, then what was `kept` today. Without `open_region`, CloudTrail is not asked.
        Where the run is `stopping`, nobody more is looked at: a large account takes minutes.
        """
        self._calls, self._client = calls, client
        self._regions, self._open = regions, open_region
        self._kept, self._imported, self._stopping = kept, imported, stopping
        self._closed: dict[str, str] = {}
        self._not_asked: dict[str, list[str]] = {}

    def added_to(self, facts: AccountFacts) -> AccountFacts:
        """Look up every active key of users of whose keys IAM knows a use within 90 days: others have no events.

        An imported file may tell of any key.
        """
        users = tuple(
            self._with_activity(user, facts.read_at)
            if user.active_keys and (self._imported or _has_events(user, facts.read_at))
            else user
            for user in facts.users
        )
        return replace(facts, users=users, findings=(*facts.findings, *self._findings()))

    def _with_activity(self, user: User, now: datetime) -> User:
        if self._stopping():
            self._not_asked.setdefault("the request to stop", []).append(user.name)
            return user
        try:
            listed = self._listed(user)
            wanted = [one["AccessKeyId"] for one in listed if one["Status"] == "Active"]
            found = [self._activity(key_id, user, now) for key_id in wanted]
            activity = tuple(one for one in found if one is not None)
        except CallFailed as failed:
            self._not_asked.setdefault(failed.short, []).append(user.name)
            return user
        except _RegionClosed as closed:
            self._not_asked.setdefault(str(closed), []).append(user.name)
            return user
        return replace(user, keys=_identified(user.keys, listed), activity=activity)

    def _listed(self, user: User) -> list[Mapping[str, Any]]:
        pages = self._calls.pages(self._client.list_access_keys, "Marker", UserName=user.name)
        return [key for page in pages for key in page["AccessKeyMetadata"]]

    def _activity(self, key_id: str, user: User, now: datetime) -> KeyActivity | None:
        """Find out about one key; None where nothing is to be found. Raises _RegionClosed."""
        if self._imported and (told := self._imported.of(key_id)):
            return told
        if (open_region := self._open) is None or not _has_events(user, now):
            return None
        regions = self._regions.of(user)
        source = f"CloudTrail in {', '.join(regions)}, management events"
        if self._kept and (earlier := self._kept.of(key_id, source, now.date())):
            return earlier
        seen = [self._in_region(open_region, region, key_id, now) for region in regions]
        calls = {event_id: call for part in seen for event_id, call in part.calls.items()}
        since, sampled = max(part.since for part in seen), any(part.sampled for part in seen)
        found = activity_of(label_of(key_id), source, now, since, calls.values(), sampled=sampled)
        if self._kept:
            self._kept.keep(key_id, found)
        return found

    def _in_region(
        self, open_region: Callable[[str], RegionTrail], region: str, key_id: str, now: datetime
    ) -> _Seen:
        if region in self._closed:
            raise _RegionClosed(self._closed[region])
        try:
            return _look_up(open_region(region), key_id, now)
        except CallFailed as failed:
            # What is refused for one key is refused for the next.
            self._closed[region] = f"{failed.short} in {region}"
            raise _RegionClosed(self._closed[region]) from failed

    def _findings(self) -> Iterator[Finding]:
        for why, names in self._not_asked.items():
            some = ", ".join(sorted(names)[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
            text = f"CloudTrail was not asked what the access keys of {some} call, because of {why}"
            yield Finding("key-evidence", text, self._calls.account_id)


class _RegionClosed(Exception):
    """A Region in which lookups fail, with the reason."""


@dataclass(frozen=True, slots=True)
class _Seen:
    """What was read of one key in one Region, by the id of the event."""

    calls: Mapping[str, RecordedCall]
    since: datetime
    sampled: bool


def _look_up(trail: RegionTrail, key_id: str, now: datetime) -> _Seen:
    """Read the newest events of a key, and samples of what is older. Raises CallFailed."""
    oldest, calls = now - KEPT_FOR, {}
    asked: dict[str, Any] = {
        "LookupAttributes": [{"AttributeKey": "AccessKeyId", "AttributeValue": key_id}],
        "StartTime": oldest,
        "EndTime": now,
    }
    events: list[Mapping[str, Any]] = []
    pages = trail.calls.pages(trail.client.lookup_events, "NextToken", **asked)
    more = False
    for number, page in enumerate(pages, 1):
        events += page["Events"]
        more = bool(page.get("NextToken"))
        if number == MOST_PAGES:
            break
    calls = dict(_recorded(events))
    if not more or not events:
        return _Seen(calls, oldest, sampled=False)
    since = min(event["EventTime"] for event in events).astimezone(UTC)
    for number in range(1, SAMPLES + 1):
        end = now - number * BETWEEN_SAMPLES
        if end < since:
            page = trail.calls.read(trail.client.lookup_events, **{**asked, "EndTime": end})
            calls |= _recorded(page["Events"])
    return _Seen(calls, since, sampled=True)


def _recorded(events: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, RecordedCall]]:
    """Read CloudTrail's records, which are JSON in a text; one that cannot be read counts as a call without MFA."""
    for event in events:
        record = _record_of(event)
        service = str(event.get("EventSource", "")).removesuffix(".amazonaws.com")
        operation = f"{service}:{event.get('EventName', '')}"
        with_mfa = _carried_code(record, operation)
        if with_mfa and record.get("errorCode"):
            continue  # a wrong code: neither a session, nor a call that the policy would deny
        yield (
            str(event.get("EventId", "")),
            RecordedCall(
                event["EventTime"].astimezone(UTC),
                operation,
                str(record.get("sourceIPAddress", "unknown")),
                agent_of(str(record.get("userAgent", ""))),
                with_mfa,
            ),
        )


def _record_of(event: Mapping[str, Any]) -> Mapping[str, Any]:
    try:
        record = json.loads(event.get("CloudTrailEvent") or "{}")
    except (ValueError, RecursionError):
        return {}
    return record if isinstance(record, dict) else {}


def _carried_code(record: Mapping[str, Any], operation: str) -> bool:
    attributes = _at(record, "userIdentity", "sessionContext", "attributes")
    if attributes.get("mfaAuthenticated") == "true":
        return True
    return operation in _WITH_CODE and bool(_at(record, "requestParameters").get("serialNumber"))


def _at(record: Mapping[str, Any], *names: str) -> Mapping[str, Any]:
    """Return a part of a record; empty where there is none."""
    for name in names:
        part = record.get(name)
        record = part if isinstance(part, dict) else {}
    return record


def _has_events(user: User, now: datetime) -> bool:
    uses = (key.last_used for key in user.active_keys)
    return any(used is not None and now - used <= KEPT_FOR for used in uses)


def _identified(keys: tuple[AccessKey, ...], listed: list[Mapping[str, Any]]) -> tuple[AccessKey, ...]:
    """Give each key of the credential report the ID of the listed key that was created at the same moment, if one was.

    Only what people read depends on it.
    """
    identified = []
    for key in keys:
        same = [
            one["AccessKeyId"]
            for one in listed
            if key.created is not None and abs(one["CreateDate"] - key.created) <= SAME_MOMENT
        ]
        identified.append(replace(key, id=same[0]) if len(same) == 1 else key)
    return tuple(identified)
