"""The gate of the command line: a wave waits until enough of its key users have moved to session tokens."""

from __future__ import annotations

from rollout.domain.gates.gate import Form, Gate, GateAnswer, Needs, OverrideHolds, Question, Setting
from rollout.domain.gates.share import answer_of_share, needed
from rollout.domain.people.users import User
from rollout.domain.progress.replay import Progress
from rollout.domain.verdicts.verdict import Impact

# The one service that a long-term key still calls once its owner takes session tokens.
SESSION_TOKENS = "sts"
CLI_HABIT = frozenset({Impact.CLI, Impact.PASSKEY_ONLY, Impact.ENROL})


def _ask(question: Question, percent: float) -> GateAnswer:
    """Pass when `percent` of those who were told about their keys have moved to session tokens.

    A key has moved when nothing but STS was called with it since its owner was told. Who was not told about keys does
    not count.
    """
    members, progress = question.look(), question.progress
    told = [user for user in members.users if _told_about_keys(user, progress)]
    moved = sum(not _still_used(user, progress) for user in told)
    return answer_of_share(
        "cli_moved", "have left their long-term keys", moved, len(told), members.unseen, percent
    )


def _told_about_keys(user: User, progress: Progress) -> bool:
    told = progress.last_told(user.id)
    return told is not None and told.delivered and told.impact in CLI_HABIT and bool(user.active_keys)


def _still_used(user: User, progress: Progress) -> bool:
    told = progress.last_told(user.id)
    if told is None:
        return False
    return any(
        key.last_used is not None and key.last_used > told.at and key.service != SESSION_TOKENS
        for key in user.active_keys
    )


CLI_MOVED: Gate[float] = Gate(
    name="cli_moved",
    meaning="enough of those who were told about their keys have called nothing but STS with them since",
    needs=Needs.PEOPLE,
    cure="remind people: rollout apply --stage notify",
    override_holds=OverrideHolds.WAVE,
    ask=_ask,
    setting=Setting(
        "The share of those told about their keys, in percent, that must have called nothing but STS with them since. "
        "Null: not asked.",
        Form.PERCENT,
        None,
    ),
    needed=needed,
)
