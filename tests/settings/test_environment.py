"""Every key can be set from the environment; a misspelt variable is an error, not a surprise."""

# ruff: noqa: E501 - a message is one line here because it is one line there

from datetime import timedelta

import pytest

from rollout.settings.keys import known_keys


@pytest.mark.parametrize(
    ("variable", "value", "read"),
    [
        ("ROLLOUT_GATES__LEAD_TIME", "7d", lambda settings: settings.gates.lead_time == timedelta(days=7)),
        ("ROLLOUT_ORGANIZATION", "o-a1b2c3d4e5", lambda settings: settings.organization == "o-a1b2c3d4e5"),
        ("ROLLOUT_ORGANIZATION", "null", lambda settings: settings.organization is None),
        ("ROLLOUT_ACCESS__EXTERNAL_ID", "12345", lambda settings: settings.access.external_id == "12345"),
        ("ROLLOUT_ACCESS__EXTERNAL_ID", '"12345"', lambda settings: settings.access.external_id == "12345"),
        ("ROLLOUT_ACCESS__EXTERNAL_ID", "@a", lambda settings: settings.access.external_id == "@a"),
        ("ROLLOUT_POLICY__NAME", "no", lambda settings: settings.policy.name == "no"),
        ("ROLLOUT_ACCESS__ROLES", "[A, B]", lambda settings: settings.access.roles == ("A", "B")),
        (
            "ROLLOUT_ACCESS__OVERRIDES",
            '{"012345678901": {external_id: abc}}',
            lambda settings: settings.access.overrides["012345678901"].external_id == "abc",
        ),
        ("ROLLOUT_RULES__SCPS", "off", lambda settings: settings.rules.scps == "off"),
        ("ROLLOUT_RULES__SCPS", "'off'", lambda settings: settings.rules.scps == "off"),
        (
            "ROLLOUT_RULES__MAX_EXEMPT_PERCENT",
            "2.5",
            lambda settings: settings.rules.max_exempt_percent == 2.5,
        ),
        (
            "ROLLOUT_NOTIFY__OUTBOX_COUNTS",
            "true",
            lambda settings: settings.notify.of_channel["outbox_counts"],
        ),
        (
            "ROLLOUT_GATES__FAILURE_TOLERANCE__COUNT",
            "0",
            lambda settings: settings.gates.failure_tolerance.count == 0,
        ),
        ("ROLLOUT_WAVES", "- name: a\n  percent: 1\n- name: b\n", lambda settings: len(settings.waves) == 2),
        ("ROLLOUT_EXEMPTIONS", "[]", lambda settings: settings.exemptions == ()),
        ("ROLLOUT_VERSION", "1", lambda settings: settings.version == 1),
    ],
)
def test_a_variable_sets_its_key(load, variable, value, read):
    assert read(load(None, {variable: value}))


def test_an_empty_variable_was_not_set(load):
    variables = {known.variable: " " for known in known_keys()}
    assert load(None, variables) == load(None)


def test_what_others_call_their_variables_is_no_concern(load):
    others = {
        "ROLLOUT": "x",
        "ROLLOUTS_STORE": "x",
        "rollout_store": "x",
        "PATH": "/bin",
    }
    assert load(None, others) == load(None)


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        (
            "ROLLOUT_GATES_LEAD_TIME",
            "7d",
            "no setting uses this variable; did you mean ROLLOUT_GATES__LEAD_TIME?",
        ),
        ("ROLLOUT_LEAD_TIME", "7d", "no setting uses this variable; did you mean ROLLOUT_GATES__LEAD_TIME?"),
        ("ROLLOUT_STOER", "x", "no setting uses this variable; did you mean ROLLOUT_STORE?"),
        ("ROLLOUT_STOER", "", "no setting uses this variable; did you mean ROLLOUT_STORE?"),
        ("ROLLOUT_xyz", "7d", "no setting uses this variable"),
        ("ROLLOUT_WAVES__0__NAME", "a", "no setting uses this variable; set all of waves with ROLLOUT_WAVES"),
        (
            "ROLLOUT_GATES__SOAK",
            "7",
            'gates.soak: "7" is not a duration; write a number and a unit: 14d, 12h or 30m',
        ),
        ("ROLLOUT_GATES", "{soka: 7d}", "gates.soka: unknown key; did you mean soak?"),
        ("ROLLOUT_GATES", "7d", 'gates: must be a mapping, not "7d"'),
        (
            "ROLLOUT_WAVES",
            "[{name: a",
            "waves: invalid YAML near name: did not find expected ',' or '}' while parsing a flow mapping",
        ),
        ("ROLLOUT_WAVES", "[{name: no}]", 'waves[0].name: must be text; write it in quotes: "no"'),
        ("ROLLOUT_ENGINE__MAX_ACCOUNTS", "many", 'engine.max_accounts: must be a whole number, not "many"'),
        ("ROLLOUT_NOTIFY__OUTBOX_COUNTS", "1", "notify.outbox_counts: must be true or false, not 1"),
        (
            "ROLLOUT_STORE",
            "s3:/bucket",
            'store: "s3:/bucket" is neither a folder nor s3://bucket/prefix in lower case',
        ),
        (
            "ROLLOUT_SCOPE__EXCLUDE",
            "{accounts: [012345678901]}",
            'scope.exclude.accounts[0]: write the account ID in quotes: "012345678901"; YAML reads it as a number without them',
        ),
    ],
)
def test_a_bad_variable_is_named_with_what_is_wrong(refusal, variable, value, message):
    error = refusal(None, {variable: value})
    assert str(error) == f"{variable}: {message}"
    assert error.exit_code == 2


def test_an_override_that_is_bad_names_the_variable_not_the_file(refusal):
    message = str(refusal("gates:\n  soak: 3d\n", {"ROLLOUT_GATES__SOAK": "soon"}))
    assert message.startswith("ROLLOUT_GATES__SOAK: gates.soak:")
