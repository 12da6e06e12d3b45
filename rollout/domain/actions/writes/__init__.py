"""All orders of writes: each function lists the writes that bring one account to what is wanted, in their order.

Placing goes policy, group, memberships; undoing goes the other way. Nothing here is tried, asked or recorded.
"""

from rollout.domain.actions.writes.placing import enforcing, enrolling, renewing, repairing
from rollout.domain.actions.writes.releasing import (
    braking,
    exempting,
    halves,
    releasing,
    renamed,
    taking_back,
    tidying,
)
from rollout.domain.actions.writes.undoing import Chosen, Left, Undoing, document_of, undoing
from rollout.domain.actions.writes.write import Write

__all__ = [
    "Chosen",
    "Left",
    "Undoing",
    "Write",
    "braking",
    "document_of",
    "enforcing",
    "enrolling",
    "exempting",
    "halves",
    "releasing",
    "renamed",
    "renewing",
    "repairing",
    "taking_back",
    "tidying",
    "undoing",
]
