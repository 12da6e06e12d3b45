"""How much CPU judging costs: 100,000 users in 100 accounts, policies repeated as in real accounts.

python -m benchmarks.judging [users]
"""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from rollout.domain.people.addresses import AddressTag
from rollout.domain.people.observations import AccountFacts, Group, ManagedPolicy, Observed, PolicyVersion
from rollout.domain.people.organization import Account, AccountState
from rollout.domain.people.users import AccessKey, MfaDevice, NamedPolicy, Password, User
from rollout.domain.plan.planning import Planner
from rollout.domain.plan.waves import Wave
from rollout.domain.policy.force_mfa import PolicyAmendments, allow_half, enrolment, force_mfa
from rollout.domain.policy.our_resources import Documents, Names
from rollout.domain.verdicts.rules import DecisionRules
from rollout.wiring.seed_policy import seed

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
ACCOUNTS = 100


def allow(*actions: str, resource: str = "*") -> dict[str, object]:
    """A one-statement document that allows."""
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": resource}
    return {"Version": "2012-10-17", "Statement": [statement]}


AWS_MANAGED: dict[str, dict[str, object]] = {
    "AdministratorAccess": allow("*"),
    "ReadOnlyAccess": allow("ec2:Describe*", "s3:Get*", "s3:List*", "iam:Get*", "iam:List*"),
    "PowerUserAccess": {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "NotAction": ["iam:*", "organizations:*", "account:*"], "Resource": "*"},
            {"Effect": "Allow", "Action": ["iam:ListRoles", "iam:CreateServiceLinkedRole"], "Resource": "*"},
        ],
    },
    "IAMUserChangePassword": allow("iam:ChangePassword", resource="arn:aws:iam::*:user/${aws:username}"),
}
OFFICE = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Deny",
            "NotAction": ["iam:*", "sts:*"],
            "Resource": "*",
            "Condition": {"StringNotEquals": {"aws:RequestedRegion": ["eu-west-1", "us-east-1"]}},
        }
    ],
}
SCPS = (
    (NamedPolicy("FullAWSAccess", allow("*")),),
    (NamedPolicy("FullAWSAccess", allow("*")), NamedPolicy("Regions", OFFICE)),
)


def rules() -> DecisionRules:
    """The default rules."""
    full = force_mfa(seed(), "aws", PolicyAmendments())
    documents = Documents(full, allow_half(full), enrolment("aws"))
    return DecisionRules(
        "aws", Names(), documents, find=(AddressTag("email"),), organization_id="o-bench12345"
    )


def account(number: int, users: int) -> Observed:
    """One account: six groups, a dozen policies, every tenth user with a policy of their own."""
    account_id = f"{number:012d}"
    policies = {
        f"arn:aws:iam::aws:policy/{name}": ManagedPolicy(
            f"arn:aws:iam::aws:policy/{name}", name, "/", (PolicyVersion("v1", document, is_default=True),)
        )
        for name, document in AWS_MANAGED.items()
    }
    groups = {}
    for kind in range(6):
        arn = f"arn:aws:iam::{account_id}:policy/team-{kind}"
        document = allow(f"s3:*Object{kind}", "dynamodb:*", resource=f"arn:aws:s3:::team-{number}-{kind}/*")
        policies[arn] = ManagedPolicy(
            arn, f"team-{kind}", "/", (PolicyVersion("v1", document, is_default=True),)
        )
        managed = f"arn:aws:iam::aws:policy/{list(AWS_MANAGED)[kind % 4]}"
        groups[f"team-{kind}"] = Group(f"team-{kind}", "/", f"AGPA{number}{kind}", (arn, managed))
    people = tuple(person(account_id, index) for index in range(users))
    facts = AccountFacts(people, groups, policies, NOW, NOW)
    return Observed(
        Account(account_id, f"account-{number}", "", AccountState.ACTIVE, "Work"), "role", facts, SCPS
    )


def person(account_id: str, index: int) -> User:
    """One person: every third without a device, every fourth with a key, tags as people have."""
    name = f"user-{index:05d}"
    base = User(
        account_id=account_id,
        name=name,
        path="/" if index % 5 else "/team/",
        id=f"AIDA{account_id}{index:05d}",
        arn=f"arn:aws:iam::{account_id}:user{'/' if index % 5 else '/team/'}{name}",
        created=NOW - timedelta(days=400),
        rights_at=NOW,
        facts_at=NOW,
        password=Password(NOW - timedelta(days=2), NOW - timedelta(days=40)),
        groups=(f"team-{index % 6}", f"team-{(index + 1) % 6}"),
        tags={"email": f"{name}@example.com", "team": f"t{index % 6}"},
    )
    if index % 3:
        device = MfaDevice(f"arn:aws:iam::{account_id}:mfa/{name}")
        base = replace(base, mfa_active=True, devices=(device,))
    if index % 4 == 0:
        base = replace(
            base,
            keys=(
                AccessKey(
                    1,
                    active=True,
                    created=NOW - timedelta(days=90),
                    last_used=NOW - timedelta(days=1),
                    service="s3",
                ),
            ),
        )
    if index % 10 == 0:
        own = allow("s3:GetObject", resource=f"arn:aws:s3:::home/{name}/*")
        base = replace(base, inline=(NamedPolicy("own", own),))
    return base


def main() -> None:
    """Judge everybody and print the cost."""
    total = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    planner = Planner(rules(), (Wave("canary", 5), Wave("rest")), NOW)
    seconds = 0.0
    for number in range(ACCOUNTS):
        observed = account(number, total // ACCOUNTS)
        began = time.process_time()
        planner.plan(observed)
        seconds += time.process_time() - began
    each = seconds / total * 1000
    sys.stdout.write(
        f"{total} users, {planner.library.distinct} distinct documents: {seconds:.1f} s CPU, {each:.3f} ms a user\n"
    )


if __name__ == "__main__":
    main()
