"""Chooses which adapter fills each port: live, rehearsal, or offline. The only package that knows them all."""

from rollout.wiring.aws_access import Dispensable
from rollout.wiring.clocks import LocalClock, offline_now
from rollout.wiring.decision_rules import documents_for, names_of, rules_for
from rollout.wiring.live import Live, stop_on
from rollout.wiring.live_looks import Silence
from rollout.wiring.people_file import write_unreached
from rollout.wiring.previews import message_of, write_preview
from rollout.wiring.stores import Files, PlanPlace

__all__ = [
    "Dispensable",
    "Files",
    "Live",
    "LocalClock",
    "PlanPlace",
    "Silence",
    "documents_for",
    "message_of",
    "names_of",
    "offline_now",
    "rules_for",
    "stop_on",
    "write_preview",
    "write_unreached",
]
