"""The brake: the one write that lets a whole account out."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from rollout.domain.actions.writes import braking, halves
from rollout.domain.policy import effects
from rollout.domain.policy.brake import Brake, brake_of, denies_nothing
from rollout.domain.policy.changes import CreateVersion, DeleteVersion, SetDefaultVersion
from tests.builders import ACCOUNT, a_user, account_facts
from tests.domain.judging import DOCUMENTS, EVERYTHING, OURS_ARN, SEED_DOCUMENTS, a_versioned
from tests.domain.life import Life


def test_the_brake_is_pulled_when_the_version_in_force_denies_nothing():
    assert Brake.ABSENT is brake_of(None)
    assert Brake.OFF is brake_of(a_versioned("ForceMFA", DOCUMENTS.brake, DOCUMENTS.full, default=2))
    assert Brake.PULLED is brake_of(a_versioned("ForceMFA", DOCUMENTS.brake, DOCUMENTS.full, default=1))
    assert Brake.OFF is brake_of(a_versioned("ForceMFA", "%7B unreadable", default=1))


def test_pulling_is_one_write():
    policy = a_versioned("ForceMFA", DOCUMENTS.brake, DOCUMENTS.full, default=2)
    assert (SetDefaultVersion(ACCOUNT, OURS_ARN, "v1"),) == braking(ACCOUNT, policy, (DOCUMENTS.brake,))


def test_a_brake_that_is_pulled_is_left_so():
    policy = a_versioned("ForceMFA", DOCUMENTS.brake, DOCUMENTS.full, default=1)
    assert () == braking(ACCOUNT, policy, (DOCUMENTS.brake,))


def test_of_two_halves_the_newer_one_is_taken():
    documents = (SEED_DOCUMENTS.brake, SEED_DOCUMENTS.full, DOCUMENTS.brake, DOCUMENTS.full)
    policy = a_versioned("ForceMFA", *documents, default=4)
    halves = (DOCUMENTS.brake, SEED_DOCUMENTS.brake)
    assert (SetDefaultVersion(ACCOUNT, OURS_ARN, "v3"),) == braking(ACCOUNT, policy, halves)


def test_without_a_half_one_is_made():
    policy = a_versioned("ForceMFA", DOCUMENTS.full, default=1)
    assert (CreateVersion(ACCOUNT, OURS_ARN, DOCUMENTS.brake),) == braking(
        ACCOUNT, policy, (DOCUMENTS.brake,)
    )


def test_a_version_of_somebody_else_that_denies_nothing_is_never_put_in_force():
    policy = a_versioned("ForceMFA", DOCUMENTS.brake, DOCUMENTS.full, EVERYTHING, default=2)
    assert (SetDefaultVersion(ACCOUNT, OURS_ARN, "v1"),) == braking(ACCOUNT, policy, (DOCUMENTS.brake,))
    policy = a_versioned("ForceMFA", DOCUMENTS.full, EVERYTHING, default=1)
    made = braking(ACCOUNT, policy, (DOCUMENTS.brake,))
    assert (CreateVersion(ACCOUNT, OURS_ARN, DOCUMENTS.brake),) == made


def test_a_half_that_the_journal_says_we_wrote_is_as_good_as_todays():
    life = Life(account_facts(a_user("alice")), documents=SEED_DOCUMENTS)
    life.do("enforce", ["alice"])
    ours = halves(OURS_ARN, DOCUMENTS.brake, life.progress.owned)
    assert (DOCUMENTS.brake, SEED_DOCUMENTS.brake) == ours


def test_without_a_half_and_without_room_the_oldest_other_version_goes():
    policy = a_versioned("ForceMFA", *[DOCUMENTS.full] * 5, default=1)
    made = braking(ACCOUNT, policy, (DOCUMENTS.brake,))
    assert (DeleteVersion(ACCOUNT, OURS_ARN, "v2"), CreateVersion(ACCOUNT, OURS_ARN, DOCUMENTS.brake)) == made


@given(
    documents=st.lists(
        st.sampled_from((DOCUMENTS.brake, DOCUMENTS.full, SEED_DOCUMENTS.full, EVERYTHING, "no document")),
        min_size=1,
        max_size=5,
    ),
    data=st.data(),
)
def test_whatever_stands_there_nobody_is_denied_afterwards(documents, data):
    default = data.draw(st.integers(1, len(documents)))
    policy = a_versioned("ForceMFA", *documents, default=default)
    facts = account_facts(policies=[policy])
    changes = braking(ACCOUNT, policy, (DOCUMENTS.brake,))
    for change in changes:
        facts = effects.after(facts, change)
    in_force = facts.policies[OURS_ARN].default
    assert in_force is not None
    assert denies_nothing(in_force.document)
    assert len(facts.policies[OURS_ARN].versions) <= 5
    assert len(changes) <= 1 or DOCUMENTS.brake not in documents
