"""Lists the writes that bring an account into a wanted state, in order; nothing is called or recorded here.

Placing goes from policy to group to memberships, undoing the other way.
"""

from rollout.domain.actions.writes.placing import enforcing, enrolling, renewing, repairing
from rollout.domain.actions.writes.releasing import (
    braking,
    halves,
    keeping_released,
    releasing,
    renamed,
    taking_back,
    taking_out,
    tidying,
)
from rollout.domain.actions.writes.replacing import Replacing, replacing
from rollout.domain.actions.writes.stepping_aside import stepping_aside
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
    "halves",
    "keeping_released",
    "releasing",
    "renamed",
    "renewing",
    "repairing",
    "replacing",
    "stepping_aside",
    "taking_back",
    "taking_out",
    "tidying",
    "undoing",
]
