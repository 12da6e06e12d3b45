"""The gate of the command line: a wave waits until enough of its key users have moved to session tokens."""

from __future__ import annotations

from rollout.domain.gates.gate import Question
from rollout.domain.gates.share import share_gate
from rollout.domain.people.users import User
from rollout.domain.verdicts.verdict import Impact

# The one service that a long-term key still calls once its owner takes session tokens.
SESSION_TOKENS = "sts"
CLI_HABIT = frozenset({Impact.CLI, Impact.PASSKEY_ONLY, Impact.ENROL})


def _has_moved(user: User, question: Question) -> bool | None:
    """Tell whether a user who was told about keys has called nothing but STS with them since; None for other users."""
    notice = question.progress.latest_notice(user.id)
    if notice is None or not notice.delivered or notice.impact not in CLI_HABIT or not user.active_keys:
        return None
    return all(
        key.last_used is None or key.last_used <= notice.at or key.service == SESSION_TOKENS
        for key in user.active_keys
    )


CLI_MOVED = share_gate(
    "cli_moved",
    "enough of the users who were told about their keys have since called nothing but STS with them",
    "The share of the users told about their keys, in percent, that must since have called nothing but STS with them.",
    "have left their long-term keys",
    _has_moved,
)
