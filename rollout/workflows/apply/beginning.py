"""Puts on record what a run begins with: who, what for, and what the gates said."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from rollout.domain.progress.records import GateOverridden, GateRead, Record, RunStarted
from rollout.workflows.apply.order import Due, Order


def first_records(order: Order, caller: str, due: Due, now: datetime) -> Iterator[Record]:
    """Give the first records of a run: its start, each gate's answer, and the overrides that it needs."""
    header = order.plan.header
    yield RunStarted(
        order.run,
        now,
        header.organization_id,
        header.id,
        header.checksum,
        order.stage,
        caller,
        order.version,
    )
    for wave, answer in due.gates:
        yield GateRead(order.run, now, wave, answer.gate, answer.result, answer.detail)
        if not answer.passes and answer.gate in order.overrides:
            reason = order.overrides[answer.gate]
            yield GateOverridden(order.run, now, wave, answer.gate, reason, caller)
