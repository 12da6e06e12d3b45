"""The sessions of a proof: that path, those names, these operations, and nothing else (docs/proof.md)."""

import botocore.session
import pytest

from rollout.aws.connect.session_policy import LONGEST
from rollout.aws.prove.proof_sessions import (
    ATTACHING,
    DETACHING,
    FINDING,
    MAKING,
    MAKING_CALLS,
    REMOVING,
    REMOVING_CALLS,
    ProofAccountArns,
    ProofGuard,
    making_policy,
    removing_policy,
)
from rollout.awsapi.operations import OperationNotAllowed, operation_named
from rollout.awsapi.sessions import HOME_REGIONS
from rollout.domain.iam import Allowed, Context, Policies, Request, evaluate, parse_document
from rollout.domain.proof.proof_users import PREFIX, ProofNames
from tests.aws.world import ACCOUNT

NAMES = ProofNames("k3f9xy")
MAKER = making_policy(ProofAccountArns("aws", ACCOUNT, NAMES))
REMOVER = removing_policy("aws", ACCOUNT)
TAGGING = ("TagPolicy", "TagRole", "TagUser")
"""What creating something with tags needs besides."""
EVERY = sorted(botocore.session.Session().get_service_model("iam").operation_names)


def iam_arn(resource: str, account: str = ACCOUNT) -> str:
    return f"arn:aws:iam::{account}:{resource}"


def may(policy: str, action: str, resource: str, attached: str = "") -> bool:
    context = Context({"iam:PolicyARN": attached} if attached else {})
    request = Request(action, resource, iam_arn("user/somebody"), context)
    return isinstance(evaluate(Policies((parse_document(policy, "session"),)), request), Allowed)


OURS = {
    kind: iam_arn(f"{kind}/rollout-proof/rollout-proof-k3f9xy-{name}")
    for kind, name in (
        ("user", "totp-group"),
        ("group", "group"),
        ("policy", "force-mfa"),
        ("role", "role"),
        ("mfa", "totp-group-device"),
    )
}
OTHERS = [
    *(
        iam_arn(f"{kind}/{name}")
        for kind in OURS
        for name in ("alice", "team/alice", "rollout-proof-k3f9xy-x")
    ),
    *(iam_arn(f"{kind}/rollout/ForceMFA") for kind in OURS),
    *(iam_arn(f"{kind}/rollout-proof/alice") for kind in OURS),
    *(arn.replace(ACCOUNT, "999988887777") for arn in OURS.values()),
    "arn:aws:iam::aws:policy/AdministratorAccess",
]
ANOTHER_PROOF = [arn.replace("k3f9xy", "abcdef") for arn in OURS.values()]


@pytest.mark.parametrize("partition", sorted(HOME_REGIONS))
def test_both_session_policies_fit(partition: str):
    assert len(making_policy(ProofAccountArns(partition, ACCOUNT, NAMES))) <= LONGEST
    assert len(removing_policy(partition, ACCOUNT)) <= LONGEST


@pytest.mark.parametrize("name", EVERY)
def test_each_operation_of_iam_is_allowed_on_what_proofs_make_or_not_at_all(name: str):
    """The maker touches nothing but its own proof, the remover nothing but what proofs have left; both read little."""
    attached = OURS["policy"] if name in (*ATTACHING, *DETACHING) else ""
    action = f"iam:{name}"
    made = any(may(MAKER, action, arn, attached) for arn in OURS.values())
    removed = any(may(REMOVER, action, arn, attached) for arn in OURS.values())
    assert (name in (*MAKING, *ATTACHING, *TAGGING)) == made
    assert (name in (*FINDING, *REMOVING, *DETACHING)) == removed
    assert not any(may(MAKER, action, arn, attached) for arn in (*OTHERS, *ANOTHER_PROOF, "*"))
    if name not in FINDING:
        assert not any(may(REMOVER, action, arn, attached) for arn in (*OTHERS, "*"))


@pytest.mark.parametrize("name", [*ATTACHING, *DETACHING])
def test_nothing_but_policies_of_proofs_is_attached_or_detached(name: str):
    """Whoever could attach any policy to a user with a key of theirs could do everything in the account."""
    target = OURS["group"] if "Group" in name else OURS["user"]
    policy = MAKER if name in ATTACHING else REMOVER
    assert may(policy, f"iam:{name}", target, OURS["policy"])
    for attached in (*OTHERS, "", iam_arn("policy/rollout-proof/team/rollout-proof-k3f9xy-force-mfa")):
        assert not may(policy, f"iam:{name}", target, attached)
    assert not may(MAKER, f"iam:{name}", target, iam_arn("policy/rollout-proof/rollout-proof-k3f9xy-more"))


@pytest.mark.parametrize(
    "action", ["s3:ListAllMyBuckets", "sts:AssumeRole", "ec2:DescribeRegions", "iam:PassRole"]
)
def test_no_other_service_is_called_by_these_sessions(action: str):
    assert not any(may(policy, action, arn) for policy in (MAKER, REMOVER) for arn in (*OURS.values(), "*"))


@pytest.mark.parametrize("name", EVERY)
def test_the_guard_keeps_to_the_same_where_there_is_no_session_policy(name: str):
    """In the caller's own account, entered with the caller's own credentials."""
    for calls, prefix in ((MAKING_CALLS, f"{PREFIX}k3f9xy-"), (REMOVING_CALLS, PREFIX)):
        guard = ProofGuard(calls, prefix)
        if name not in calls:
            with pytest.raises(OperationNotAllowed):
                guard(name, {"UserName": "rollout-proof-k3f9xy-totp-group"})
            continue
        guard(name, {"UserName": "rollout-proof-k3f9xy-totp-group", "PolicyArn": OURS["policy"]})
        if operation_named("iam", name).writes:
            for named in ({"UserName": "alice"}, {"GroupName": "admins"}, {"PolicyArn": OTHERS[0]}):
                with pytest.raises(OperationNotAllowed):
                    guard(name, named)
            with pytest.raises(OperationNotAllowed):
                guard(name, {"PolicyArn": iam_arn("policy/rollout-proof-k3f9xy-force-mfa")})
