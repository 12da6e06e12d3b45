"""The gate of the command line: a wave waits until enough of its key users have moved to sessions with MFA."""

from __future__ import annotations

from datetime import timedelta

from rollout.domain.gates.gate import Question
from rollout.domain.gates.share import share_gate
from rollout.domain.people.users import User
from rollout.domain.progress.gate_result import Result
from rollout.domain.verdicts.verdict import Impact

# The one service that a long-term key still calls once its owner takes session tokens.
SESSION_TOKENS = "sts"
A_DAY = timedelta(days=1)
"""What was looked up today is not looked up again; a use later than that was not looked at."""
CLI_HABIT = frozenset({Impact.CLI, Impact.PASSKEY_ONLY, Impact.ENROL})


def _has_moved(user: User, question: Question) -> Result | None:
    """Tell whether a user who was told about keys has lately called nothing without MFA; None for other users.

    IAM names only the latest service that a key called. `sts` may be a plain AssumeRole, which the policy denies: only
    the calls themselves tell (aws-facts.md#doors-and-credentials-found-later).
    """
    notice = question.progress.latest_notice(user.id)
    if notice is None or not notice.delivered or notice.impact not in CLI_HABIT or not user.active_keys:
        return None
    start = question.now - question.quiet_for
    used = [key for key in user.active_keys if key.last_used is not None and key.last_used > start]
    quiet = [activity.quiet_since(start) for activity in user.activity]
    seen = min((activity.read_at for activity in user.activity), default=start)
    looked = len(quiet) >= len(user.active_keys) and all(
        key.last_used is None or key.last_used <= seen + A_DAY for key in used
    )
    if False in quiet or any(key.service != SESSION_TOKENS for key in used):
        return Result.FAIL
    if not used or (looked and all(quiet)):
        return Result.PASS
    return Result.INCONCLUSIVE


CLI_MOVED = share_gate(
    "cli_moved",
    "enough of the users who were told about their keys have made no call without MFA for `evidence.moved_after`",
    "The share of the users told about their keys, in percent, that must have made no call without MFA with them for"
    " evidence.moved_after.",
    "have left their long-term keys",
    _has_moved,
    unsure="{count} called STS, and whether with MFA is not known (evidence.cloudtrail: lookup tells it)",
)
