"""What an earlier version left behind: people under somebody else's policy of our name, which it attached."""

from __future__ import annotations

from dataclasses import replace

from rollout.domain.people.observations import ManagedPolicy
from rollout.domain.policy.attachment import Attachment
from rollout.domain.policy.changes import AddMember, AttachToGroup, AttachToUser, Change, CreateGroup
from rollout.domain.progress.records import WaveCarried
from rollout.domain.progress.stages import Stage
from tests.builders import ACCOUNT, GROUP, NOW, POLICY, a_change, a_run, an_end
from tests.domain.judging import DOCUMENTS, a_managed
from tests.workflows.world import World

FOREIGN = a_managed("ForceMFA", raw=DOCUMENTS.full, path="/security/")
SUBSTITUTE = f"{POLICY}-rollout"


def adopted(world: World, attach: Attachment = Attachment.GROUP, foreign: ManagedPolicy = FOREIGN) -> World:
    """Everybody of the first account was put under `foreign` by an earlier version, which journalled that."""
    account = world.accounts[ACCOUNT]
    account.facts = replace(account.facts, policies={**account.facts.policies, foreign.arn: foreign})
    users = [user.ref for user in account.facts.users]
    changes: list[Change] = [AttachToUser(ACCOUNT, ref, foreign.arn) for ref in users]
    if attach is Attachment.GROUP:
        changes = [CreateGroup(ACCOUNT, GROUP, "/rollout/"), AttachToGroup(ACCOUNT, GROUP, foreign.arn)]
        changes += [AddMember(ACCOUNT, GROUP, ref) for ref in users]
    world.journal.append(a_run("run-old"))
    for number, change in enumerate(changes):
        account.make(change)
        world.journal.append(*a_change(change, run="run-old", number=number, wave="rest"))
    world.journal.append(WaveCarried("run-old", NOW, "rest", Stage.ENFORCE), an_end(run="run-old"))
    account.written.clear()
    account.attempted.clear()
    return world
