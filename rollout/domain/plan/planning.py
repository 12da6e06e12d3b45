"""Turns one observed account into its part of the plan: everybody judged, everybody to be enforced in a wave."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from rollout.domain.people.inventory import Inventory, NotEntered, Observed, Unreachable
from rollout.domain.people.organization import AccountState
from rollout.domain.people.users import User
from rollout.domain.plan.entries import AccountPlan, Entry, Facts, LeftOut, Ours
from rollout.domain.plan.findings import about_account
from rollout.domain.plan.fingerprints import fingerprint, policy_digest
from rollout.domain.plan.waves import Wave, wave_of
from rollout.domain.policy.our_resources import State
from rollout.domain.verdicts.judge import judge
from rollout.domain.verdicts.judged_account import JudgedAccount, judged_account
from rollout.domain.verdicts.lookalikes import lookalikes
from rollout.domain.verdicts.rights import Library
from rollout.domain.verdicts.rules import Rules
from rollout.domain.verdicts.verdict import Kind, Row, Verdict


@dataclass(frozen=True, slots=True)
class PlannedAccount:
    """An account's part of the plan, and the `enforce` users that no wave takes: those refuse the plan."""

    plan: AccountPlan
    without_wave: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Planner:
    """Judges account after account by the same rules, at the same moment, with documents parsed once."""

    rules: Rules
    waves: tuple[Wave, ...]
    now: datetime
    groups_made: frozenset[tuple[str, str]] = frozenset()
    library: Library = field(default_factory=Library)

    def plan(self, observed: Observed) -> PlannedAccount:
        """Plan one account. `groups_made` holds account and group where the journal saw this tool at work."""
        known = groups_of(observed.account.id, self.groups_made)
        judged = judged_account(observed, self.rules, self.library, self.now, known)
        users = sorted(observed.facts.users, key=lambda user: user.name)
        verdicts = {user.id: judge(user, judged) for user in users}
        matrices = {matrix: number for number, matrix in enumerate(_distinct(verdicts.values()))}
        entries = tuple(self._entry(user, verdicts[user.id], observed, matrices) for user in users)
        findings = (*about_account(judged, verdicts), *lookalikes(judged, verdicts))
        account = observed.account
        part = AccountPlan(
            account.id,
            account.name,
            account.ou,
            observed.role,
            observed.facts.read_at,
            observed.facts.report_at,
            entries,
            _ours(judged),
            tuple(sorted(findings, key=lambda finding: (finding.code, finding.user_arn, finding.text))),
            tuple(matrices),
            observed.effort.calls,
            observed.effort.retries,
        )
        return PlannedAccount(part, tuple(_without_wave(entries)))

    def _entry(
        self, user: User, verdict: Verdict, observed: Observed, matrices: Mapping[tuple[Row, ...], int]
    ) -> Entry:
        wave = wave_of(user, observed.account, self.waves) if verdict.kind is Kind.ENFORCE else None
        return Entry(
            user.ref,
            user.path,
            verdict.kind,
            verdict.reasons,
            _facts(user),
            fingerprint(user),
            wave=wave.name if wave else "",
            impact=verdict.impact,
            attachment=verdict.attachment,
            cure=verdict.cure,
            forecast=verdict.forecast,
            address=verdict.address,
            exempt_until=verdict.exempt_until,
            covered_by=verdict.covered_by,
            enforced_by=verdict.enforced_by,
            matrix=matrices.get(verdict.matrix),
        )


def groups_of(account_id: str, groups_made: Collection[tuple[str, str]]) -> frozenset[str]:
    """Name the groups of one account that the journal knows to be ours."""
    return frozenset(group for account, group in groups_made if account == account_id)


def _distinct(verdicts: Iterable[Verdict]) -> dict[tuple[Row, ...], None]:
    return dict.fromkeys(verdict.matrix for verdict in verdicts if verdict.matrix)


def left_out(inventory: Inventory) -> Iterator[LeftOut]:
    """Name every listed account that is not in the plan, and why."""
    for view in inventory.accounts:
        account = view.account
        match view:
            case Observed():
                continue
            case Unreachable(reason=reason, cure=cure, effort=effort):
                yield LeftOut(
                    account.id,
                    account.name,
                    account.ou,
                    "unreachable",
                    reason,
                    cure,
                    effort.calls,
                    effort.retries,
                )
            case NotEntered(reason=reason):
                state = reason if account.state is not AccountState.ACTIVE else "excluded"
                said = f"account state {account.state}" if state == reason else reason
                yield LeftOut(account.id, account.name, account.ou, state, said)


def _facts(user: User) -> Facts:
    return Facts(
        console=user.password is not None,
        mfa_active=user.has_device,
        mfa_kinds=tuple(str(kind) for kind in user.device_kinds),
        active_keys=len(user.active_keys),
        observed_at=user.facts_at,
        key_last_used=user.key_last_used,
        password_last_used=user.password.last_used if user.password else None,
        created=user.created,
        tags=dict(sorted(user.tags.items())),
    )


def _ours(judged: JudgedAccount) -> Ours:
    policy, group = judged.ours.policy, judged.ours.group
    if policy.state is not State.OURS and group.state is not State.OURS:
        return Ours()
    default = policy.found.default if policy.found else None
    document = default.document if default else None
    members = (user.id for user in judged.facts.users if group.name in user.groups)
    return Ours(
        policy_arn=policy.arn if policy.state is State.OURS else "",
        policy_digest=policy_digest(document) if isinstance(document, dict) else "",
        group_exists=group.name in judged.facts.groups and group.state is State.OURS,
        members=tuple(sorted(members)) if group.state is State.OURS else (),
    )


def _without_wave(entries: tuple[Entry, ...]) -> Iterator[str]:
    for entry in entries:
        if entry.verdict is Kind.ENFORCE and not entry.wave:
            yield entry.user.arn
