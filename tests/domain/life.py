"""A life of one account under this tool: runs that make, lose and fail writes, and hands that meddle."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from rollout.domain.actions.account_context import AccountContext
from rollout.domain.actions.writes import (
    Chosen,
    Undoing,
    braking,
    enforcing,
    enrolling,
    halves,
    releasing,
    renewing,
    undoing,
)
from rollout.domain.iam import equal_documents
from rollout.domain.people.observations import AccountFacts
from rollout.domain.people.users import User
from rollout.domain.policy import effects
from rollout.domain.policy.attachment import Attachment
from rollout.domain.policy.changes import AlreadyInPlace, Applied, Change, DeleteGroup, Failed, Outcome
from rollout.domain.policy.our_resources import Documents, Names
from rollout.domain.progress.projection import Progress, replay
from rollout.domain.progress.records import (
    Before,
    Intent,
    Record,
    RunStarted,
    Settled,
)
from rollout.domain.progress.stages import Stage
from tests.builders import ACCOUNT, NOW, OPERATOR, ORGANIZATION
from tests.domain.contexts import TAGS, context_of, with_places
from tests.domain.judging import DOCUMENTS, OURS_ARN, the_rules
from tests.fakes import refused

NAMES = Names()


@dataclass
class Life:
    """An account as it stands, and the journal of what this tool did there."""

    facts: AccountFacts
    records: list[Record] = field(default_factory=list)
    runs: int = 0
    numbers: int = 0
    documents: Documents = DOCUMENTS
    dependents: dict[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def progress(self) -> Progress:
        return replay(self.records, ORGANIZATION)

    def begin(self, plan: str = "k3f9", command: str = "apply") -> str:
        self.runs += 1
        run = f"run-{self.runs}"
        self.records.append(
            RunStarted(run, NOW, ORGANIZATION, plan, "sha256:c", Stage.ENFORCE, OPERATOR, "1.0.0", command)
        )
        return run

    def context(self, names: Iterable[str] = (), attachment: Attachment = Attachment.GROUP) -> AccountContext:
        """The account as a command would see it, these users judged fit for the policy."""
        there = context_of(self.facts, self.progress, the_rules(documents=self.documents), TAGS)
        return with_places(there, self.people(names), attachment)

    def make(self, run: str, changes: Iterable[Change], wave: str = "rest", trouble: str = "") -> None:
        """Make changes one by one; the last one may fail, lose its answer, or be cut short before or after."""
        changes = list(changes)
        for place, change in enumerate(changes):
            last = place == len(changes) - 1
            if not self.make_one(run, change, wave, trouble if last else ""):
                return

    def make_one(self, run: str, change: Change, wave: str, trouble: str = "") -> bool:
        self.numbers += 1
        number = self.numbers
        self.records.append(Intent(run, NOW, number, change, Before.ABSENT, wave))
        outcome: Outcome = Applied(f"request-{number}", unconfirmed=trouble == "lost")
        refusal = refused(self.facts, change)
        if trouble == "fails" or refusal is not None:
            outcome = Failed("AccessDenied" if refusal is None else refusal.why)
        elif trouble != "dies before":
            self.facts = effects.after(self.facts, change)
        if not trouble.startswith("dies"):
            self.records.append(Settled(run, NOW, run, number, outcome))
        return isinstance(outcome, Applied)

    def note(self, run: str, change: Change, wave: str) -> None:
        """Put on record that something is so already."""
        self.numbers += 1
        assert effects.is_in_effect(self.facts, change) or isinstance(change, DeleteGroup), change
        self.records += [
            Intent(run, NOW, self.numbers, change, Before.PRESENT, wave),
            Settled(run, NOW, run, self.numbers, AlreadyInPlace()),
        ]

    def settle(self) -> None:
        """Look what became of what was left open, as the next run does."""
        run = self.begin(command="rollback")
        for done in self.progress.open:
            made = effects.is_in_effect(self.facts, done.intent.change)
            outcome: Outcome = Applied("", unconfirmed=True) if made else Failed("not made")
            self.records.append(Settled(run, NOW, done.started.run, done.intent.number, outcome))

    def people(self, names: Iterable[str]) -> list[User]:
        return [self.user(name) for name in sorted(set(names))]

    def user(self, name: str) -> User:
        return next(user for user in self.facts.users if user.name == name)

    def put(self, user: User) -> None:
        """Let somebody's hand change a user."""
        users = (user if known.id == user.id else known for known in self.facts.users)
        self.facts = replace(self.facts, users=tuple(users))

    def do(self, what: str, names: Iterable[str], **more: Any) -> None:
        """Let one command run: `enforce`, `enrol`, `renew`, `brake` or `release`."""
        trouble, plan, wave = more.get("trouble", ""), more.get("plan", "k3f9"), more.get("wave", "rest")
        attachment = more.get("attachment", Attachment.GROUP)
        match what:
            case "enforce":
                changes = enforcing(self.context(names, attachment), self.people(names))
                self.make(self.begin(plan), changes, wave, trouble)
            case "enrol":
                changes = enrolling(self.context(names, attachment), self.people(names))
                self.make(self.begin(plan), changes, wave, trouble)
            case "renew":
                self.make(self.begin(plan), renewing(self.context()), wave, trouble)
            case "brake":
                policy = self.facts.policies.get(OURS_ARN)
                if policy is not None:
                    ours = halves(OURS_ARN, self.documents.brake, self.progress.owned)
                    changes = braking(ACCOUNT, policy, ours)
                    self.make(self.begin("", "release"), changes, "", trouble)
            case "release":
                members = effects.members_of(self.facts, NAMES.group)
                carriers = effects.carriers_of(self.facts, OURS_ARN)
                out = [
                    change
                    for user in self.people(names)
                    for change in releasing(user.ref, {NAMES.group: members}, {OURS_ARN: carriers})
                ]
                self.make(self.begin("", "release"), out, wave, trouble)
            case _:
                raise ValueError(what)

    def undoing(self, chosen: Chosen) -> Undoing:
        return undoing(self.context(), chosen, self.dependents)

    def undo(self, chosen: Chosen) -> Undoing:
        """Roll back, as the workflow would; a write that IAM refuses is a failure of the test."""
        self.settle()
        found = self.undoing(chosen)
        run = self.begin(command="rollback")
        for step in (*found.people, *found.foundations):
            if step.in_place:
                self.note(run, step.change, step.wave)
                continue
            assert refused(self.facts, step.change) is None, step
            assert self.make_one(run, step.change, step.wave)
        return found


EVERYTHING_MADE = Chosen(lambda _: True)


def of_plan(plan: str) -> Chosen:
    return Chosen(lambda done: done.started.plan_id == plan, whole=False)


def of_wave(wave: str) -> Chosen:
    return Chosen(lambda done: done.intent.wave == wave)


def state(facts: AccountFacts) -> dict[str, Any]:
    """Everything that a rollback must restore; version numbers and ids that AWS gives are left out."""
    return {
        "users": {user.name: (sorted(user.groups), sorted(user.attached)) for user in facts.users},
        "groups": {
            group.name: (group.path, sorted(group.attached), [one.name for one in group.inline])
            for group in facts.groups.values()
        },
        "policies": {policy.arn: _documents(policy.versions) for policy in facts.policies.values()},
    }


def _documents(versions: Iterable[Any]) -> list[tuple[bool, str]]:
    return sorted((version.is_default, _text(version.document)) for version in versions)


def _text(document: Mapping[str, object] | str) -> str:
    known = {"full": DOCUMENTS.full, "brake": DOCUMENTS.brake, "enrolment": DOCUMENTS.enrolment}
    same = (name for name, one in known.items() if equal_documents(document, one))
    return next(same, repr(document))
