"""Names of things, and who must stay able to pull the brake."""

from __future__ import annotations

import pytest

from rollout.domain.people.organization import policy_arn, user_arn
from tests.builders import MANAGEMENT, OPERATOR, a_caller

ROOT = f"arn:aws:iam::{MANAGEMENT}:root"
ANA = f"arn:aws:iam::{MANAGEMENT}:user/admins/ana"


@pytest.mark.parametrize(
    ("arn", "source", "operators"),
    [
        (ANA, None, {ANA}),
        (OPERATOR, None, set()),
        (OPERATOR, ANA, {ANA}),
        (ANA, ANA, {ANA}),
        (ROOT, None, set()),
        (f"arn:aws:sts::{MANAGEMENT}:federated-user/ana", None, set()),
        (f"arn:aws:sts::{MANAGEMENT}:assumed-role/user/ana", None, set()),
    ],
)
def test_the_operators_are_the_iam_users_behind_a_run(arn: str, source: str | None, operators: set[str]):
    assert operators == a_caller(arn, source=source).operator_arns


def test_arns_keep_path_partition_and_leading_zeros():
    assert "arn:aws:iam::012345678901:user/alice" == user_arn("aws", "012345678901", "/", "alice")
    assert "arn:aws-cn:iam::012345678901:user/a/b/=x" == user_arn("aws-cn", "012345678901", "/a/b/", "=x")
    expected = "arn:aws:iam::012345678901:policy/rollout/ForceMFA"
    assert expected == policy_arn("aws", "012345678901", "/rollout/", "ForceMFA")
