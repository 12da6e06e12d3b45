"""Makes the AWS calls of one identity in one account: looked up in the table, paced, retried, translated."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any, ParamSpec, Protocol, TypeVar

from rollout.awsapi.attempts import Answered, Attempt, Tally
from rollout.awsapi.failures import CallFailed
from rollout.awsapi.faults import Fault
from rollout.awsapi.operations import operation_named
from rollout.awsapi.pace import Pace
from rollout.awsapi.retries import Retries

P = ParamSpec("P")
T = TypeVar("T")
Page = TypeVar("Page", bound=Mapping[str, object])


class Identity(Protocol):
    """Whose credentials sign a call."""

    own: bool
    """Whether they are the caller's own."""

    def signing(self) -> AbstractContextManager[None]:
        """Sign with these credentials while the block runs. Raises what entering the account raises."""

    def renew(self) -> None:
        """The credentials were found expired: get others before the next call."""


class CallerIdentity:
    """The caller's own credentials; botocore renews them where it can."""

    own = True

    def signing(self) -> AbstractContextManager[None]:
        """The client signs with them by itself."""
        return nullcontext()

    def renew(self) -> None:
        """Nothing to do: botocore has asked for fresh ones before it signs."""


@dataclass(slots=True)
class Calls:
    """Calls into one account; safe to share between threads.

    Every method may raise CallFailed for one call that failed for good, and NoCredentials, ExpiredCredentials or
    AwsFailure when nothing more can be called at all.
    """

    account_id: str
    identity: Identity
    retries: Retries
    pace: Pace
    tally: Tally = field(default_factory=Tally)

    def read(self, method: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Make one call of a client's method, as often as it takes."""
        return self._call(lambda: method(*args, **kwargs), method, just_made=False).value

    def write(self, method: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Answered[T]:
        """Make one write. Raises AnswerLost when it may or may not have happened."""
        return self._call(lambda: method(*args, **kwargs), method, just_made=False)

    def write_to_new(self, method: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Answered[T]:
        """Make one write on something made moments ago: "not found" may only mean "not yet".

        See aws-facts.md#eventual-consistency.
        """
        return self._call(lambda: method(*args, **kwargs), method, just_made=True)

    def pages(self, method: Callable[..., Page], token: str, **params: object) -> Iterator[Page]:
        """Ask page after page until there is no token; an empty page may still carry one (aws-facts.md#organizations).

        `token` is `Marker` or `NextToken`, as the service calls it. Raises CallFailed rather than end early on an
        answer that cannot be.
        """
        asked = {""}
        following = ""
        while True:
            page = self.read(method, **params, **({token: following} if following else {}))
            yield page
            following = str(page.get(token) or "")
            if page.get("IsTruncated") is False or not (following or page.get("IsTruncated")):
                return
            if following in asked:
                raise CallFailed(
                    "paging",
                    self.account_id,
                    Fault.PERMANENT,
                    "RepeatedToken",
                    "a page names itself as the next one",
                )
            asked.add(following)

    def maybe(self, method: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T | None:
        """Make one read; None when what it asks for is not there."""
        try:
            return self.read(method, *args, **kwargs)
        except CallFailed as failed:
            if failed.fault is Fault.NOT_FOUND:
                return None
            raise

    def _call(self, make: Callable[[], T], method: Callable[..., Any], *, just_made: bool) -> Answered[T]:
        def once() -> T:
            with self.identity.signing():
                return make()

        client = getattr(method, "__self__", None)
        service, name = _name_of(client, method.__name__)
        return self.retries.call(
            Attempt(
                make=once,
                operation=operation_named(service, name),
                account_id=self.account_id,
                pace=self.pace,
                tally=self.tally,
                own_credentials=self.identity.own,
                renew=self.identity.renew,
                just_made=just_made,
            )
        )


def _name_of(client: Any, method: str) -> tuple[str, str]:
    """`client.get_user` is operation GetUser of service iam."""
    return client.meta.service_model.service_name, client.meta.method_to_api_mapping[method]
