"""The gate of approval: a wave waits until enough of the right people approve it for exactly this plan."""

from __future__ import annotations

from dataclasses import dataclass

from rollout.domain.gates.gate import (
    Form,
    Gate,
    GateAnswer,
    Needs,
    OverrideHolds,
    Question,
    Setting,
    SettingKey,
)
from rollout.domain.people.actor import Actor
from rollout.domain.progress.gate_result import Result
from rollout.domain.progress.projection import Progress
from rollout.domain.progress.records import Approved

NOBODY_KNOWN = (
    "this plan does not say who made it, so nobody can be told apart from its planner: rollout plan"
)


@dataclass(frozen=True, slots=True)
class ApprovalRule:
    """Whose approval counts, and how many are needed.

    `allowed` are patterns of ARNs; without any, everybody's approval counts. With `not_the_planner`, the approval of
    the person who made the plan does not. `count` is the number of different people.
    """

    allowed: tuple[str, ...] = ()
    not_the_planner: bool = False
    count: int = 1

    def objection(self, approver: Actor, planner: Actor) -> str:
        """Say why the approval of somebody does not count; empty if it does."""
        if self.allowed and not approver.is_one_of(self.allowed):
            role = f" (role {approver.role_arn})" if approver.role_arn else ""
            return f"{approver.arn}{role} is not in gates.approval.from: {', '.join(self.allowed)}"
        if self.not_the_planner:
            if not planner.id:
                return NOBODY_KNOWN
            if approver.is_same(planner):
                return f"{approver.arn} made this plan (gates.approval.not_the_planner)"
        if (self.not_the_planner or self.count > 1) and not approver.id:
            return f"the UserId of {approver.arn} is not on record: approve again with this version"
        return ""

    def cure(self, planner: Actor) -> str:
        """Say what to do about an objection."""
        if self.not_the_planner and not planner.id:
            return "plan again with this version: rollout plan"
        return "have somebody run `rollout approve` whose approval counts"


@dataclass(frozen=True, slots=True)
class Approvals:
    """The approvals of one wave of one plan: those that count, one for each person, and the others with the reason."""

    counted: tuple[Approved, ...] = ()
    objections: tuple[str, ...] = ()

    @property
    def sentence(self) -> str:
        """Say when, by whom and why the wave was approved, and whose approval does not count; empty without any."""
        given = [
            f"approved {one.at:%Y-%m-%d %H:%M} UTC by {one.caller}: {one.reason}" for one in self.counted
        ]
        return "; ".join([*given, *(f"an approval that does not count: {why}" for why in self.objections)])


def approvals_of(
    progress: Progress, plan_checksum: str, wave: str, planner: Actor, rule: ApprovalRule | None
) -> Approvals:
    """Weigh what is on record, by the rule of today. Of one person, the newest approval counts."""
    rule = rule or ApprovalRule()
    counted: list[Approved] = []
    objections: dict[str, None] = {}
    for given in progress.approvals.get((plan_checksum, wave), ()):
        if why := rule.objection(given.approver, planner):
            objections[why] = None
        else:
            counted = [other for other in counted if not other.approver.is_same(given.approver)]
            counted.append(given)
    return Approvals(tuple(counted), tuple(objections))


def _ask(question: Question, rule: ApprovalRule) -> GateAnswer:
    """Pass if enough of the right people have approved this wave of exactly this plan (`rollout approve`)."""
    wave, planner = question.wave, question.planner
    approvals = approvals_of(question.progress, question.plan_checksum, wave, planner, rule)
    enough = f"{len(approvals.counted)} of {rule.count} approvals: " if rule.count > 1 else ""
    if len(approvals.counted) >= rule.count:
        made_by = f"; planned by {planner.arn}" if rule.not_the_planner else ""
        since = approvals.counted[rule.count - 1].at
        return GateAnswer("approval", Result.PASS, f"{enough}{approvals.sentence}{made_by}", since=since)
    if rule.not_the_planner and not planner.id:
        return GateAnswer("approval", Result.INCONCLUSIVE, NOBODY_KNOWN)
    said = approvals.sentence or f'nobody has approved wave "{wave}" of this plan'
    return GateAnswer("approval", Result.FAIL, f"{enough}{said}: rollout approve --wave {wave}")


def _read(**keys: object) -> ApprovalRule | None:
    """Make a rule of the keys; `from` is a word of Python. A count of 0 is no rule."""
    rule = ApprovalRule(keys["from"], keys["not_the_planner"], keys["count"])  # type: ignore[arg-type]  # as checked by their forms
    return rule if rule.count else None


APPROVAL = Gate(
    name="approval",
    meaning="enough of the right people ran `rollout approve --wave W --reason R` for exactly this plan",
    needs=Needs.JOURNAL,
    cure="rollout approve --wave {wave} --reason WHY",
    override_holds=OverrideHolds.PLAN,
    ask=_ask,
    setting=Setting(
        "Who has to approve a wave with `rollout approve`; `true` stands for one person, `false` for nobody.",
        {
            "from": SettingKey(
                Form.PRINCIPALS,
                (),
                "Whose approval counts: patterns of ARNs of users, roles or role sessions; empty: everybody's.",
            ),
            "not_the_planner": SettingKey(
                Form.SWITCH,
                default=False,
                description="Whether the approval of the plan's maker does not count.",
            ),
            "count": SettingKey(
                Form.COUNT,
                0,
                "How many different people have to approve; 0: nobody, 1 if other keys are given.",
            ),
        },
        None,
        _read,
        short={True: {"count": 1}, False: {"count": 0}},
    ),
)
