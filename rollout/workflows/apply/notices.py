"""Tells people: one message a person and run, a line a user (DESIGN §6)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from rollout.domain.journal.records import Told
from rollout.domain.notices import Delivery, Line, Notice
from rollout.workflows.apply.order import Tally, Tools
from rollout.workflows.apply.watch import Watch

WORDS = {Delivery.DELIVERED: "told", Delivery.QUEUED: "queued", Delivery.FAILED: "not reached"}


@dataclass(slots=True)
class Telling:
    """How telling went: the waves of which somebody was told, or could not be, and whether it was cut short."""

    moved: set[str] = field(default_factory=set)
    untold: set[str] = field(default_factory=set)
    interrupted: bool = False


def tell(
    lines: Sequence[tuple[str, str, Line]], run: str, tools: Tools, tally: Tally, watch: Watch
) -> Telling:
    """Send a notice to each address and journal every line; ends early when the run is asked to stop."""
    telling = Telling()
    by_address: dict[str, list[tuple[str, Line]]] = {}
    for address, wave, line in lines:
        by_address.setdefault(address.casefold(), []).append((wave, line))
    spelled = {address.casefold(): address for address, _, _ in lines}
    for key in sorted(by_address):
        if watch.ends():
            telling.interrupted = True
            break
        mine = sorted(by_address[key], key=lambda pair: (pair[1].due, pair[1].user.arn))
        receipt = tools.notifier.send(Notice(spelled[key], tuple(line for _, line in mine)))
        now = tools.clock.now()
        tools.journal.append(
            *(
                Told(
                    run,
                    now,
                    line.user,
                    wave,
                    spelled[key],
                    line.impact,
                    line.due,
                    receipt.delivery,
                    receipt.message_id,
                    receipt.detail,
                )
                for wave, line in mine
            )
        )
        tally.count(WORDS[receipt.delivery], len(mine))
        tally.count("messages")
        failed = receipt.delivery is Delivery.FAILED
        (telling.untold if failed else telling.moved).update(wave for wave, _ in mine)
    return telling
