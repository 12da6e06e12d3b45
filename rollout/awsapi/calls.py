"""Makes the AWS calls of one identity in one account, so that each is allow-listed, paced, retried and translated."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any, ParamSpec, Protocol, TypeVar

from rollout.awsapi.attempts import CallCounts, CallRequest, CallResult
from rollout.awsapi.failures import CallFailed
from rollout.awsapi.faults import Fault
from rollout.awsapi.operations import operation_named, writing_to
from rollout.awsapi.pace import Pace
from rollout.awsapi.retries import Retries
from rollout.domain.policy.our_arns import OurArns

P = ParamSpec("P")
T = TypeVar("T")
Page = TypeVar("Page", bound=Mapping[str, object])


class Identity(Protocol):
    """The credentials that sign a call."""

    own: bool
    """Whether these are the caller's own credentials."""

    def signing(self) -> AbstractContextManager[None]:
        """Sign with these credentials while the block runs. Raises the same errors as entering the account."""

    def renew(self) -> None:
        """Discard the expired credentials, so that the next call fetches fresh ones."""


class CallerIdentity:
    """The caller's own credentials, which botocore refreshes where it can."""

    own = True

    def signing(self) -> AbstractContextManager[None]:
        """Do nothing: the client signs with these credentials by default."""
        return nullcontext()

    def renew(self) -> None:
        """Do nothing: botocore refreshes its credentials before it signs."""


@dataclass(slots=True)
class Calls:
    """Calls into one account; safe to share between threads.

    Every method raises CallFailed when its call failed for good, and NoCredentials, ExpiredCredentials or AwsFailure
    when no further call can succeed.
    """

    account_id: str
    identity: Identity
    retries: Retries
    pace: Pace
    tally: CallCounts = field(default_factory=CallCounts)
    ours: OurArns | None = None
    """What these calls may write to; with None, to nothing."""

    def read(self, method: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call a client's method, retrying as needed."""
        return self._call(lambda: method(*args, **kwargs), method, just_made=False).value

    def write(self, method: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> CallResult[T]:
        """Make one write. Raises AnswerLost when it is unknown whether the write took effect."""
        return self._call(lambda: method(*args, **kwargs), method, just_made=False)

    def write_to_new(self, method: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> CallResult[T]:
        """Write to an object created moments ago, where "not found" may only mean "not visible yet".

        See aws-facts.md#eventual-consistency.
        """
        return self._call(lambda: method(*args, **kwargs), method, just_made=True)

    def pages(self, method: Callable[..., Page], token: str, **params: object) -> Iterator[Page]:
        """Yield every page; an empty page may still carry a token (aws-facts.md#organizations).

        `token` is `Marker` or `NextToken`, whichever the service uses. Raises CallFailed when a page repeats an
        earlier token, rather than end the listing early.
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
                    "a page returned a pagination token that was already used",
                )
            asked.add(following)

    def maybe(self, method: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T | None:
        """Make one read; None when the object does not exist."""
        try:
            return self.read(method, *args, **kwargs)
        except CallFailed as failed:
            if failed.fault is Fault.NOT_FOUND:
                return None
            raise

    def _call(self, make: Callable[[], T], method: Callable[..., Any], *, just_made: bool) -> CallResult[T]:
        def once() -> T:
            with writing_to(self.ours), self.identity.signing():
                return make()

        client = getattr(method, "__self__", None)
        service, name = _name_of(client, method.__name__)
        return self.retries.call(
            CallRequest(
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
    """Return the service and the operation of a client's method: `client.get_user` gives `iam` and `GetUser`."""
    return client.meta.service_model.service_name, client.meta.method_to_api_mapping[method]
