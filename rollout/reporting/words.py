"""Says in one line what each word of a report means."""

from __future__ import annotations

from rollout.domain.gates import GATES
from rollout.domain.verdicts.verdict import Code, Impact, Kind

VERDICTS = {
    Kind.ENFORCE: "To be brought under the policy with their wave: a notice first, then ForceMFA.",
    Kind.HOLD: "Not enforced, because it would lock somebody out or stop a machine; the cure says what to do.",
    Kind.COVERED: "Another policy already denies everything without MFA; nothing to do.",
    Kind.EXEMPT: "Left alone until a date, by an owner's word in rollout.yaml.",
}

IMPACTS = {
    Impact.NONE: "MFA is on and no keys are in use, or there are no credentials: nothing changes for them.",
    Impact.CLI: "Access keys are in use: the command line will need session tokens made with MFA.",
    Impact.ENROL: "No device yet: they must enrol one at the next sign-in, before anything else works.",
    Impact.PASSKEY_ONLY: "Only a passkey, and keys in use: add a code device (TOTP) or use `aws login`.",
}

REASONS = {code: code.meaning for code in Code}

GATE_MEANINGS = {gate.name: f"Passes when {gate.meaning}.".replace("`", "") for gate in GATES}

STATES = {
    "enforced": "Our policy is on this user: the look saw it, or the journal put it there since.",
    "covered": "Under MFA by somebody else's policy.",
    "exempt": "Left alone; the exemption lives.",
    "exemption-over": "The exemption ended after the plan was made: plan again.",
    "held": "Not to be enforced as things are.",
    "waiting": "Has not been told yet, or need not be; the policy is to come.",
    "told": "Was told; the policy comes on or after the date named.",
    "undelivered": "The last notice did not arrive.",
    "skipped(…)": "Left alone in the last run; the word says why.",
    "failed": "The last change, or entering the account, failed.",
    "released": "Let out since the plan was made.",
    "unsettled": "A run broke off in the middle of a change; the next one finds out.",
}

OUTCOMES = {
    "applied": "The change was made, and AWS confirmed it.",
    "already-in-place": "Nothing had to be done.",
    "skipped": "Left alone on purpose.",
    "failed": "Could not be made.",
    "told": "The message was handed to the channel; its delivery says how far it got.",
    "approved": "A person let a wave of this very plan go on, and said why.",
    "overridden": "A gate that did not pass was overridden by a person, who gave a reason.",
    "rehearsed": "Noted by a dry run; nothing was changed.",
    "unsettled": "Intended, but the run broke off before its outcome was known.",
}
