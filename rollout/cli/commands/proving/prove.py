"""`rollout prove`: shows on AWS itself, in one account, what the policy does, before anybody comes under it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated

import typer

from rollout.cli.options import Config, Json, Profile, Yes
from rollout.cli.startup import go_live, read_settings, tell_endpoints
from rollout.cli.terminal.console import TerminalProgress, confirm, err, out, print_json, table
from rollout.errors import EmptySelection, PolicyDisproved, ProofDiffers

if TYPE_CHECKING:
    from rollout.domain.people.organization import Account
    from rollout.domain.proof.proof_record import ProofRecord
    from rollout.wiring import Live
    from rollout.workflows.inventory import Premises
    from rollout.workflows.proving.proof_run import Proof, ProveOrder, Removed


def prove(
    account: Annotated[
        str, typer.Option("--account", metavar="ID", help="The account to prove it in; best an empty one.")
    ],
    *,
    plan: Annotated[
        bool, typer.Option("--plan", help="Print what would be made and asked; write nothing.")
    ] = False,
    clean: Annotated[
        bool, typer.Option("--clean", help="Only remove what earlier proofs have left there.")
    ] = False,
    in_use: Annotated[
        bool, typer.Option("--yes-in-use", help="Prove in an account where people are enforced.")
    ] = False,
    through_service: Annotated[
        bool,
        typer.Option(
            "--through-service",
            help="Also ask AWS Cloud Control API to list SNS topics for a user; AWS charges nothing for it.",
        ),
    ] = False,
    guided: Annotated[
        bool,
        typer.Option(
            "--guided", help="Also walk you through what needs a browser; it takes a quarter of an hour."
        ),
    ] = False,
    anonymous: Annotated[
        bool,
        typer.Option("--anonymous", help="Print differences without ids and names, to send them to others."),
    ] = False,
    config: Config = None,
    profile: Profile = None,
    yes: Yes = False,
    json: Json = False,
) -> None:
    """Prove the policy on AWS: make throw-away users, ask AWS as them, compare the answers, remove everything.

    Example: [bold]rollout prove --account 111122223333 --plan[/], then without [bold]--plan[/]. Nothing but the users,
    policies, group and role that it makes at the path /rollout-proof/ is touched; the next run
    cleans up after one that was killed.
    """
    from rollout.cli.commands.proving.terminal_guide import TerminalGuide
    from rollout.workflows.proving.proof_run import ProofPorts
    from rollout.workflows.proving.proof_run import clean as clean_up
    from rollout.workflows.proving.proof_run import prove as carry_out

    live, where = go_live(read_settings(config), profile)
    chosen = _account(account, where)
    order = live.prove_order(where, chosen, through_service=through_service, in_use_ok=in_use, guided=guided)
    if plan:
        _tell_plan(order, json=json)
        return
    run = live.run_context(live.new_run(), where, TerminalProgress())
    access = live.access(where, writing=True)
    tell_endpoints(live)
    if clean:
        confirm(f"Remove what proofs have left in account {chosen.id} ({chosen.name})?", yes=yes)
        removed = clean_up([chosen], access, run)
        if json:
            print_json([_removed(one) for one in removed])
        _tell_removed(removed)
        return
    names = order.documents.names
    err.print(
        f"About to make {len(names.users)} throw-away users, {len(names.policies)} policies, a group and a role at "
        f"/rollout-proof/ in account {chosen.id} ({chosen.name}), to ask AWS as these users, and to remove them all."
    )
    confirm("Go on?", yes=yes)
    ports = ProofPorts(access, live.files.proofs, TerminalGuide())
    done = carry_out(order, where.accounts, ports, run)
    if json:
        print_json(_as_json(done))
    else:
        _tell(done, live)
    _end(done.record, anonymous=anonymous)


def _account(wanted: str, where: Premises) -> Account:
    found = next((one for one in where.accounts if one.id == wanted), None)
    if found is None:
        raise EmptySelection(
            f"there is no account {wanted} in organization {where.organization.id}",
            cure="name one account by its 12 digits",
        )
    return found


def _tell_plan(order: ProveOrder, *, json: bool) -> None:
    from rollout.domain.proof.proof_steps import ProofWrite
    from rollout.workflows.proving.proof_run import foretellings

    writes = [step.sentence for step in order.steps() if isinstance(step, ProofWrite)]
    foretold = foretellings(order)
    if json:
        print_json(
            {
                "account": order.account.id,
                "policy": order.policy,
                "writes": writes,
                "questions": [
                    {
                        "question": question.name,
                        "expected": told.expected,
                        "because": told.because,
                        "reason": question.reason,
                    }
                    for question, told in foretold
                ],
            }
        )
        return
    out.print(table("Would be made, and removed at the end", ("write",), [(text,) for text in writes]))
    rows = [(question.name, told.expected, question.reason) for question, told in foretold]
    out.print(table("\nWould be asked", ("question", "foretold", "reason"), rows))


def _tell(done: Proof, live: Live) -> None:
    from rollout.domain.proof.proof_record import about_sign_in

    record = done.record
    counts: dict[str, Counter[str]] = {}
    for one in record.answers:
        counts.setdefault(one.topic, Counter())[one.agreement] += 1
    rows = [
        (topic, *(f"{number} {what}" for what, number in sorted(found.items())))
        for topic, found in counts.items()
    ]
    columns = ("asked", *("answers" for _ in range(max(len(row) for row in rows) - 1)))
    out.print(table(f"Proof {record.id} in account {record.account_id}", columns, rows))
    measured = [
        (one.topic, one.persona, f"{one.seconds:.1f}")
        for one in record.answers
        if one.topic in ("attach and deny", "brake", "end of the brake", "release and allow")
    ]
    out.print(table("\nHow long AWS took", ("what", "user", "#seconds"), measured))
    _tell_removed(done.cleaned)
    out.print()
    if record.console:
        out.print(f"In this account, {record.console}.")
    if said := about_sign_in(record):
        out.print(said)
    out.print(f"Everything was removed. Recorded in {live.files.proofs.where(done.file)}")


def _tell_removed(removed: Iterable[Removed]) -> None:
    for one in removed:
        if one.writes:
            err.print(
                f"Removed what earlier proofs had left in account {one.account.id}: {one.writes} writes."
            )
        for stranger in one.strangers:
            err.print(f"Left alone, for no proof has made it: {stranger}")


def _end(record: ProofRecord, *, anonymous: bool) -> None:
    """Say what the answers mean. Raises ProofDiffers, PolicyDisproved."""
    from rollout.domain.proof.proof_record import sentence_of, without_account

    def say(text: str) -> str:
        return without_account(text, record) if anonymous else text

    for one in record.unanswered:
        err.print(say(sentence_of(one)))
    lines = [say(sentence_of(one)) for one in record.bad]
    if record.differing:
        raise ProofDiffers(
            f"{len(record.differing)} of {len(record.answers)} answers of AWS are not as foretold",
            *lines,
            cure="enforce nobody until this is understood; please send us what `rollout prove --anonymous` prints",
        )
    if record.bad:
        raise PolicyDisproved(
            f"this policy does not do what it is for: {len(record.bad)} of {len(record.answers)} answers show it",
            *lines,
            cure="correct policy: in rollout.yaml; `rollout policy --check` says what is wrong with the documents",
        )


def _removed(one: Removed) -> dict[str, object]:
    return {"account": one.account.id, "writes": one.writes, "left_alone": one.strangers}


def _as_json(done: Proof) -> dict[str, object]:
    from dataclasses import asdict

    from rollout.domain.proof.proof_record import about_sign_in

    return {
        **asdict(done.record),
        "sign_in": about_sign_in(done.record),
        "file": done.file,
        "removed_before": [_removed(one) for one in done.cleaned],
    }
