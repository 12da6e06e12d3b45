"""Collects one account's facts with bulk calls, and reads single users only where a verdict depends on it.

It takes nine calls per account including AssumeRole, not counting further pages (design.md#accounts). A fact that
could not be read becomes `Unread`; an operation that the endpoint does not offer becomes a finding. Neither stops the
rest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, TypeVar

from rollout.aws.read.account_limits import AccountSummary, read_password_policy, read_summary
from rollout.aws.read.authorization_details import Details, read_details
from rollout.aws.read.credential_report import CredentialReport
from rollout.aws.read.devices import VirtualDevices, read_virtual_devices
from rollout.aws.read.live_user import LiveUsers
from rollout.aws.read.managed_boundaries import ManagedBoundaries
from rollout.aws.read.report_rows import Report, ReportRow, UnusableReport
from rollout.aws.read.service_credentials import read_service_credentials
from rollout.aws.read.ssh_keys import read_ssh_keys, worth_asking
from rollout.awsapi.calls import Calls
from rollout.awsapi.failures import CallFailed
from rollout.awsapi.faults import Fault
from rollout.domain.people.observations import AccountFacts, Finding, Quotas
from rollout.domain.people.sign_in import ConsoleAuthorization
from rollout.domain.people.users import Credential, MfaDevice, Unread, User
from rollout.domain.plan.doors import SERVICE_CREDENTIALS, SSH_KEYS
from rollout.domain.proof.proof_users import is_of_a_proof
from rollout.domain.verdicts.passwords import first_use_doubtful
from rollout.workflows.ports import CannotEnter, Refusal

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient

T = TypeVar("T")

SMS_ENDED = datetime(2020, 1, 1, tzinfo=UTC)
"""Long after AWS stopped enabling devices that get codes by SMS (aws-facts.md#inventory-calls)."""

SAME_MOMENT = timedelta(seconds=2)
"""The report and the details round creation times differently; a user name that was reused differs by more."""


@dataclass(slots=True)
class AccountReading:
    """One reading of one account; not reusable."""

    calls: Calls
    client: IAMClient
    account_id: str
    now: datetime
    boundaries: ManagedBoundaries
    sign_in: Callable[[], ConsoleAuthorization] | None = None
    _unread: list[Unread] = field(default_factory=list)
    _not_offered: list[Unread] = field(default_factory=list)
    _findings: list[Finding] = field(default_factory=list)

    def facts(self) -> AccountFacts:
        """Read everything. Raises CannotEnter when the users cannot be listed."""
        report_in_making = CredentialReport(self.calls, self.client)
        report_in_making.start()
        details = self._details()
        virtual = self._noted("virtual MFA devices", lambda: read_virtual_devices(self.calls, self.client))
        services = self._needed(
            SERVICE_CREDENTIALS,
            lambda: read_service_credentials(self.calls, self.client, self.now),
        )
        summary = self._noted("quotas and root MFA", lambda: read_summary(self.calls, self.client))
        policy = self._needed("the password policy", lambda: read_password_policy(self.calls, self.client))
        report = self._report(report_in_making)
        details, proofs = _without_proofs(details)
        if proofs:
            count = f"{len(proofs)} throw-away user{'s' * (len(proofs) != 1)} of `rollout prove`"
            self._find("proof-left", f"{count} left out: {', '.join(sorted(user.name for user in proofs))}")
            report = replace(report, rows=_without(report.rows, proofs)) if report else None
        if report and self._somebody_else_exists(report, details):
            details, _ = _without_proofs(self._details())
        users = [
            replace(user, service_credentials=services.get(user.name, ()) if services else ())
            for user in self._users(details, report, virtual or VirtualDevices())
        ]
        users = self._with_ssh_keys(users, details)
        boundaries = tuple(
            self.boundaries.missing(
                users, details.policies, self.calls, self.client, lambda text: self._find("not-read", text)
            )
        )
        return AccountFacts(
            users=tuple(users),
            groups=details.groups,
            policies={**details.policies, **{policy.arn: policy for policy in boundaries}},
            read_at=self.now,
            report_at=report.generated_at if report else None,
            password_policy=policy,
            quotas=summary.quotas if summary else Quotas(),
            root_mfa_active=_root_mfa(report, summary),
            unassigned_devices=virtual.unassigned if virtual else (),
            sign_in=self._console_authorization(users),
            findings=tuple(self._findings),
            unread=tuple(self._unread),
            not_offered=tuple(self._not_offered),
        )

    def _details(self) -> Details:
        try:
            return read_details(self.calls, self.client, self.now)
        except CallFailed as failed:
            raise CannotEnter(failed.sentence, failed.cure) from failed

    def _report(self, report: CredentialReport) -> Report | None:
        try:
            return report.finish()
        except (CallFailed, UnusableReport) as error:
            why = error.short if isinstance(error, CallFailed) else str(error)
            self._find("no-credential-report", f"{why}; the users were read one at a time instead")
            return None

    def _needed(self, fact: str, ask: Callable[[], T]) -> T | None:
        """Read a fact that verdicts depend on; without it, no user of the account gets a clean verdict."""
        try:
            return ask()
        except CallFailed as failed:
            if failed.not_offered:
                self._lacks(fact, failed)
            else:
                self._unread.append(Unread(fact, failed.short))
            return None

    def _noted(self, fact: str, ask: Callable[[], T]) -> T | None:
        """Read a fact that live calls or AWS's defaults can replace."""
        try:
            return ask()
        except CallFailed as failed:
            code = "not-offered" if failed.not_offered else "not-read"
            self._find(code, f"{failed.short}; {fact} were not read")
            return None

    def _console_authorization(self, users: list[User]) -> ConsoleAuthorization | None:
        """Ask about the sign-in to the console; of an account without users, nobody needs to know."""
        return self.sign_in() if self.sign_in and users else None

    def _lacks(self, fact: str, failed: CallFailed) -> None:
        self._not_offered.append(Unread(fact, failed.short))
        self._find("not-offered", f"{failed.short}; the verdicts do not consider {fact}")

    def _find(self, code: str, text: str) -> None:
        self._findings.append(Finding(code, text, self.account_id))

    def _somebody_else_exists(self, report: Report, details: Details) -> bool:
        """Tell whether a user in the report but not in the details does exist: created or moved in the meantime."""
        known = {user.arn for user in details.users}
        live = LiveUsers(self.calls, self.client)
        for arn in sorted(report.rows.keys() - known):
            try:
                if live.named(arn.rpartition("/")[2]) is not None:
                    return True
            except CallFailed as failed:
                self._unread.append(Unread(f"whether {arn} still exists", failed.short))
        return False

    def _users(self, details: Details, report: Report | None, virtual: VirtualDevices) -> Iterator[User]:
        live = LiveUsers(self.calls, self.client)
        for user in details.users:
            row = report.rows.get(user.arn) if report else None
            if report and row and _is_of(row, user):
                yield self._of_report(live, user, row, report.generated_at, virtual.of_user.get(user.arn, ()))
                continue
            try:
                yield live.credentials(user, self.now)
            except Refusal:
                continue  # deleted while we were reading

    def _of_report(
        self,
        live: LiveUsers,
        user: User,
        row: ReportRow,
        generated_at: datetime,
        virtual: tuple[MfaDevice, ...],
    ) -> User:
        # Virtual devices are listed live: a user who enrolled one after the report has MFA.
        mfa_active = row.mfa_active or bool(virtual)
        seen = replace(
            user,
            facts_at=generated_at,
            password=row.password,
            mfa_active=mfa_active,
            devices=virtual if virtual or not mfa_active else None,
            keys=row.keys,
            certificates=row.certificates,
        )
        if seen.devices is None and (seen.active_keys or _may_have_sms(seen)):
            seen = self._read_live(
                seen, Credential.DEVICES, lambda: replace(seen, devices=live.devices(seen))
            )
        if first_use_doubtful(seen):
            last_used = seen.password.last_used if seen.password else None
            return self._read_live(
                seen, Credential.PASSWORD, lambda: replace(seen, password=live.password(seen, last_used))
            )
        return seen

    def _with_ssh_keys(self, users: list[User], details: Details) -> list[User]:
        asked, offered, seen = worth_asking(details.groups, details.policies), True, []
        for user in users:
            if offered and asked(user):
                try:
                    seen.append(replace(user, ssh_keys=read_ssh_keys(self.calls, self.client, user)))
                    continue
                except CallFailed as failed:
                    if failed.not_offered:
                        offered = False
                        self._lacks(SSH_KEYS, failed)
                    elif failed.fault is Fault.NOT_FOUND:
                        continue  # deleted while we were reading
                    else:
                        seen.append(replace(user, unread=(*user.unread, Unread(SSH_KEYS, failed.short))))
                        continue
            seen.append(user)
        return seen

    def _read_live(self, user: User, fact: Credential, ask: Callable[[], User]) -> User:
        try:
            return ask()
        except CallFailed as failed:
            return replace(user, unread=(*user.unread, Unread(fact.value, failed.short)))


def _without_proofs(details: Details) -> tuple[Details, tuple[User, ...]]:
    """Leave out the users whom proofs have made: nothing of a proof is ever in a plan (docs/proof.md)."""
    proofs = tuple(user for user in details.users if is_of_a_proof(user.path, user.name, user.tags))
    kept = tuple(user for user in details.users if user not in proofs) if proofs else details.users
    return replace(details, users=kept), proofs


def _without(rows: Mapping[str, ReportRow], users: tuple[User, ...]) -> Mapping[str, ReportRow]:
    gone = {user.arn for user in users}
    return {arn: row for arn, row in rows.items() if arn not in gone}


def _is_of(row: ReportRow, user: User) -> bool:
    """Tell whether the row is about this user, not about a deleted user of the same name.

    See aws-facts.md#names-paths-arns-tags.
    """
    if row.created is None or user.created is None:
        return True
    return abs(row.created - user.created) <= SAME_MOMENT


def _may_have_sms(user: User) -> bool:
    """Tell whether the device may be a phone that got codes by SMS; newer users cannot have one."""
    return user.created is not None and user.created < SMS_ENDED


def _root_mfa(report: Report | None, summary: AccountSummary | None) -> bool | None:
    if report and report.root_mfa_active is not None:
        return report.root_mfa_active
    return summary.root_mfa_active if summary else None
