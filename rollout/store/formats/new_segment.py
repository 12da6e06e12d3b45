"""Spells the segment of a run that writes: its opening, which names what was there, then its records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rollout.domain.progress.records import Approved, Deadlocked, DeliverySeen, EnforcementSeen, RunEnded
from rollout.errors import AwsFailure, JournalDamaged, Unwritable
from rollout.store.formats.found_segments import FoundSegment, Look, Segment, end_of, find
from rollout.store.formats.journal_chain import Chain, Opening, opening_line
from rollout.store.formats.seals import Seals, Trust

LAST_RECORDS = (RunEnded, Approved, Deadlocked, EnforcementSeen, DeliverySeen)
"""What a segment can end with: the end of a run, or what stands outside of runs."""


class NewSegment:
    """Spells the lines of a run that writes."""

    def __init__(
        self, run: str, look: Look, trust: Trust | None = None, vouched: Mapping[str, str] | None = None
    ) -> None:
        """Look at nothing yet; `look` finds the segments that are there. `vouched`: what the opening is to seal."""
        self._run, self._look, self._trust = run, look, trust or Trust()
        self._vouched = dict(vouched or {})
        self._chain: Chain | None = None

    def spell(self, lines: Sequence[bytes]) -> bytes:
        """Give lines their checksums, in this order; the first time behind the opening.

        Raises Unwritable, KeyUnusable.
        """
        if self._chain is None:
            seals = self._trust.usable()
            lines = [self._opening(seals), *lines]
            self._chain = Chain(self._run, seals)
        return b"".join(map(self._chain.add, lines))

    def remember(self) -> None:
        """Let this machine remember what was written, once it is stored: nobody else may have seen it."""
        if self._chain and self._trust.seen and self._trust.usable():
            self._trust.seen.remember({self._run: self._chain.sum.decode()}, instead_of={})

    def _opening(self, seals: Seals | None) -> bytes:
        saw = {}
        try:
            segments = self._look()
            found = [each for each in (_found_or_none(one, seals) for one in segments) if each]
            vouched_for = [each for each in found if self._is_vouched_for(each, seals)]
            named = {item for each in vouched_for for item in each.saw.items()}
            runs = {run for run, _ in named}
            for each in vouched_for:
                if each.opening is None and each.run in runs:
                    continue  # of an earlier version: it does not grow any more, and is slow to look at
                if (end := end_of(each)) and (each.run, end) not in named:
                    each.segment.keep()
                    saw[each.run] = end
        except (AwsFailure, JournalDamaged) as problem:
            raise Unwritable(f"the journal cannot be added to: {problem}", cure=problem.cure) from problem
        before = [each for each in found if not seals or each.seals or each.run in self._vouched]
        number = 1 + max([len(segments), *(each.place[0] for each in before)])
        key = seals.fingerprint if seals else ""
        return opening_line(Opening("SegmentOpened", self._run, number, saw, key, self._vouched))

    def _is_vouched_for(self, found: FoundSegment, seals: Seals | None) -> bool:
        """Tell whether a segment may be named as seen. In a store with a key, any other can be taken away again."""
        return self._trust.seals is None or (seals is not None and found.seals is not None)


def _found_or_none(segment: Segment, seals: Seals | None) -> FoundSegment | None:
    """Find a segment; None for one that is damaged, which stops no run from writing: readers are told of it."""
    try:
        return find(segment, seals)
    except JournalDamaged:
        return None
