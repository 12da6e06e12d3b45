"""Reads whether AWS Sign-In weighs identity policies at the sign-in to the console, and what else it weighs then.

See aws-facts.md#doors-and-credentials-found-later.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from rollout.aws.read.control_policies import RCP, policies_of_kind
from rollout.awsapi.calls import Calls
from rollout.awsapi.failures import CallFailed
from rollout.awsapi.faults import Fault
from rollout.awsapi.retries import Patience
from rollout.domain.people.sign_in import ConsoleAuthorization, Weighing

if TYPE_CHECKING:
    from mypy_boto3_organizations import OrganizationsClient

PATIENCE = Patience(deadline=20, silent=4)
"""A network may reach IAM and not AWS Sign-In, and no run waits three minutes in each account for that."""
NEVER_CONFIGURED = "ResourceNotFoundException"
ACTIONS = ("signin:authenticate", "signin:authorizeoauth2access", "signin:createoauth2token")


@dataclass(frozen=True, slots=True)
class CallerView:
    """How the organization's own setting is asked for: with the caller's credentials, by the organization's id."""

    organization_id: str
    calls: Calls
    sign_in: Any
    organizations: OrganizationsClient


@dataclass(slots=True)
class ConsoleAuthorizations:
    """Asks the organization once, and then each account, but none where the organization has it on.

    Safe to share between threads. Without an organization's id, only the accounts are asked.
    """

    partition: str
    caller_view: Callable[[], CallerView | None] = lambda: None
    _asked: bool = False
    _whole: ConsoleAuthorization | None = None
    _control_policies: tuple[str, ...] | None = None
    _unreached: str = ""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def of(self, account_id: str, calls: Calls, client: Any) -> ConsoleAuthorization:
        """Read one account's; what cannot be read says so. `client`: AWS Sign-In, signed as `calls` are."""
        if self.partition != "aws":
            return ConsoleAuthorization(
                Weighing.NOT_OFFERED, "AWS documents console authorization for its commercial Regions only"
            )
        whole = self._organization()
        if whole is not None and whole.state in {Weighing.ON, Weighing.NOT_OFFERED}:
            found = whole
        else:
            found = self._asked_for(account_id, f"account {account_id}", calls, client)
            if found.state is Weighing.OFF and whole is not None and whole.state is Weighing.UNREAD:
                found = whole  # off in the account, and perhaps on in the organization
        if found.state is not Weighing.ON:
            return found
        return replace(found, restrictions=(*_own_policy(calls, client), *self._about_sign_in()))

    def _organization(self) -> ConsoleAuthorization | None:
        with self._lock:
            if not self._asked:
                self._asked = True
                view = self.caller_view()
                if view is not None:
                    where = f"organization {view.organization_id}"
                    self._whole = self._asked_for(view.organization_id, where, view.calls, view.sign_in)
            return self._whole

    def _asked_for(self, target: str, where: str, calls: Calls, client: Any) -> ConsoleAuthorization:
        if self._unreached:
            return ConsoleAuthorization(Weighing.UNREAD, self._unreached)
        try:
            answer = patiently(calls).read(client.get_console_authorization_configuration, targetId=target)
        except CallFailed as failed:
            if failed.code == NEVER_CONFIGURED:
                return ConsoleAuthorization(Weighing.OFF, f"never turned on for {where}")
            if failed.not_offered:
                return ConsoleAuthorization(Weighing.NOT_OFFERED, failed.short)
            if failed.fault is Fault.UNSENT:
                self._unreached = failed.short
            return ConsoleAuthorization(Weighing.UNREAD, f"{failed.short}, asked for {where}")
        state = Weighing.ON if answer["consoleAuthorizationEnabled"] else Weighing.OFF
        return ConsoleAuthorization(state, where)

    def _about_sign_in(self) -> tuple[str, ...]:
        """Name the resource control policies about sign-in, read once."""
        with self._lock:
            if self._control_policies is None:
                view = self.caller_view()
                self._control_policies = tuple(_control_policies(view)) if view else ()
            return self._control_policies


def patiently(calls: Calls) -> Calls:
    """Return the same calls with the patience that fits AWS Sign-In."""
    return replace(calls, retries=replace(calls.retries, patience=PATIENCE))


def _own_policy(calls: Calls, client: Any) -> Iterator[str]:
    try:
        found = patiently(calls).read(client.get_resource_policy)["signinResourceBasedPolicy"]
    except CallFailed as failed:
        if failed.code != NEVER_CONFIGURED:
            yield f"Sign-In's resource policy was not read ({failed.short})"
        return
    for statement in found.get("statement", []):
        actions = ", ".join(sorted(statement.get("action", []))) or "no action"
        yield f"Sign-In's resource policy: {statement.get('effect', '?')} {actions}{_when(statement)}"


def _when(statement: Mapping[str, Any]) -> str:
    tests = (statement.get("condition") or {}).items()
    said = "; ".join(f"{operator} {', '.join(sorted(keys))}" for operator, keys in sorted(tests))
    return f" if {said}" if said else ""


def _control_policies(view: CallerView) -> Iterator[str]:
    try:
        for summary, document, targets in policies_of_kind(view.calls, view.organizations, RCP):
            if _is_about_sign_in(document):
                where = ", ".join(target.get("Name") or target["TargetId"] for target in targets)
                yield f"resource control policy {summary.get('Name', summary['Id'])} (attached to {where})"
    except CallFailed as failed:
        yield f"resource control policies were not read ({failed.short})"


def _is_about_sign_in(document: Mapping[str, Any] | str) -> bool:
    """Tell whether a statement that denies covers one of the actions of signing in."""
    if isinstance(document, str):
        return "signin:" in document.casefold()
    statements = document.get("Statement", [])
    for statement in statements if isinstance(statements, list) else [statements]:
        named = statement.get("Action", [])
        patterns = [named] if isinstance(named, str) else named
        if statement.get("Effect") == "Deny" and any(
            fnmatchcase(action, pattern.casefold()) for action in ACTIONS for pattern in patterns
        ):
            return True
    return False
