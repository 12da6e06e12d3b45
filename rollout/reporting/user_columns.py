"""The columns of users.csv: one row here is one column everywhere."""

from __future__ import annotations

from dataclasses import dataclass

from rollout.domain.plan.entries import AccountPlan, PlanEntry
from rollout.domain.status.over_time import under_mfa
from rollout.domain.status.user_status import UserStatus
from rollout.reporting.cells import CODE, DAY, FLAG, LIST, MINUTE, NUMBER, TEXT, TIME
from rollout.reporting.tables import Column, OnPage, Table


@dataclass(frozen=True, slots=True)
class UserLine:
    """One user of an account that was read."""

    account: AccountPlan
    entry: PlanEntry
    status: UserStatus
    plan_id: str

    @property
    def under_mfa(self) -> bool:
        """Tell whether MFA is enforced on this user, by this tool or by somebody else's policy."""
        return under_mfa(self.entry, self.status)

    @property
    def enforced(self) -> bool:
        """Tell whether MFA is enforced on this user, by whatever policy."""
        return bool(self.enforced_by)

    @property
    def enforced_by(self) -> str:
        """Name the policy, and the group if any, that enforces MFA: ours, else somebody else's."""
        return self.status.enforced_by or self.entry.covered_by

    @property
    def why(self) -> str:
        """The reasons in full, each once."""
        return "; ".join(dict.fromkeys(reason.detail for reason in self.entry.reasons if reason.detail))


def _mfa(user: UserLine) -> str:
    facts = user.entry.facts
    return ", ".join(facts.mfa_kinds) or FLAG.shown(facts.mfa_active)


# One column is one row of this table.
# fmt: off
USERS: Table[UserLine] = Table("users.csv", (
    Column("account_id", TEXT, "The account in which the user lives: twelve digits.",
           lambda user: user.account.account_id, OnPage("Account ID", 15, width=130, filter=True)),
    Column("account_name", TEXT, "The name of that account.", lambda user: user.account.name,
           OnPage("Account", 4, width=140)),
    Column("ou_path", TEXT,
           "The organizational unit of that account; empty for the root of the organization.",
           lambda user: user.account.ou, OnPage("OU", 14, width=150)),
    Column("user_name", TEXT, "The IAM user name. It can be given to somebody else later.",
           lambda user: user.entry.user.name, OnPage("User", 1, width=180)),
    Column("user_id", TEXT, "The lasting identity of the user (`AIDA…`).", lambda user: user.entry.user.id,
           OnPage("User ID")),
    Column("user_arn", TEXT, "The ARN of the user.", lambda user: user.entry.user.arn, OnPage("ARN")),
    Column("verdict", CODE, "What the plan decided: `enforce`, `hold`, `covered` or `exempt`.",
           lambda user: user.entry.verdict, OnPage("Verdict", 3, width=105, filter=True)),
    Column("reasons", LIST, "The codes of the reasons for the verdict, such as `no-mfa` or `machine`.",
           lambda user: user.entry.because, OnPage("Reasons", 5, width=180, filter=True)),
    Column("impact", TEXT,
           "For `enforce`: what enforcement means for the user: `none`, `cli`, `enrol` or `passkey-only`.",
           lambda user: user.entry.impact or "", OnPage("Impact", 6, width=125, filter=True)),
    Column("wave", TEXT, "For `enforce`: the wave to which the user belongs.", lambda user: user.entry.wave,
           OnPage("Wave", 7, width=120, filter=True)),
    Column("console_access", FLAG, "The user has a console password.", lambda user: user.entry.facts.console,
           OnPage("Console", 12, width=95)),
    Column("mfa_active", FLAG, "The user has an MFA device.", lambda user: user.entry.facts.mfa_active,
           OnPage("MFA device", filter=True)),
    Column("mfa_kinds", LIST,
           "The kinds of MFA devices; empty although `mfa_active` is `true` if the kinds were not read.",
           lambda user: user.entry.facts.mfa_kinds, OnPage("MFA", 8, _mfa, width=85)),
    Column("active_keys", NUMBER, "The number of active access keys.",
           lambda user: user.entry.facts.active_keys, OnPage("Keys", 10, width=80)),
    Column("key_last_used", TIME, "The latest use of any access key; empty if never used or not known.",
           lambda user: user.entry.facts.key_last_used, OnPage("Key used", 11, width=110)),
    Column("password_last_used", TIME, "The last sign-in to the console; empty if never or not known.",
           lambda user: user.entry.facts.password_last_used, OnPage("Signed in", 13, width=110)),
    Column("enforced", FLAG,
           "MFA is enforced on the user now: a fact, not a verdict, seen in AWS or done since by this tool.",
           lambda user: user.enforced, OnPage("Enforced", filter=True)),
    Column("enforced_by", TEXT, "The policy, and the group if any, that enforces MFA on the user.",
           lambda user: user.enforced_by, OnPage("Enforced by")),
    Column("exempt_until", DAY, "For `exempt`: the last day of the exemption, in UTC.",
           lambda user: user.entry.exempt_until, OnPage("Exempt until")),
    Column("notified_at", TIME, "When the last notice about the user was sent.",
           lambda user: user.status.notice.at if user.status.notice else None, OnPage("Notified")),
    Column("observed_at", TIME, "When the facts about the user were read.",
           lambda user: user.entry.facts.observed_at, OnPage("Facts read")),
    Column("cure", TEXT, "For `hold`: what to do about it.", lambda user: user.entry.cure, OnPage("Cure")),
    Column("forecast", TEXT, "For `enforce`: what will be denied once MFA is enforced.",
           lambda user: user.entry.forecast, OnPage("Forecast", long=True)),
    Column("covered_by", TEXT, "For `covered`: the policies that already enforce MFA.",
           lambda user: user.entry.covered_by, OnPage("Covered by")),
    Column("notice_due", MINUTE, "The time that the last notice named; no enforcement before it.",
           lambda user: user.status.notice.due if user.status.notice else None,
           OnPage("Time in the notice", width=150)),
    Column("delivery", TEXT,
           "How far the last notice got: `queued`, `sent`, `delivered`, `refused`, `bounced` or `complained`.",
           lambda user: user.status.notice.delivery if user.status.notice else "", OnPage("Notice", filter=True)),
    Column("address", TEXT, "The address to which the last notice was sent, or the next one will be.",
           lambda user: user.status.notice.address if user.status.notice else user.entry.address,
           OnPage("Address", long=True)),
    Column("state", CODE, "Where the user is on the way to MFA: `enforced`, `told`, `held` …",
           lambda user: user.status.state_code, OnPage("State", 2, width=125, filter=True)),
    Column("path", TEXT, "The IAM path of the user.", lambda user: user.entry.path, OnPage("Path")),
    Column("plan_id", TEXT, "The plan that this report is about; empty in an inventory.",
           lambda user: user.plan_id),
    Column("waits_for", TEXT, "For `enforce` users on whom MFA is not enforced yet: what has to happen next.",
           lambda user: user.status.waits_for, OnPage("Waiting for", 9, width=270)),
    Column("why", TEXT, "The reasons in full, with the facts behind them.", lambda user: user.why,
           OnPage("Why", long=True)),
    Column("can_register", LIST,
           "For users who have to register a device: the kinds that they can register: `authenticator-app`, `passkey`.",
           lambda user: user.entry.situation.ways, OnPage("Can register", filter=True)),
    Column("aws_login", FLAG, "For `enforce`: the user may use `aws login` on the command line.",
           lambda user: user.entry.situation.aws_login, OnPage("aws login")),
))
# fmt: on
