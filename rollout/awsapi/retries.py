"""Owns every retry of an AWS call: which errors are retried, how soon, and for how long.

See aws-facts.md#errors-and-retries.

A read is simply retried. A write is retried only when it cannot have taken effect: AWS throttled it, it met a
conflict, or it never reached AWS. A write whose response was lost raises `AnswerLost`; the workflow then reads
whether it took effect before repeating it.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Generic, TypeVar

from tenacity import RetryCallState, Retrying, retry_if_exception

from rollout.awsapi.attempts import CallRequest, CallResult
from rollout.awsapi.endpoints import date_of
from rollout.awsapi.failures import CallFailed, caller_failure, is_about_caller
from rollout.awsapi.faults import Fault, code_of, fault_of, headers_of, is_botocore
from rollout.awsapi.operations import Operation
from rollout.awsapi.pace import A_SECOND, Pace
from rollout.awsapi.time_limit import TimeLimit
from rollout.domain.progress.request_counts import ApiRequests
from rollout.workflows.ports import AnswerLost

log = logging.getLogger(__name__)

T = TypeVar("T")

WAITS = {
    Fault.THROTTLED: (0.2, 20.0),
    Fault.UNSENT: (0.2, 10.0),
    Fault.UNANSWERED: (0.1, 10.0),
    Fault.UNPARSABLE: (0.1, 10.0),
    Fault.CONFLICT: (0.5, 10.0),
    Fault.RECREATED: (2.0, 20.0),
    Fault.NOT_FOUND: (1.0, 5.0),
    Fault.EXPIRED: (0.0, 0.0),
}
"""First and longest wait in seconds. Each attempt doubles the wait; full jitter draws from zero up to it."""

REPEATABLE_WRITES = frozenset({Fault.THROTTLED, Fault.UNSENT, Fault.CONFLICT, Fault.RECREATED})
REPEATABLE_READS = REPEATABLE_WRITES | {Fault.UNANSWERED, Fault.UNPARSABLE}
LOST = frozenset({Fault.UNANSWERED, Fault.UNPARSABLE})
UNPARSABLE_ATTEMPTS = 3
"""Two unreadable responses in a row may be a proxy that garbles one in 20; three are the endpoint itself."""
LONGEST_ASKED_FOR = 60.0
"""Seconds; a longer `Retry-After` is cut to this, and the deadline decides."""


DOCUMENTED_A_SECOND = {
    "ListAccounts": 8.0,
    "ListTagsForResource": 10.0,
    "DescribeAccount": 20.0,
    "ListParents": 5.0,
    "ListAccountsForParent": 5.0,
    "ListOrganizationalUnitsForParent": 5.0,
    "ListChildren": 6.0,
    "ListRoots": 1.0,
    "DescribeOrganization": 1.0,
    "DescribeOrganizationalUnit": 2.0,
    "ListPolicies": 5.0,
    "ListPoliciesForTarget": 5.0,
    "ListTargetsForPolicy": 5.0,
    "DescribePolicy": 2.0,
    "ListDelegatedAdministrators": 5.0,
}
"""How often AWS Organizations may be asked (aws-facts.md#quotas-and-rates)."""
OTHERS_A_SECOND = A_SECOND / 2


@dataclass(frozen=True, slots=True)
class Patience:
    """How often and for how long one call is attempted."""

    attempts: int = 12
    deadline: float = 180.0
    propagation: int = 5
    """Attempts on an object created moments ago that AWS does not find yet (aws-facts.md#eventual-consistency)."""
    silent: int | None = None
    """Attempts without an answer; None: as many as of all kinds."""


MAIL = Patience(attempts=6, deadline=60.0)
"""For handing over one message; nobody waits for the others meanwhile."""
GREYLISTED = (60.0, 300.0)
"""Seconds after which messages are handed over again to servers that take none at first from senders new to them."""
BRIEF = Patience(attempts=3, deadline=3.0)
"""For what people who are to be let out do not need, and what they would have to wait for."""


@dataclass(frozen=True, slots=True)
class Dated:
    """AWS's time in the `Date` header of an answer, and what our counter and this machine's clock said then."""

    said_at: datetime
    heard_at: float
    local: datetime


@dataclass(slots=True)
class Retries:
    """Makes calls with retries; a process shares one, since it remembers which operations the endpoint offers.

    `newest` is the time in the newest response that had one.
    """

    patience: Patience = field(default_factory=Patience)
    sleep: Callable[[float], None] = time.sleep
    monotonic: Callable[[], float] = time.monotonic
    chance: Callable[[], float] = random.random
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    newest: Dated | None = None
    aside: Callable[[float], None] | None = None
    """Sleeps, too, and lets another account be worked on meanwhile."""
    awaited: int = 0
    """How many wait aside now."""
    share: float = 1.0
    """The part of the caller's own budgets that is this process's; others have the rest (docs/cluster.md)."""
    limit: TimeLimit | None = None
    """How long to wait for the service at all, where people wait to be let out."""
    _offered: set[str] = field(default_factory=set)
    _missing: set[str] = field(default_factory=set)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _requests: dict[str, tuple[int, int, float]] = field(default_factory=dict)
    _budgets: dict[str, Pace] = field(default_factory=dict)

    def note_request(self, api: str, *, waited: float = 0.0, throttled: bool = False) -> None:
        """Count a request of an API and for how long it waited, or that AWS throttled one."""
        with self._lock:
            requests, refused, seconds = self._requests.get(api, (0, 0, 0.0))
            self._requests[api] = (requests + (not throttled), refused + throttled, seconds + waited)

    def requests(self) -> tuple[ApiRequests, ...]:
        """Give what was asked since this was asked last, by API."""
        with self._lock:
            counts, self._requests = sorted(self._requests.items()), {}
        return tuple(
            ApiRequests(api, count, refused, round(waited)) for api, (count, refused, waited) in counts
        )

    def budget_of(self, attempt: CallRequest[Any]) -> Pace | None:
        """Give the budget of an API of the organization, which all workers share; None until AWS throttles it."""
        return None if attempt.account_id else self._budgets.get(attempt.operation.name)

    def slow_down(self, attempt: CallRequest[Any]) -> None:
        """Halve the pace in an account; an API of the organization is from now on asked as often as AWS documents."""
        if attempt.account_id:
            attempt.pace.slow_down()
            return
        with self._lock:
            name = attempt.operation.name
            if name not in self._budgets:
                self._budgets[name] = self.pace(DOCUMENTED_A_SECOND.get(name, OTHERS_A_SECOND))
            budget = self._budgets[name]
        budget.slow_down()

    def wait_aside(self, seconds: float) -> None:
        """Wait for what AWS has to do in an account, and not because it was asked too often; `awaited` counts."""
        with self._lock:
            self.awaited += 1
        try:
            (self.aside or self.sleep)(seconds)
        finally:
            with self._lock:
                self.awaited -= 1

    def pace(self, a_second: float = A_SECOND) -> Pace:
        """Create the token bucket for one more account; at first, and at most, so many calls are made in a second."""
        return Pace(self.sleep, self.monotonic, rate=a_second, burst=a_second)

    def call(self, attempt: CallRequest[T]) -> CallResult[T]:
        """Make the call. Raises CallFailed, AnswerLost, NoCredentials, ExpiredCredentials, AwsFailure."""
        if self.limit is None:
            return self._call(attempt)
        return self.limit.call(lambda: self._call(attempt), attempt.operation.name, attempt.account_id)

    def _call(self, attempt: CallRequest[T]) -> CallResult[T]:
        operation = attempt.operation
        if operation.name in self._missing:
            raise CallFailed.missing(operation.name, attempt.account_id)
        run = _Run(self, attempt)
        retrying = Retrying(
            stop=run.exhausted,
            wait=run.wait,
            retry=retry_if_exception(run.should_retry),
            before_sleep=run.log_retry,
            sleep=self.sleep,
            reraise=True,
        )
        try:
            value = retrying(run.once)
        except Exception as error:
            if not is_botocore(error):
                raise
            raise run.translated(error) from error
        self._offered.add(operation.name)
        self._note_time(value)
        return CallResult(value, run.attempts)

    def _note_time(self, answer: object) -> None:
        headers = (
            answer.get("ResponseMetadata", {}).get("HTTPHeaders", {}) if isinstance(answer, dict) else {}
        )
        if said_at := date_of(headers.get("date")):
            self.newest = Dated(said_at, self.monotonic(), self.now())

    def repeat(self, once: Callable[[], T], wait_for: Callable[[Exception], float | None]) -> T:
        """Do something that is no AWS call until it succeeds, such as handing a mail to a server.

        `wait_for` gives the seconds that an error asks to wait (0: no matter how long), None for one that lasts. Raises
        the last error.
        """
        started = self.monotonic()

        def asked_for(state: RetryCallState) -> float | None:
            error = state.outcome.exception() if state.outcome else None
            return wait_for(error) if isinstance(error, Exception) else None

        def wait(state: RetryCallState) -> float:
            first, cap = WAITS[Fault.UNSENT]
            drawn = self.chance() * min(cap, first * 2.0 ** (state.attempt_number - 1))
            return max(drawn, min(LONGEST_ASKED_FOR, asked_for(state) or 0.0))

        def exhausted(state: RetryCallState) -> bool:
            spent = self.monotonic() - started + state.upcoming_sleep
            return state.attempt_number >= self.patience.attempts or spent >= self.patience.deadline

        retrying = Retrying(
            stop=exhausted,
            wait=wait,
            retry=lambda state: asked_for(state) is not None,
            sleep=self.sleep,
            reraise=True,
        )
        return retrying(once)

    def is_missing(self, error: Exception, operation: Operation, unparsable: int) -> bool:
        """Tell whether the endpoint lacks the operation: it says so, or its responses stay unreadable.

        An operation that has succeeded once counts as offered, even when a later call fails. `unparsable` is the
        number of unreadable responses to this call.
        """
        fault = fault_of(error)
        missing = fault is Fault.NOT_OFFERED or (
            fault is Fault.UNPARSABLE and operation.may_be_missing and unparsable >= UNPARSABLE_ATTEMPTS
        )
        with self._lock:
            if not missing or operation.name in self._offered:
                return False
            self._missing.add(operation.name)
            return True


def brief_retries() -> Retries:
    """Make the retries of one service that nobody who is to be let out may have to wait for."""
    return Retries(BRIEF, limit=TimeLimit())


class _Run(Generic[T]):
    """One call with all its attempts."""

    def __init__(self, retries: Retries, attempt: CallRequest[T]) -> None:
        self._retries = retries
        self._attempt = attempt
        self._started = retries.monotonic()
        self._renewed = False
        self._unparsable = self._silent = 0
        self.attempts = 0

    def once(self) -> T:
        attempt, retries = self._attempt, self._retries
        api = retries.budget_of(attempt)
        waited = attempt.pace.take() + (api.take() if api else 0.0)
        self.attempts += 1
        attempt.tally.count("calls")
        retries.note_request(attempt.operation.name, waited=waited)
        try:
            return attempt.make()
        except Exception as error:
            if is_botocore(error) and fault_of(error) is Fault.THROTTLED:
                attempt.tally.count("throttled")
                retries.note_request(attempt.operation.name, throttled=True)
                retries.slow_down(attempt)
            raise

    def should_retry(self, error: BaseException) -> bool:
        if not isinstance(error, Exception) or not is_botocore(error) or is_about_caller(error):
            return False
        fault = fault_of(error)
        if fault is Fault.EXPIRED:
            return self._renew()
        if fault is Fault.NOT_FOUND:
            return self._attempt.just_made and self.attempts < self._retries.patience.propagation
        self._unparsable += fault is Fault.UNPARSABLE
        self._silent += fault in {Fault.UNSENT, Fault.UNANSWERED}
        if self._retries.is_missing(error, self._attempt.operation, self._unparsable):
            return False
        return fault in (REPEATABLE_WRITES if self._attempt.operation.writes else REPEATABLE_READS)

    def _renew(self) -> bool:
        # AWS checks expiry first, so the call had no effect: even a write may be repeated, once.
        if self._renewed:
            return False
        self._renewed = True
        if self._attempt.renew:
            self._attempt.renew()
        return True

    def exhausted(self, state: RetryCallState) -> bool:
        patience = self._retries.patience
        spent = self._retries.monotonic() - self._started
        attempts = patience.attempts if patience.silent is None else patience.silent
        return (
            self.attempts >= patience.attempts
            or self._silent >= attempts
            or spent + state.upcoming_sleep >= patience.deadline
        )

    def wait(self, state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        if not isinstance(error, Exception):
            return 0.0
        fault = fault_of(error)
        first, cap = WAITS.get(fault, (0.5, 10.0))
        drawn = self._retries.chance() * min(cap, first * 2.0 ** (self.attempts - 1))
        return max(drawn, min(LONGEST_ASKED_FOR, _asked_for(error, self._retries.now)))

    def log_retry(self, state: RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        self._attempt.tally.count("retries")
        log.info(
            "%s in account %s: %s on attempt %d, retrying in %.1f s",
            self._attempt.operation.name,
            self._attempt.account_id or "(the caller's)",
            code_of(error) if isinstance(error, Exception) else "",
            self.attempts,
            state.upcoming_sleep,
        )

    def translated(self, error: Exception) -> Exception:
        attempt = self._attempt
        name = attempt.operation.name
        if is_about_caller(error):
            return caller_failure(error, name, attempt.account_id)
        failed = CallFailed.of(error, name, attempt.account_id, self.attempts)
        if attempt.operation.writes and failed.fault in LOST:
            return AnswerLost(failed.sentence)
        if attempt.own_credentials and failed.fault in {Fault.EXPIRED, Fault.UNKNOWN_KEYS}:
            return caller_failure(error, name, attempt.account_id)
        return failed


def _asked_for(error: Exception, now: Callable[[], datetime]) -> float:
    """Seconds that AWS asks to wait: `Retry-After` in seconds or as a date, `x-amz-retry-after` in milliseconds."""
    headers = headers_of(error)
    try:
        if "x-amz-retry-after" in headers:
            return float(headers["x-amz-retry-after"]) / 1000
        asked = headers.get("retry-after", "")
        if not asked:
            return 0.0
        if asked.strip().isdigit():
            return float(asked)
        seconds: float = (parsedate_to_datetime(asked) - now()).total_seconds()
        return max(0.0, seconds)
    except (ValueError, TypeError):
        return 0.0
