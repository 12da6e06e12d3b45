"""Lets users of the embedded organization feel changes of their policies late, as AWS may take seconds to apply them.

with felt_late(sandbox, calls=3):
    ...  # after each change, the next three calls of a user are still weighed by the policies before it

with felt_late(sandbox, delay=timedelta(seconds=5)):
    ...  # the same for five seconds of the sandbox's clock

Whoever reads IAM sees each change at once, as the read-back of a run does: only calls that users sign themselves,
with a key or a session of theirs, are weighed late. Roles are not concerned.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest

from rollout.domain.iam import Policies
from rollout.sandbox.access import authority
from rollout.sandbox.access.callers import SignedCaller
from rollout.sandbox.serving.server import Sandbox
from rollout.sandbox.world.world import SandboxWorld
from tests.interventions import Application, Call, Environ, StartResponse

_READS = ("Get", "List", "Generate")
_rights_of = authority.rights_of


@contextmanager
def felt_late(sandbox: Sandbox, *, calls: int = 0, delay: timedelta = timedelta(0)) -> Iterator[None]:
    """Weigh users' calls by earlier policies until they have made `calls` calls and `delay` has passed."""
    late = _Late(sandbox._world, calls, delay)
    inner: Application = sandbox._server.app

    def outer(environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        call = Call.of(environ, late.world)
        if call.service == "iam" and not call.operation.startswith(_READS):
            late.about_to_change(call.account)
        return inner(environ, start_response)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(authority, "rights_of", late.rights_of)
        patch.setattr(sandbox._server, "app", outer)
        yield


@dataclass(frozen=True)
class _Change:
    """What a user's policies were before a change, and when it was made: by the clock, and in the user's own calls."""

    before: Policies
    at: datetime
    call: int


@dataclass
class _Late:
    world: SandboxWorld
    calls: int
    delay: timedelta
    changes: dict[str, list[_Change]] = field(default_factory=lambda: defaultdict(list))
    made: Counter[str] = field(default_factory=Counter)

    def about_to_change(self, account: str) -> None:
        """Remember the policies of all users of an account; a write that was not about a user leaves no change."""
        with self.world.lock:
            for user in self.world.iam(account).users.values():
                before = _rights_of(self.world, SignedCaller("", "", account, user.arn, user.id, user=user))
                changes = self.changes[user.id]
                if changes and changes[-1].before == before:
                    changes.pop()
                changes.append(_Change(before, self.world.clock.now(), self.made[user.id]))

    def rights_of(self, world: SandboxWorld, caller: SignedCaller) -> Policies:
        """Return the policies by which a call is weighed, and count it."""
        current = _rights_of(world, caller)
        if caller.user is None:
            return current
        changes = self.changes[caller.user_id]
        while changes and self._is_felt(changes[0], caller.user_id):
            changes.pop(0)
        self.made[caller.user_id] += 1
        if not changes:
            return current
        before = changes[0].before
        return Policies(before.identity, before.boundary, before.scps, current.session)

    def _is_felt(self, change: _Change, user_id: str) -> bool:
        waited = self.world.clock.now() - change.at
        return self.made[user_id] - change.call >= self.calls and waited >= self.delay
