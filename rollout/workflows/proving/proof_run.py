"""`rollout prove`: shows on AWS itself, as throw-away users in one account, what the policy does (docs/proof.md)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial

from rollout.counted import number_of
from rollout.domain.people.organization import Account
from rollout.domain.progress.records import (
    ProofIntent,
    ProofRemoved,
    ProofSettled,
    Proved,
    RunEnding,
)
from rollout.domain.proof.comparing import Answered, HowAnswered, ProofAnswer, compare
from rollout.domain.proof.foretelling import Foretold, ProofWorld, foretell
from rollout.domain.proof.proof_questions import Expected, ProofQuestion
from rollout.domain.proof.proof_record import ProofRecord
from rollout.domain.proof.proof_script import script
from rollout.domain.proof.proof_steps import ProofDocuments, ProofWrite, removing
from rollout.domain.proof.proof_users import proof_of
from rollout.errors import Interrupted, ProofFailed, ProofLeft, Refused, RolloutError
from rollout.workflows.ports import (
    Answer,
    AnswerLost,
    CannotEnter,
    Guide,
    ProofAccess,
    ProofMaker,
    ProofRemover,
    ProofStore,
    Refusal,
    SignInSeen,
    WriteReceipt,
)
from rollout.workflows.run_context import RunContext

PROVE = "prove"
ROUNDS = 4
"""How often removing is tried: an answer may be lost, and IAM shows what was made with a delay."""
_UNTIL = {Expected.ALLOWED: HowAnswered.ALLOWED, Expected.DENIED: HowAnswered.DENIED, Expected.OPEN: None}


@dataclass(frozen=True, slots=True)
class ProveOrder:
    """What to prove and where. `policy` is the digest that plans have; `in_use_ok`: people there are enforced."""

    account: Account
    partition: str
    policy: str
    documents: ProofDocuments
    world: ProofWorld
    through_service: bool = False
    in_use_ok: bool = False

    def steps(self) -> tuple[ProofWrite | ProofQuestion, ...]:
        """The writes and questions, in order, but for removing everything."""
        return tuple(script(self.documents.names, through_service=self.through_service))


@dataclass(frozen=True, slots=True)
class Removed:
    """What was removed in one account, and the ARNs of what is at that path and is no proof's."""

    account: Account
    writes: int = 0
    strangers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Proof:
    """A proof that was made to its end: its record, where that is, and what earlier proofs had left."""

    record: ProofRecord
    file: str
    cleaned: tuple[Removed, ...] = ()


@dataclass(slots=True)
class _Writes:
    """Journals each write of a run: its intent before, its outcome after."""

    run: RunContext
    account_id: str
    made: set[str] = field(default_factory=set)

    def __call__(self, write: ProofWrite, make: Callable[[ProofWrite], WriteReceipt]) -> None:
        """Make one write. Raises AnswerLost, Refusal."""
        run, number = self.run, self.run.next_number()
        name = write.name.rpartition("/")[2]
        proof = proof_of(name.removesuffix("-2"))
        run.journal.append(ProofIntent(run.id, run.now(), self.account_id, proof, number, write.sentence))
        self.made.add(name)
        try:
            receipt = make(write)
        except Refusal as refusal:
            run.journal.append(ProofSettled(run.id, run.now(), number, refusal.request_id, refusal.why))
            raise
        run.journal.append(ProofSettled(run.id, run.now(), number, receipt.request_id))


@dataclass(frozen=True, slots=True)
class ProofPorts:
    """What a proof needs from outside; `guide` is somebody who tries what needs a browser."""

    access: ProofAccess
    store: ProofStore
    guide: Guide


def prove(order: ProveOrder, others: Sequence[Account], ports: ProofPorts, run: RunContext) -> Proof:
    """Make the proof, remove everything, and record what AWS answered.

    `others` are the accounts of the organization: where the journal says that an earlier proof left something, that is
    removed first. Raises Refused, LockHeld, ProofFailed, ProofLeft, Interrupted, and what the ports raise.
    """
    account = order.account
    with run.lock.hold(run.organization_id, PROVE):
        progress = run.replay()
        enforced = progress.enforced_in(account.id)
        if enforced and not order.in_use_ok:
            raise Refused(
                f"{number_of(enforced, 'user')} of account {account.id} ({account.name}) "
                f"{'is' if enforced == 1 else 'are'} under the policy: a proof should not be made where people work",
                cure="name another account, best an empty one, or add --yes-in-use",
            )
        run.begin(PROVE)
        unclean = {*progress.proofs_begun.values()} - {account.id}
        here = _Here(order, ports, run, _entered(account, lambda: ports.access.after_proofs(account)))
        cleaned = (here.clean(), *_clean_all([one for one in others if one.id in unclean], ports.access, run))
        console = here.remover.console_authorization()
        answers = here.answers()
        record = ProofRecord(
            order.documents.names.id,
            run.now(),
            run.organization_id,
            order.partition,
            account.id,
            account.name,
            run.caller,
            order.policy,
            run.version,
            answers,
            console,
        )
        file, digest = ports.store.save(record)
        run.journal.append(_proved(record, file, digest, run))
        run.end(RunEnding.DONE, {"answers": len(answers), "bad": len(record.bad)})
    return Proof(record, file, cleaned)


def clean(accounts: Iterable[Account], access: ProofAccess, run: RunContext) -> tuple[Removed, ...]:
    """Remove what proofs have left in these accounts. Raises LockHeld, ProofFailed, ProofLeft."""
    with run.lock.hold(run.organization_id, PROVE):
        run.begin(PROVE)
        removed = _clean_all(accounts, access, run)
        run.end(RunEnding.DONE, {"removed": sum(one.writes for one in removed)})
    return removed


def foretellings(order: ProveOrder) -> tuple[tuple[ProofQuestion, Foretold], ...]:
    """Foretell every question, without asking AWS."""
    steps = (step for step in order.steps() if isinstance(step, ProofQuestion))
    return tuple((step, foretell(step, order.world)) for step in steps)


@dataclass(slots=True)
class _Here:
    """One proof in its account."""

    order: ProveOrder
    ports: ProofPorts
    run: RunContext
    remover: ProofRemover
    _answers: list[Answered] = field(default_factory=list)
    _done: int = 0

    def clean(self, expecting: frozenset[str] = frozenset()) -> Removed:
        """Remove what proofs have left here. Raises ProofFailed, ProofLeft."""
        return _clean(self.order.account, self.remover, self.run, expecting)

    def answers(self) -> tuple[Answered, ...]:
        """Make everything, ask every question, and remove everything, whatever happens meanwhile.

        Raises ProofFailed, ProofLeft, Interrupted, and what the ports raise.
        """
        account, run = self.order.account, self.run
        writes = _Writes(run, account.id)
        try:
            maker = self.ports.access.for_proof(account, self.order.documents)
            whole = self._carry(maker, writes)
        except (Refusal, AnswerLost, CannotEnter) as problem:
            self.clean(frozenset(writes.made))
            run.end(RunEnding.IN_PART, {"answers": len(self._answers)})
            raise ProofFailed(
                f"the proof in account {account.id} could not be made, and was removed: {problem}",
                cure="`rollout doctor --prove` names the rights that it needs; then run the same command again",
            ) from problem
        except RolloutError:
            with suppress(
                RolloutError
            ):  # the first problem is the one to tell; the next run removes the rest
                self.clean(frozenset(writes.made))
            raise
        self.clean(frozenset(writes.made))
        if not whole:
            run.end(RunEnding.INTERRUPTED, {"answers": len(self._answers)})
            raise Interrupted(
                "interrupted; everything that the proof had made was removed",
                cure="run the same command again",
            )
        return tuple(self._answers)

    def _carry(self, maker: ProofMaker, writes: _Writes) -> bool:
        """Make the writes and ask the questions; False where the operator asked to stop."""
        steps, progress = self.order.steps(), self.run.progress
        progress.begin("Proving", len(steps))
        try:
            for step in steps:
                if self.run.ends():
                    return False
                self._done += 1
                if isinstance(step, ProofWrite):
                    writes(step, maker.make)
                    progress.advance(step.sentence)
                    continue
                foretold = foretell(step, self.order.world)
                self._answers.append(compare(step, foretold, self._answer(step, foretold, maker)))
                progress.advance(step.name)
        finally:
            progress.finish()
        return True

    def _answer(self, question: ProofQuestion, foretold: Foretold, maker: ProofMaker) -> ProofAnswer:
        if question.by_hand is None:
            return maker.ask(question, _UNTIL[foretold.expected] if question.waits else None)
        if not self.order.documents.names.guided:
            return ProofAnswer(HowAnswered.NOT_TRIED)
        user = question.user.name
        before = self.remover.seen(user)
        self.run.progress.finish()  # it would be in the way of the person
        how = self.ports.guide.walk(question, maker.sign_in(question.user))
        self.run.progress.begin("Proving", len(self.order.steps()) - self._done)
        if how is HowAnswered.NOT_TRIED:
            return ProofAnswer(how)
        after = self.remover.seen(user)
        if not question.by_hand.prompt:
            how = HowAnswered.ALLOWED if after.has_passkey else HowAnswered.DENIED
        return ProofAnswer(how, detail=_what_aws_shows(before, after))


def _what_aws_shows(before: SignInSeen, after: SignInSeen) -> str:
    """Say what AWS shows of what somebody tried; it shows the use of a password with a delay."""
    used = after.password_used
    sign_in = (
        f"password last used {used:%Y-%m-%d %H:%M} UTC" if used else "no use of the password is shown yet"
    )
    more = len(after.devices) - len(before.devices)
    return f"{sign_in}; {len(after.devices)} MFA devices" + (f", {more} of them new" if more > 0 else "")


def _clean_all(accounts: Iterable[Account], access: ProofAccess, run: RunContext) -> tuple[Removed, ...]:
    return tuple(
        _clean(account, _entered(account, partial(access.after_proofs, account)), run) for account in accounts
    )


def _clean(
    account: Account, remover: ProofRemover, run: RunContext, expecting: frozenset[str] = frozenset()
) -> Removed:
    """Remove what proofs have left, whatever the operator asks meanwhile. Raises ProofFailed, ProofLeft."""
    writes, count, problem = _Writes(run, account.id), 0, ""
    remains = _entered(account, lambda: remover.remains(expecting))
    proofs = remains.proofs | {proof_of(name) for name in expecting}
    for _ in range(ROUNDS):
        if not remains.names:
            break
        for write in removing(remains):
            try:
                writes(write, remover.remove)
                count += 1
            except (Refusal, AnswerLost) as failed:
                problem = str(failed)
        remains = _entered(account, remover.remains)
    if remains.names:
        left = ", ".join(remains.names)
        raise ProofLeft(
            f"a proof could not be removed from account {account.id} ({account.name}): {left}: {problem}",
            cure=f"rollout prove --account {account.id} --clean",
        )
    begun = (proof for proof, where in run.replay().proofs_begun.items() if where == account.id)
    gone = sorted({*proofs, *begun})
    run.journal.append(*(ProofRemoved(run.id, run.now(), account.id, proof) for proof in gone))
    return Removed(account, count, remains.strangers)


def _entered(account: Account, enter: Callable[[], Answer]) -> Answer:
    """Make a call that needs the account. Raises ProofFailed."""
    try:
        return enter()
    except CannotEnter as refusal:
        raise ProofFailed(
            f"account {account.id} ({account.name}): {refusal.why}", cure=refusal.cure
        ) from refusal


def _proved(record: ProofRecord, file: str, digest: str, run: RunContext) -> Proved:
    return Proved(
        run.id,
        record.at,
        record.account_id,
        record.id,
        record.partition,
        record.policy,
        len(record.answers),
        tuple(one.question for one in record.bad),
        tuple(one.question for one in record.unanswered),
        file,
        digest,
    )
