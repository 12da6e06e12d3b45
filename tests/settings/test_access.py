"""How accounts are entered: keys that AWS would refuse are refused here, with the key and the reason."""

import pytest

from rollout.errors import BadSettings


def test_what_aws_takes_is_taken(load):
    access = load(
        """
        access:
          hop_role: arn:aws-us-gov:iam::111122223333:role/teams/security/Hub
          session_name: rollout@ci.example.com
          source_identity: ana=ops
          session_tags: {team: identity, "cost centre": "", owner: "a:b/c=d+e-f@g.h_1"}
        """
    ).access
    assert "arn:aws-us-gov:iam::111122223333:role/teams/security/Hub" == access.hop_role
    assert ("rollout@ci.example.com", "ana=ops") == (access.session_name, access.source_identity)
    assert {"team": "identity", "cost centre": "", "owner": "a:b/c=d+e-f@g.h_1"} == dict(access.session_tags)


def test_nothing_is_opted_in_by_itself(load):
    access = load("").access
    assert (None, "rollout", None, {}) == (
        access.hop_role,
        access.session_name,
        access.source_identity,
        access.session_tags,
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("hop_role: Hub", "is not the ARN of a role"),
        ("hop_role: arn:aws:iam::111122223333:user/ana", "is not the ARN of a role"),
        ("hop_role: arn:aws:sts::111122223333:assumed-role/Hub/me", "is not the ARN of a role"),
        ("hop_role: arn:aws:iam::1111:role/Hub", "is not the ARN of a role"),
        ("session_name: x", "is not 2 to 64 letters"),
        ("session_name: two words", "is not 2 to 64 letters"),
        (f"session_name: {'x' * 65}", "is not 2 to 64 letters"),
        ("source_identity: 'aws:ana'", "is not 2 to 64 letters"),
        ("session_tags: {'aws:team': x}", "which AWS reserves"),
        ("session_tags: {'te?m': x}", "is not a tag key"),
        ("session_tags: {team: 'a*'}", "is not a tag value"),
        ("session_tags: [team]", "must be a mapping"),
        (
            f"session_tags: {{{', '.join(f't{number}: x' for number in range(51))}}}",
            "51 tags; AWS allows 50",
        ),
    ],
)
def test_what_aws_would_refuse_is_refused_here(load, text, said):
    with pytest.raises(BadSettings, match=said) as refused:
        load(f"access:\n  {text}\n")
    assert f"access.{text.partition(':')[0]}" in str(refused.value)
