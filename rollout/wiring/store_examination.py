"""Looks at the store for `rollout doctor`: what in it cannot be trusted, and who could change it."""

from __future__ import annotations

from dataclasses import replace

from rollout.domain.diagnosis.facts import NoAnswer
from rollout.domain.diagnosis.store_facts import BucketFacts, FolderFacts, KeyFacts, RecordFacts, StoreFacts
from rollout.domain.progress.records import RunStarted
from rollout.errors import KeyUnusable, NoPlan, PlanRefused, RecordAltered, RolloutError
from rollout.wiring.stores import Files


def examine_store(files: Files, organization_id: str) -> StoreFacts:
    """Read everything; what cannot be read is told with its reason, never raised."""
    doubts: list[RolloutError] = []
    careful = replace(files, tell=doubts.append)
    protection: FolderFacts | BucketFacts | NoAnswer
    try:
        protection = careful.protection()
    except RolloutError as problem:
        protection = _no_answer(problem)
    record: RecordFacts | NoAnswer
    try:
        record = _record(careful, organization_id, doubts)
    except RolloutError as problem:
        record = _no_answer(problem)
    unusable = next((_no_answer(problem) for problem in doubts if isinstance(problem, KeyUnusable)), None)
    named = files.settings.store_key
    key = KeyFacts(str(named), unusable) if named is not None else None
    trusted = isinstance(record, RecordFacts) and not record.doubts
    made = careful.journal("doctor").progress(organization_id).made if trusted else None
    return StoreFacts(files.place, record, protection, key, made)


def _record(files: Files, organization_id: str, doubts: list[RolloutError]) -> RecordFacts:
    runs = sum(isinstance(record, RunStarted) for record in files.journal("doctor").records())
    files.marker(organization_id).check()
    try:
        files.plans.load(None, organization_id)
    except NoPlan:
        pass
    except PlanRefused as problem:
        doubts.append(problem)
    seen = {str(problem): problem for problem in doubts if not _is_about_the_key(problem, files)}
    altered = any(isinstance(problem, RecordAltered | PlanRefused) for problem in seen.values())
    return RecordFacts(runs, tuple(map(_no_answer, seen.values())), altered)


def _is_about_the_key(problem: RolloutError, files: Files) -> bool:
    """Tell whether the key's own check says it already."""
    return isinstance(problem, KeyUnusable) and files.settings.store_key is not None


def _no_answer(problem: RolloutError) -> NoAnswer:
    return NoAnswer(str(problem), problem.cure)
