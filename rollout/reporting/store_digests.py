"""Digests of what a report is made from, as evidence cites them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class StoreDigests:
    """What the store has of a report: digests of what it was made from.

    `journal` has the number of records of each run, and the digest of their lines. `proof` is that of the newest proof
    of the plan's policy, empty without one.
    """

    plan_file: str
    plan_checksum: str
    plan_evidence: str
    policy: str
    settings: str
    journal: Mapping[str, tuple[int, str]]
    proof: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Give it as JSON-compatible values."""
        journal = {
            run: {"records": records, "sha256": found}
            for run, (records, found) in sorted(self.journal.items())
        }
        plan = {"file": self.plan_file, "checksum": self.plan_checksum, "evidence": self.plan_evidence}
        return {
            "plan": plan,
            "policy": self.policy,
            "settings": self.settings,
            "journal": journal,
            "proof": self.proof,
        }
