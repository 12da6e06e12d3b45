"""Turns one observed account into its part of the plan: a verdict per user, and a wave per `enforce` user."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from rollout.domain.people.observations import Inventory, NotEntered, Observed, Unreachable
from rollout.domain.people.organization import AccountState
from rollout.domain.people.users import User
from rollout.domain.plan.doors import doors_of
from rollout.domain.plan.entries import AccountPlan, AccountResources, LeftOut, PlanEntry, UserFacts
from rollout.domain.plan.findings import about_account
from rollout.domain.plan.fingerprints import fingerprint, policy_digest
from rollout.domain.plan.waves import Wave, wave_of
from rollout.domain.policy.made import Made
from rollout.domain.policy.our_resources import State
from rollout.domain.verdicts.judge import judge
from rollout.domain.verdicts.judged_account import JudgedAccount, judged_account
from rollout.domain.verdicts.lookalikes import lookalikes
from rollout.domain.verdicts.rights import Library
from rollout.domain.verdicts.rules import DecisionRules
from rollout.domain.verdicts.verdict import Kind, MatrixRow, Verdict


@dataclass(frozen=True, slots=True)
class Planner:
    """Plans accounts by the same rules, as of the same moment, and parses each document once.

    `made` is what the journal says that this tool made, by account id.
    """

    rules: DecisionRules
    waves: tuple[Wave, ...]
    now: datetime
    made: Mapping[str, Made] = field(default_factory=dict)
    library: Library = field(default_factory=Library)

    def plan(self, observed: Observed) -> AccountPlan:
        """Plan one account."""
        made = self.made.get(observed.account.id, Made())
        judged = judged_account(observed, self.rules, self.library, self.now, made)
        users = sorted(observed.facts.users, key=lambda user: user.name)
        verdicts = {user.id: judge(user, judged) for user in users}
        distinct = dict.fromkeys(verdict.matrix for verdict in verdicts.values() if verdict.matrix)
        matrices = {matrix: number for number, matrix in enumerate(distinct)}
        entries = tuple(self._entry(user, verdicts[user.id], observed, matrices) for user in users)
        findings = (*about_account(judged, verdicts), *lookalikes(judged, verdicts))
        account = observed.account
        return AccountPlan(
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

    def _entry(
        self, user: User, verdict: Verdict, observed: Observed, matrices: Mapping[tuple[MatrixRow, ...], int]
    ) -> PlanEntry:
        wave = wave_of(user, observed.account, self.waves) if verdict.kind is Kind.ENFORCE else None
        return PlanEntry(
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
            situation=verdict.situation,
            address=verdict.address,
            addressee=verdict.addressee,
            exempt_until=verdict.exempt_until,
            covered_by=verdict.covered_by,
            enforced_by=verdict.enforced_by,
            matrix=matrices.get(verdict.matrix),
            doors=tuple(doors_of(user, observed.facts)),
        )


def left_out(inventory: Inventory) -> Iterator[LeftOut]:
    """List every account that is not in the plan, and why."""
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
                why = f"account state {account.state}" if state == reason else reason
                yield LeftOut(account.id, account.name, account.ou, state, why)


def _facts(user: User) -> UserFacts:
    return UserFacts(
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


def _ours(judged: JudgedAccount) -> AccountResources:
    policy, group = judged.ours.policy, judged.ours.group
    if policy.state is not State.OURS and group.state is not State.OURS:
        return AccountResources()
    default = policy.found.default if policy.found else None
    document = default.document if default else None
    members = (user.id for user in judged.facts.users if group.name in user.groups)
    return AccountResources(
        policy_arn=policy.arn if policy.state is State.OURS else "",
        policy_digest=policy_digest(document) if isinstance(document, dict) else "",
        group_exists=group.name in judged.facts.groups and group.state is State.OURS,
        members=tuple(sorted(members)) if group.state is State.OURS else (),
    )
