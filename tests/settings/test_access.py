"""How accounts are entered: keys that AWS would refuse are refused here, with the key and the reason."""

from collections.abc import Mapping

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rollout.errors import BadSettings
from tests.settings.conftest import Load


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


EXTERNAL_IDS = st.text(st.characters(categories=("L", "N", "P", "S", "Zs")), min_size=4, max_size=40)
PLACES = ("access: {{external_id: {0}}}", 'access: {{overrides: {{"222233334444": {{external_id: {0}}}}}}}')


# Takes a second: it is any text that somebody may paste, as they may paste it.
@given(
    EXTERNAL_IDS,
    st.sampled_from(PLACES),
    st.sampled_from(("{}", "'{}'", '"{}"', "[{}]", "!!str {}", "!!int {}")),
)
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_an_external_id_is_never_shown(load, secret: str, place: str, quotes: str):
    """Words that the settings say without it, such as `True`, give nothing away."""
    said = told_of(load, place.format(quotes.format(secret)))
    assert secret not in said or secret in place or secret in told_of(load, "version: 1")


def told_of(load: Load, text: str | None, environment: Mapping[str, str] | None = None) -> str:
    """Everything that can be seen of settings that are good, or of the error."""
    try:
        loaded = load(text, environment)
    except BadSettings as refused:
        return str(refused)
    return repr(loaded) + "".join(loaded.warnings)


@pytest.mark.parametrize("value", ["12345", "222233334444", "2026-13-45", "two words", "1e3", "x"])
def test_nor_is_one_that_yaml_takes_for_something_else(load, value: str):
    for variable, text in (
        ("ROLLOUT_ACCESS__EXTERNAL_ID", value),
        ("ROLLOUT_ACCESS", f"{{hop_external_id: {value}}}"),
    ):
        told = told_of(load, None, {variable: text})
        assert f" {value}" not in told
        assert f'"{value}"' not in told
