"""Nobody comes under a policy of which it was not shown on AWS, not too long ago, that it does its work."""

from __future__ import annotations

from datetime import timedelta

import pytest

from rollout.domain.gates import GateAnswer, Result
from rollout.domain.gates.proof import PROOF
from rollout.domain.progress.records import Proved
from rollout.errors import Refused
from tests.builders import a_progress, a_proof, a_run, days_ago
from tests.domain.gates.asked import ask
from tests.workflows.world import World, a_person

POLICY = "sha256:policy"
QUARTER = timedelta(days=90)


def asked(*proofs: Proved, returning: bool = False) -> GateAnswer:
    progress = a_progress(a_run(at=days_ago(200)), *proofs)
    return ask(PROOF, QUARTER, progress, policy=POLICY, returning=returning)


def test_a_good_proof_of_exactly_this_policy_opens_it():
    answer = asked(a_proof(at=days_ago(89)))
    assert Result.PASS is answer.result
    assert "200 answers, 89 days ago, at most 90" in answer.detail


@pytest.mark.parametrize(
    ("proofs", "says"),
    [
        ((), "was never proved: rollout prove"),
        ((a_proof("sha256:another"),), "was never proved (1 proofs are of another policy or partition)"),
        ((a_proof(partition="aws-cn"),), "was never proved (1 proofs are of another policy or partition)"),
        ((a_proof(at=days_ago(91)),), "91 days ago, at most 90"),
        (
            (a_proof(bad=("s3:ListBuckets by key",)),),
            "1 of 200 answers are bad, such as s3:ListBuckets by key",
        ),
        (
            (a_proof(at=days_ago(2)), a_proof(bad=("q",), at=days_ago(1))),
            "1 of 200 answers are bad, such as q",
        ),
    ],
)
def test_anything_else_keeps_it_shut(proofs: tuple[Proved, ...], says: str):
    answer = asked(*proofs)
    assert Result.FAIL is answer.result
    assert says in answer.detail


def test_a_proof_without_the_answers_that_count_tells_nothing():
    answer = asked(a_proof(unanswered=("iam:EnableMFADevice",)))
    assert Result.INCONCLUSIVE is answer.result
    assert "1 needed answers are missing, such as iam:EnableMFADevice" in answer.detail


def test_whoever_was_enforced_before_comes_back_by_an_old_proof_too():
    assert Result.PASS is asked(a_proof(at=days_ago(300)), returning=True).result


def test_it_stops_a_wave_and_names_the_command():
    world = World(a_person("alice")).ripe()
    world.gates = world.gates.changed(proof=QUARTER)
    with pytest.raises(Refused, match="this policy was never proved") as refusal:
        world.enforce()
    assert refusal.value.cure.startswith("rollout prove --account ID")
    assert set() == world.enforced
    policy = world.plans.kept[-1].header.digests.policy
    world.journal.append(a_proof(policy, at=world.clock.now()))
    world.enforce()
    assert {"alice"} == world.enforced
