"""Lists the writes that bring an account into a wanted state, in order; nothing is called or recorded here.

Placing goes from policy to group to memberships, undoing the other way.
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
from rollout.domain.actions.writes.replacing import Replacing, replacing
from rollout.domain.actions.writes.undoing import Chosen, Left, Undoing, document_of, undoing
from rollout.domain.actions.writes.write import Write

__all__ = [
    "Chosen",
    "Left",
    "Replacing",
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
    "replacing",
    "taking_back",
    "tidying",
    "undoing",
]
