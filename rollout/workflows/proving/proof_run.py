"""`rollout prove`: shows on AWS itself, as throw-away users in one account, what the policy does (docs/proof.md)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from rollout.domain.people.organization import Account
from rollout.domain.progress.records import (
    ProofIntent,
    ProofRemoved,
    ProofSettled,
    Proved,
    RunEnding,
)
from rollout.domain.proof.comparing import Answered, HowAnswered, compare
from rollout.domain.proof.foretelling import Foretold, ProofWorld, foretell
from rollout.domain.proof.proof_questions import Expected, ProofQuestion, script
from rollout.domain.proof.proof_record import ProofRecord
from rollout.domain.proof.proof_steps import ProofDocuments, ProofWrite, Remains, removing
from rollout.domain.proof.proof_users import proof_of
from rollout.errors import Interrupted, ProofFailed, ProofLeft, Refused
from rollout.workflows.ports import (
    Answer,
    AnswerLost,
    CannotEnter,
    ProofAccess,
    ProofMaker,
    ProofRemover,
    ProofStore,
    Refusal,
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


def prove(
    order: ProveOrder, others: Sequence[Account], access: ProofAccess, store: ProofStore, run: RunContext
) -> Proof:
    """Make the proof, remove everything, and record what AWS answered.

    `others` are the accounts of the organization: where the journal says that an earlier proof left something, that is
    removed first. Raises Refused, LockHeld, ProofFailed, ProofLeft, Interrupted, and what the ports raise.
    """
    account, names = order.account, order.documents.names
    with run.lock.hold(run.organization_id, PROVE):
        progress = run.replay()
        enforced = progress.enforced_in(account.id)
        if enforced and not order.in_use_ok:
            raise Refused(
                f"{enforced} users of account {account.id} ({account.name}) are under the policy: a proof should "
                "not be made where people work",
                cure="name another account, best an empty one, or add --yes-in-use",
            )
        run.begin(PROVE)
        unclean = {account.id, *progress.proofs_begun.values()}
        cleaned = tuple(_clean(other, access, run) for other in others if other.id in unclean)
        writes = _Writes(run, account.id)
        answers: list[Answered] = []
        problem: Refusal | AnswerLost | CannotEnter | None = None
        whole = False
        try:
            maker = access.for_proof(account, order.documents)
            whole = _carry(order, maker, writes, answers, run)
        except (Refusal, AnswerLost, CannotEnter) as caught:
            problem = caught
        _clean(account, access, run, frozenset(name for name in writes.made if proof_of(name)))
        if problem is not None:
            run.end(RunEnding.IN_PART, {"answers": len(answers)})
            raise ProofFailed(
                f"the proof in account {account.id} could not be made, and was removed: {problem}",
                cure="`rollout doctor --prove` names the rights that it needs; then run the same command again",
            ) from problem
        if not whole:
            run.end(RunEnding.INTERRUPTED, {"answers": len(answers)})
            raise _interrupted()
        record = ProofRecord(
            names.id,
            run.now(),
            run.organization_id,
            order.partition,
            account.id,
            account.name,
            run.caller,
            order.policy,
            run.version,
            tuple(answers),
        )
        file, digest = store.save(record)
        run.journal.append(_proved(record, file, digest, run))
        run.end(RunEnding.DONE, {"answers": len(answers), "bad": len(record.bad)})
    return Proof(record, file, cleaned)


def clean(accounts: Iterable[Account], access: ProofAccess, run: RunContext) -> tuple[Removed, ...]:
    """Remove what proofs have left in these accounts. Raises LockHeld, ProofFailed, ProofLeft."""
    with run.lock.hold(run.organization_id, PROVE):
        run.begin(PROVE)
        removed = tuple(_clean(account, access, run) for account in accounts)
        run.end(RunEnding.DONE, {"removed": sum(one.writes for one in removed)})
    return removed


def foretellings(order: ProveOrder) -> tuple[tuple[ProofQuestion, Foretold], ...]:
    """Foretell every question, without asking AWS."""
    steps = (step for step in order.steps() if isinstance(step, ProofQuestion))
    return tuple((step, foretell(step, order.world)) for step in steps)


def _carry(
    order: ProveOrder, maker: ProofMaker, writes: _Writes, answers: list[Answered], run: RunContext
) -> bool:
    """Make the writes and ask the questions; False where the operator asked to stop. Raises AnswerLost, Refusal."""
    steps = order.steps()
    run.progress.begin("Proving", len(steps))
    try:
        for step in steps:
            if run.ends():
                return False
            if isinstance(step, ProofWrite):
                writes(step, maker.make)
                run.progress.advance(step.sentence)
                continue
            foretold = foretell(step, order.world)
            until = _UNTIL[foretold.expected] if step.waits else None
            answers.append(compare(step, foretold, maker.ask(step, until)))
            run.progress.advance(step.name)
    finally:
        run.progress.finish()
    return True


def _clean(
    account: Account, access: ProofAccess, run: RunContext, expecting: frozenset[str] = frozenset()
) -> Removed:
    """Remove what proofs have left, whatever the operator asks meanwhile. Raises ProofFailed, ProofLeft."""
    remover = _entered(account, lambda: access.after_proofs(account))
    writes, count, problem = _Writes(run, account.id), 0, ""
    remains = _remains(account, remover, expecting)
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
        remains = _remains(account, remover)
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


def _remains(account: Account, remover: ProofRemover, expecting: frozenset[str] = frozenset()) -> Remains:
    return _entered(account, lambda: remover.remains(expecting))


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


def _interrupted() -> Interrupted:
    return Interrupted(
        "interrupted; everything that the proof had made was removed", cure="run the same command again"
    )
