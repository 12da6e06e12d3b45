"""Says in one line what each code of a report means; the page's legend and docs/reports.md are made from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rollout.domain.gates import GATES
from rollout.domain.progress.messages import Delivery
from rollout.domain.progress.records import RunEnding
from rollout.domain.status.state_codes import UserState
from rollout.domain.verdicts.verdict import Code, Impact, Kind
from rollout.reporting.account_columns import ACCOUNTS, ListedState
from rollout.reporting.change_columns import CHANGES, ChangeOutcome
from rollout.reporting.user_columns import USERS

VERDICTS: dict[str, str] = {
    Kind.ENFORCE: "MFA will be enforced with the user's wave: first a notice, then the policy ForceMFA.",
    Kind.HOLD: "Not enforced, because it would lock the user out or stop a machine. The cure says what to do.",
    Kind.COVERED: "Another policy already denies everything without MFA. Nothing needs to be done.",
    Kind.EXEMPT: "Not enforced until a date, by an exemption in rollout.yaml that names an owner.",
}

IMPACTS: dict[str, str] = {
    Impact.NONE: "Nothing changes for the user: MFA is on and no access key is active, or there are no credentials.",
    Impact.CLI: "Access keys are active: the command line will need session tokens obtained with MFA.",
    Impact.ENROL: "No device yet: the user must enrol one at the next sign-in, before anything else works.",
    Impact.PASSKEY_ONLY: "Only a passkey, and active access keys: add an authenticator app (TOTP) or use `aws login`.",
}

REASONS: dict[str, str] = {code: code.meaning for code in Code}

GATE_MEANINGS: dict[str, str] = {gate.name: f"Passes when {gate.meaning}." for gate in GATES}

STATES: dict[str, str] = {state: state.meaning for state in UserState}

LISTED: dict[str, str] = {
    ListedState.ENTERED: "The account was entered and its users were read.",
    ListedState.CLOSED: "The account is closed.",
    ListedState.CLOSING: "The account is being closed.",
    ListedState.SUSPENDED: "AWS has suspended the account.",
    ListedState.NOT_ACTIVATED: "The account was created, but is not active yet.",
    ListedState.EXCLUDED: "The scope in rollout.yaml leaves the account out.",
    ListedState.UNREACHABLE: "The account could not be entered or read; `reason` says why, `cure` what to do.",
}

DELIVERIES: dict[str, str] = {
    Delivery.QUEUED: "Handed over for sending; whether it arrived is not known.",
    Delivery.SENT: "The mail server or service took it over.",
    Delivery.DELIVERED: "The channel confirmed the delivery.",
    Delivery.REFUSED: "It could not be sent; the detail says why.",
    Delivery.BOUNCED: "It was sent and came back later; the detail says why.",
    Delivery.COMPLAINED: "The person reported it as unwanted.",
}

OUTCOMES: dict[str, str] = {
    ChangeOutcome.APPLIED: "The change was made, and AWS confirmed it.",
    ChangeOutcome.ALREADY_IN_PLACE: "Nothing had to be done.",
    ChangeOutcome.SKIPPED: "Skipped on purpose; the detail says why.",
    ChangeOutcome.FAILED: "It could not be done; detail, error code and cure say more.",
    ChangeOutcome.UNSETTLED: "The run was cut off before the outcome was known.",
    ChangeOutcome.TOLD: "The message was handed to the channel; its delivery says how far it got.",
    ChangeOutcome.RELEASED: "Users were released from enforcement, perhaps until a time: `released until …`.",
    ChangeOutcome.ENDED: "A release was ended.",
    ChangeOutcome.APPROVED: "Somebody approved a wave of this very plan, and gave a reason.",
    ChangeOutcome.OVERRIDDEN: "Somebody overrode a gate that did not pass, and gave a reason.",
    ChangeOutcome.REHEARSED: "Noted by a dry run; nothing was changed.",
}

ENDINGS: dict[str, str] = {
    RunEnding.DONE: "The run did everything that was due.",
    RunEnding.IN_PART: "Some users or accounts failed or were not reached; run it again.",
    RunEnding.INTERRUPTED: "Somebody stopped the run.",
    RunEnding.REFUSED: "The run refused to start; nothing was changed.",
    RunEnding.NOTHING_DUE: "There was nothing to do.",
    RunEnding.LOCK_LOST: "The run stopped because it no longer held the lock.",
    RunEnding.STOPPED: "The run stopped because more users of a wave failed than `failure_tolerance` allows.",
    RunEnding.NARROWED: "A dry run of only some of the users.",
}


@dataclass(frozen=True, slots=True)
class LegendSection:
    """A part of the legend: names, and what each of them means in a line of Markdown."""

    title: str
    lines: Mapping[str, str]


def legend() -> tuple[LegendSection, ...]:
    """Give every code and every column of a report with its meaning."""
    codes = (
        LegendSection("Verdicts", VERDICTS),
        LegendSection("Reasons", REASONS),
        LegendSection("Impacts of enforcement", IMPACTS),
        LegendSection("States of users", STATES),
        LegendSection("States of accounts", LISTED),
        LegendSection("Deliveries of notices", DELIVERIES),
        LegendSection("Outcomes of changes", OUTCOMES),
        LegendSection("Endings of runs", ENDINGS),
        LegendSection("Gates of a wave", GATE_MEANINGS),
    )
    return (
        *codes,
        *(
            LegendSection(
                f"Columns of {table.file}", {column.name: column.meaning for column in table.columns}
            )
            for table in (USERS, ACCOUNTS, CHANGES)
        ),
    )
