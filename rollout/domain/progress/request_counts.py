"""What a run asked of AWS: requests, throttles and waits, by API."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from rollout.counted import number_of

MOST_NAMED = 3


@dataclass(frozen=True, slots=True)
class ApiRequests:
    """The requests of one API, such as `GetLoginProfile`, over all accounts. `waited`: seconds, of all threads."""

    api: str
    requests: int = 0
    throttled: int = 0
    waited: int = 0


def describe_requests(counts: Iterable[ApiRequests]) -> str:
    """Say how many there were, and name the APIs that AWS throttled; empty where nothing is known."""
    known = tuple(counts)
    if not known:
        return ""
    said = number_of(sum(one.requests for one in known), "request")
    throttled = sorted((one for one in known if one.throttled), key=lambda one: (-one.throttled, one.api))
    if throttled:
        named = ", ".join(f"{one.api} {one.throttled:,}" for one in throttled[:MOST_NAMED])
        more = f" and {len(throttled) - MOST_NAMED} more" if len(throttled) > MOST_NAMED else ""
        said += f", {sum(one.throttled for one in throttled):,} throttled ({named}{more})"
    waited = sum(one.waited for one in known)
    return said + (f", {waited:,} s waited" if waited else "")
