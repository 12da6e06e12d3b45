"""Reads the whole journal, in order, and tells what of it is missing, damaged, or not written with the store's key."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from rollout.domain.progress.records import DeliverySeen, Record, Reminded, Told
from rollout.errors import JournalDamaged, KeyUnusable, RecordAltered, RolloutError
from rollout.store.formats.found_segments import (
    FIND_OUT,
    FoundSegment,
    Look,
    Reading,
    Segment,
    Tell,
    damage,
    digest_of,
    find,
)
from rollout.store.formats.journal_lines import KnownValues
from rollout.store.formats.seals import Seals, Trust
from rollout.store.formats.snapshot import CoveredSegment, Unfit
from rollout.workflows.ports import UnsealedRun

SENT = (Told, Reminded, DeliverySeen)
"""The records of what was sent to people, and of how it fared."""
Where = Callable[[str], str]
"""Tells a person where a run's segment belongs."""

_SEAL_IT = (
    "`rollout seal` shows what that run wrote, and seals it if it is yours; if it is not, find out who wrote it, "
    "and move it out of the store"
)


def records_of(
    look: Look,
    where: Where,
    trust: Trust | None = None,
    only: tuple[type[Record], ...] = (),
    covered: Iterable[CoveredSegment] = (),
) -> Iterator[Record]:
    """Read all segments in order, or `only` the records of some types in them; a torn last line is passed over.

    Of a segment that a snapshot covers, and that is still the same, lines of other types are not looked into.

    What is missing, damaged or not sealed goes to `trust.tell`: JournalDamaged; in a store that has a key,
    RecordAltered or KeyUnusable. What is told of is left out; where the key cannot be used, everything is read as if
    there were none.
    """
    trust = trust or Trust()
    seals = trust.usable()
    telling, ends = Telling(trust.tell), {}
    proven = {one.run for one in covered if one.length is None}
    try:
        try:
            whole = look_at(look, where, seals, trust, covered)
        except Unfit:
            proven, whole = set(), look_at(look, where, seals, trust)
    except JournalDamaged as problem:
        telling(problem)
        return
    for wrong in whole.problems:
        telling(wrong)
    known, types = KnownValues(), frozenset(kind.__name__.encode() for kind in only)
    for each in whole.ordered:
        same = each.run in proven
        reading = Reading(each, telling, seals, known=known, only=types, proven=same)
        try:
            yield from reading.records({} if same else whole.wanted[each.run], where(each.run))
        except JournalDamaged as problem:
            telling(problem)
        ends[each.run] = reading.chain.sum.decode()
    if not telling.told and not proven:
        remember(ends, whole, seals, trust)


class Telling:
    """Passes on what is wrong, and remembers that anything is."""

    def __init__(self, tell: Tell) -> None:
        """Take whom to tell."""
        self._tell = tell
        self.told = False

    def __call__(self, problem: RolloutError) -> None:
        """Pass it on."""
        self.told = True
        self._tell(problem)


def remember(ends: Mapping[str, str], whole: JournalInOrder, seals: Seals | None, trust: Trust) -> None:
    """Let this machine remember the ends of runs that no other run has seen, after all was read and found whole."""
    if seals and trust.seen:
        named = {item for each in whole.trusted.values() for item in each.saw.items()}
        heads = {run: end for run, end in ends.items() - named if run not in whole.vouched}
        trust.seen.remember(heads, instead_of=whole.remembered)


def unsealed_runs(look: Look, where: Where, trust: Trust) -> list[UnsealedRun]:
    """Find the segments without a seal. Raises KeyUnusable, and JournalDamaged where they cannot be listed."""
    whole = look_at(look, where, trust.usable(), trust)
    return [_unsealed(segment, where(run), why) for run, (segment, why) in sorted(whole.unsealed.items())]


def _unsealed(segment: Segment, where: str, why: str) -> UnsealedRun:
    """Read a segment as in a store without a key."""
    wrong: list[str] = []
    records: list[Record] = []
    digest = ""
    try:
        digest = digest_of(segment)
        reading = Reading(find(segment, None), lambda problem: wrong.append(str(problem)))
        records += reading.records({}, where)
    except JournalDamaged as problem:
        wrong.append(str(problem))
    return UnsealedRun(segment.run, where, why, digest, tuple(records), "; ".join(wrong))


@dataclass(slots=True)
class JournalInOrder:
    """The segments that can be trusted, those without a seal and why, and what is wrong with the whole.

    `wanted`: by run and checksum, the lines that must be there, with who saw them. `remembered` are those of them that
    this machine saw. `vouched`: the runs without a seal that somebody sealed, with the run by which.
    """

    trusted: dict[str, FoundSegment] = field(default_factory=dict)
    unsealed: dict[str, tuple[Segment, str]] = field(default_factory=dict)
    wanted: defaultdict[str, dict[bytes, str]] = field(default_factory=lambda: defaultdict(dict))
    problems: list[RolloutError] = field(default_factory=list)
    there: set[str] = field(default_factory=set)
    remembered: Mapping[str, str] = field(default_factory=dict)
    vouched: dict[str, str] = field(default_factory=dict)

    @property
    def missing(self) -> dict[str, str]:
        """The runs that must be there and are not, each with who says so."""
        seen = {run: f"{next(iter(lines.values()))} saw it" for run, lines in self.wanted.items() if lines}
        sealed = {run: f"run {sealer} sealed it" for run, sealer in self.vouched.items()}
        return {run: why for run, why in sorted({**sealed, **seen}.items()) if run not in self.there}

    @property
    def ordered(self) -> list[FoundSegment]:
        """The segments that can be trusted, in order."""
        return sorted(self.trusted.values(), key=lambda each: each.place)


def look_at(
    look: Look, where: Where, seals: Seals | None, trust: Trust, covered: Iterable[CoveredSegment] = ()
) -> JournalInOrder:
    """Find all segments, and what is wrong with the whole. Raises JournalDamaged where they cannot be listed.

    Those that a snapshot covers are not read again. Raises Unfit where one of them has changed.
    """
    known = {one.run: one for one in covered}
    whole = _look_once(look, where, seals, trust, known)
    if whole.missing:
        # One that came while the others were listed can have been seen already.
        whole = _look_once(look, where, seals, trust, known)
    whole.problems += [damage(seals, f"{where(run)} is missing: {why}") for run, why in whole.missing.items()]
    return whole


def _look_once(
    look: Look, where: Where, seals: Seals | None, trust: Trust, known: Mapping[str, CoveredSegment]
) -> JournalInOrder:
    whole, others = JournalInOrder(), []
    # Those that are known come first: what is read is then fetched together.
    for segment in sorted(look(), key=lambda one: one.run not in known):
        whole.there.add(segment.run)
        if segment.run in known:
            whole.trusted[segment.run] = known[segment.run].found(segment, seals)
            continue
        try:
            found = find(segment, seals)
        except JournalDamaged as problem:
            whole.problems.append(problem)
            continue
        if seals is None or found.seals:
            whole.trusted[found.run] = found
        else:
            others.append(found)
    if trust.seals is None and any(each.opening and each.opening.key for each in whole.trusted.values()):
        whole.problems.append(
            KeyUnusable(
                "the journal is sealed with a key, and rollout.yaml names none, so nothing can be checked",
                cure="set store_key in rollout.yaml as those have it who wrote the journal",
            )
        )
    vouched = {run: digest for each in whole.trusted.values() for run, digest in _vouched(each, seals)}
    whole.vouched = {run: each.run for each in whole.trusted.values() for run, _ in _vouched(each, seals)}
    for found in others:
        _take(found, vouched, whole, where(found.run))
    for seer, each in whole.trusted.items():
        for run, end in each.saw.items():
            whole.wanted[run][end.encode()] = f"run {seer}"
    if seals and trust.seen:
        whole.remembered = trust.seen.ends()
        for run, end in whole.remembered.items():
            whole.wanted[run].setdefault(end.encode(), f"this machine ({trust.seen.where})")
    return whole


def _vouched(found: FoundSegment, seals: Seals | None) -> Iterator[tuple[str, str]]:
    if seals and found.seals and found.opening:
        yield from found.opening.seals.items()


def _take(found: FoundSegment, vouched: Mapping[str, str], whole: JournalInOrder, where: str) -> None:
    """Trust a segment without a seal only as far as somebody has looked at these very bytes and sealed them."""
    run = found.run
    why = "is sealed with another key" if found.opening and found.opening.key else "is not sealed"
    cure = _SEAL_IT
    if run in vouched:
        try:
            if digest_of(found.segment) == vouched[run]:
                whole.trusted[run] = found
                return
        except JournalDamaged as problem:
            whole.problems.append(problem)
            return
        why, cure = "was changed after `rollout seal` had sealed it", FIND_OUT
    whole.unsealed[run] = (found.segment, why)
    whole.problems.append(RecordAltered(f"{where} {why}", cure=cure))
