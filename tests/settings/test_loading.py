"""Flags go over environment over file over defaults, and every path starts where its value was written."""

import os
import pickle
from datetime import date, timedelta
from pathlib import Path

import pytest

from rollout.errors import BadSettings
from rollout.settings import BucketPlace, load_settings

# The example of the design, word for word.
EXAMPLE = """
version: 1
organization: o-a1b2c3d4e5          # refused when the live one differs
access:
  roles: [OrganizationAccountAccessRole, AWSControlTowerExecution]
  own_account_role: null
  external_id: null
  overrides: {"222233334444": {roles: [SecurityAudit]}}
scope:                              # globs; exclude wins
  include: {ous: ["*"], accounts: ["*"]}
  exclude: {ous: ["Suspended/*"], accounts: []}
policy:
  name: ForceMFA
  variant: amended                  # or: seed
  amendments: {pathed_users: true, get_mfa_device: true, first_password_change: false, via_aws_service: false}
  attach: group                     # or: user
  group: ForceMFA
rules: {keys_in_use_days: 90, plan_max_age: 30d, max_exempt_percent: 10, break_glass: [], enforce_machines: [], scps: auto, context: {}}
exemptions:
  - {user: "arn:aws:iam::111122223333:user/backup", owner: ops@example.com, reason: "until role-based backup ships", expires: 2027-01-31, ticket: SEC-42}
waves:
  - {name: canary, percent: 5}
  - {name: non-production, ous: ["Workloads/Dev", "Workloads/Test"]}
  - {name: rest}
gates: {lead_time: 14d, soak: 3d, failure_tolerance: {count: 3, percent: 5}, notice_for_unaffected: false}
notify: {channel: outbox, outbox: outbox/, outbox_counts: false, sender: security@example.com, find: [{tag: email}, {username_is_address: true}], remind_at: [7d, 1d]}
engine: {max_accounts: 32, per_account: 4}
store: .
"""  # noqa: E501 - one line a section


def test_the_example_loads_and_means_what_it_says(load, tmp_path):
    settings = load(EXAMPLE)
    assert settings.version == 1
    assert settings.organization == "o-a1b2c3d4e5"
    assert settings.access.roles == ("OrganizationAccountAccessRole", "AWSControlTowerExecution")
    assert settings.access.own_account_role is None
    assert settings.access.external_id is None
    assert settings.access.overrides["222233334444"].roles == ("SecurityAudit",)
    assert settings.scope.include.ous == ("*",)
    assert settings.scope.include.accounts == ("*",)
    assert settings.scope.exclude.ous == ("Suspended/*",)
    assert settings.scope.exclude.accounts == ()
    assert settings.policy.name == "ForceMFA"
    assert settings.policy.variant == "amended"
    assert settings.policy.amendments.pathed_users
    assert settings.policy.amendments.get_mfa_device
    assert not settings.policy.amendments.first_password_change
    assert not settings.policy.amendments.via_aws_service
    assert settings.policy.attach == "group"
    assert settings.policy.group == "ForceMFA"
    assert settings.rules.keys_in_use_days == 90
    assert settings.rules.plan_max_age == timedelta(days=30)
    assert settings.rules.max_exempt_percent == 10
    assert settings.rules.break_glass == settings.rules.enforce_machines == ()
    assert settings.rules.scps == "auto"
    assert settings.rules.context == {}
    [exemption] = settings.exemptions
    assert exemption.user == "arn:aws:iam::111122223333:user/backup"
    assert exemption.owner == "ops@example.com"
    assert exemption.reason == "until role-based backup ships"
    assert exemption.expires == date(2027, 1, 31)
    assert exemption.ticket == "SEC-42"
    assert [(wave.name, wave.percent, wave.ous) for wave in settings.waves] == [
        ("canary", 5, ()),
        ("non-production", None, ("Workloads/Dev", "Workloads/Test")),
        ("rest", None, ()),
    ]
    assert settings.gates.lead_time == timedelta(days=14)
    assert settings.gates.soak == timedelta(days=3)
    assert settings.gates.failure_tolerance.count == 3
    assert settings.gates.failure_tolerance.percent == 5
    assert not settings.gates.notice_for_unaffected
    assert settings.notify.channel == "outbox"
    assert settings.notify.of_channel["outbox"] == tmp_path / "outbox"
    assert not settings.notify.of_channel["outbox_counts"]
    assert settings.notify.sender == "security@example.com"
    assert [(way.tag, way.username_is_address) for way in settings.notify.find] == [
        ("email", None),
        (None, True),
    ]
    assert settings.notify.remind_at == (timedelta(days=7), timedelta(days=1))
    assert settings.engine.max_accounts == 32
    assert settings.engine.per_account == 4
    assert settings.store == tmp_path
    assert settings.source == tmp_path / "rollout.yaml"
    assert settings.warnings == ()


def test_without_a_file_all_is_as_in_the_example_but_for_what_names_an_organization(load):
    example, default = load(None), load(EXAMPLE)
    without = {"organization", "access", "scope", "exemptions", "waves", "source", "warnings"}
    assert default.model_dump(exclude=without) == example.model_dump(exclude=without)


def test_without_a_file_nothing_is_named_and_waves_are_canary_and_rest(load, tmp_path):
    settings = load()
    assert settings.source is None
    assert settings.organization is None
    assert settings.access.overrides == {}
    assert settings.exemptions == ()
    assert settings.scope.exclude.ous == settings.scope.exclude.accounts == ()
    assert [(wave.name, wave.percent) for wave in settings.waves] == [("canary", 5), ("rest", None)]
    assert settings.store == tmp_path
    assert settings.notify.of_channel["outbox"] == tmp_path / "outbox"


@pytest.mark.parametrize(
    "text", ["", "# nothing yet\n", "---\n", "{}\n", "null\n", "\ufeff# from an editor that writes BOMs\n"]
)
def test_an_empty_file_is_all_defaults(load, tmp_path, text):
    settings = load(text)
    assert settings.source == tmp_path / "rollout.yaml"
    assert settings.gates.lead_time == timedelta(days=14)


def test_flags_go_over_environment_over_file_over_defaults(load):
    text = "engine: {max_accounts: 2}\ngates: {lead_time: 2d, soak: 2d}\nnotify: {sender: a@example.com}\n"
    variables = {"ROLLOUT_GATES__LEAD_TIME": "3d", "ROLLOUT_GATES__SOAK": "3d"}
    settings = load(text, variables, {"gates.soak": "4d", "engine.per_account": None})
    assert settings.notify.sender == "a@example.com"
    assert settings.engine.max_accounts == 2
    assert settings.gates.lead_time == timedelta(days=3)
    assert settings.gates.soak == timedelta(days=4)
    assert settings.engine.per_account == 4, "a flag of None was not given"


def test_layers_join_key_by_key_and_lists_are_replaced_whole(load):
    text = "waves: [{name: a, percent: 1}, {name: b}]\naccess: {external_id: from-file, roles: [A, B]}\n"
    settings = load(text, {"ROLLOUT_ACCESS": "{roles: [C]}", "ROLLOUT_WAVES": "[{name: all}]"})
    assert settings.access.external_id == "from-file"
    assert settings.access.roles == ("C",)
    assert [wave.name for wave in settings.waves] == ["all"]


def test_a_variable_of_a_key_goes_over_the_variable_of_its_section(load):
    settings = load(
        None, {"ROLLOUT_ENGINE__PER_ACCOUNT": "9", "ROLLOUT_ENGINE": "{per_account: 1, max_accounts: 7}"}
    )
    assert (settings.engine.per_account, settings.engine.max_accounts) == (9, 7)


def test_the_file_is_the_one_named_else_that_of_the_environment_else_the_one_here(tmp_path):
    for name, number in (("here/rollout.yaml", 1), ("named.yaml", 2), ("environment.yaml", 3)):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(f"engine: {{max_accounts: {number}}}\n")
    here = tmp_path / "here"
    variables = {"ROLLOUT_CONFIG": "../environment.yaml"}

    def accounts(config, environment):
        return load_settings(config, environment, here).engine.max_accounts

    assert accounts(None, {}) == accounts(None, {"ROLLOUT_CONFIG": ""}) == 1
    assert accounts(tmp_path / "named.yaml", {}) == accounts(Path("../named.yaml"), variables) == 2
    assert accounts(None, variables) == 3


@pytest.mark.parametrize(
    ("config", "variables", "by"),
    [("no.yaml", {}, "--config"), (None, {"ROLLOUT_CONFIG": "no.yaml"}, "ROLLOUT_CONFIG")],
)
def test_a_named_file_that_is_not_there_is_refused_with_the_cure(tmp_path, config, variables, by):
    with pytest.raises(BadSettings, match=rf"^no.yaml: the file does not exist \({by}\)$") as caught:
        load_settings(config and Path(config), variables, tmp_path)
    assert "rollout init" in caught.value.cure
    assert caught.value.exit_code == 2


def test_a_file_of_the_wrong_ending_is_not_passed_over_in_silence(tmp_path):
    """It may hold the exemptions."""
    (tmp_path / "rollout.yml").write_text("exemptions: []\n")
    with pytest.raises(
        BadSettings, match=r"^rollout\.yml: not read, because the settings file must be called rollout\.yaml$"
    ):
        load_settings(None, {}, tmp_path)


def test_relative_paths_start_where_they_were_written(tmp_path):
    (tmp_path / "team").mkdir()
    (tmp_path / "team/rollout.yaml").write_text("store: state\nnotify: {outbox: mails/}\n")
    config = Path("team/rollout.yaml")
    settings = load_settings(config, {"ROLLOUT_NOTIFY__OUTBOX": "elsewhere"}, tmp_path)
    assert settings.store == tmp_path / "team/state"
    assert settings.notify.of_channel["outbox"] == tmp_path / "elsewhere"
    settings = load_settings(
        config, {"ROLLOUT_NOTIFY": "{outbox: sub/box}"}, tmp_path, {"store": Path("flag")}
    )
    assert settings.store == tmp_path / "flag"
    assert settings.notify.of_channel["outbox"] == tmp_path / "sub/box"


def test_default_paths_start_at_the_file(tmp_path):
    (tmp_path / "team").mkdir()
    (tmp_path / "team/rollout.yaml").write_text("")
    settings = load_settings(Path("team/rollout.yaml"), {}, tmp_path)
    assert settings.store == tmp_path / "team"
    assert settings.notify.of_channel["outbox"] == tmp_path / "team/outbox"


def test_absolute_and_home_paths_stay_what_they_are(load, monkeypatch):
    monkeypatch.setenv("HOME", "/home/somebody")
    settings = load("store: /srv/rollout\nnotify: {outbox: ~/outbox}\n")
    assert settings.store == Path("/srv/rollout")
    assert settings.notify.of_channel["outbox"] == Path("/home/somebody/outbox")


@pytest.mark.parametrize(
    ("text", "bucket", "prefix"),
    [
        ("s3://state-of-rollout", "state-of-rollout", ""),
        ("s3://state-of-rollout/", "state-of-rollout", ""),
        ("s3://state.of.rollout/team", "state.of.rollout", "team"),
        ("s3://abc/mfa/2026_11/org=o-1.x/", "abc", "mfa/2026_11/org=o-1.x"),
    ],
)
def test_a_store_may_be_a_bucket(load, text, bucket, prefix):
    settings = load(f"store: {text}\n")
    assert settings.store == BucketPlace(bucket, prefix)
    assert str(settings.store) == text.rstrip("/")
    assert settings.model_dump(mode="json")["store"] == text.rstrip("/")


@pytest.mark.parametrize(
    "text",
    [
        "s3://",
        "s3:///prefix",
        "s3://ab",
        "s3://UPPER",
        "s3://-dash",
        "s3://dash-",
        "s3://two..dots",
        "s3://10.1.2.3",
        "s3://under_score",
        f"s3://{'a' * 64}",
        "s3://state--use1-az4--x-s3",
        "s3://user:password@bucket",
        "s3://bucket//",
        "s3://bucket//x",
        "s3://bucket/x//y",
        "s3://bucket/../x",
        "s3://bucket/x/./y",
        "s3://bucket/with space",
        "s3://bucket/ü",
        "s3://bucket/x?versionId=1",
        f"s3://bucket/{'x' * 513}",
        "S3://bucket",
        "s3:bucket",
        " s3://bucket",
    ],
)
def test_what_is_no_bucket_is_no_folder_either(load, text):
    with pytest.raises(BadSettings, match=r"^rollout\.yaml:1:8: store: "):
        load(f'store: "{text}"\n')


def test_a_bucket_does_not_depend_on_where_the_file_is(tmp_path):
    (tmp_path / "team").mkdir()
    (tmp_path / "team/rollout.yaml").write_text("store: state\n")
    settings = load_settings(Path("team/rollout.yaml"), {"ROLLOUT_STORE": "s3://bucket/x"}, tmp_path)
    assert settings.store == BucketPlace("bucket", "x")


@pytest.mark.parametrize(
    "key",
    [
        "alias/rollout",
        "1234abcd-12ab-34cd-56ef-1234567890ab",
        "mrk-1234abcd12ab34cd56ef1234567890ab",
        "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
        "arn:aws-us-gov:kms:us-gov-west-1:111122223333:alias/team/rollout",
    ],
)
def test_a_kms_key_is_named_by_id_arn_or_alias(load, key):
    settings = load(f"store: s3://bucket\nbucket: {{kms_key: {key}, owner: '012345678901'}}\n")
    assert (settings.bucket.kms_key, settings.bucket.owner) == (key, "012345678901")
    assert settings.warnings == ()


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_an_unreadable_file_is_named(load, tmp_path):
    load("")
    (tmp_path / "rollout.yaml").chmod(0)
    with pytest.raises(BadSettings, match=r"^rollout.yaml: cannot be read: Permission denied$"):
        load()


def test_a_folder_in_the_place_of_the_file_is_refused(tmp_path):
    (tmp_path / "rollout.yaml").mkdir()
    with pytest.raises(BadSettings, match=r"^rollout.yaml: is a folder$"):
        load_settings(None, {}, tmp_path)


def test_a_pipe_or_device_is_not_read(tmp_path):
    with pytest.raises(BadSettings, match=r"^/dev/zero: is not a regular file$"):
        load_settings(Path("/dev/zero"), {}, tmp_path)


def test_a_link_to_nowhere_is_not_the_same_as_no_file(tmp_path):
    (tmp_path / "rollout.yaml").symlink_to("gone.yaml")
    with pytest.raises(BadSettings, match=r"^rollout.yaml: cannot be read: No such file or directory$"):
        load_settings(None, {}, tmp_path)


def test_a_file_outside_the_working_folder_is_named_in_full(tmp_path):
    (tmp_path / "other.yaml").write_text("a: 1\n")
    (tmp_path / "here").mkdir()
    with pytest.raises(BadSettings, match=rf"^{tmp_path}/other.yaml:1:1: a: unknown key"):
        load_settings(tmp_path / "other.yaml", {}, tmp_path / "here")


def test_settings_stay_as_they_are(load):
    settings = load()
    with pytest.raises(ValueError, match="frozen"):
        settings.gates.soak = timedelta(0)
    assert pickle.loads(pickle.dumps(settings)) == settings


def test_an_unknown_flag_is_refused(refusal):
    assert str(refusal(None, None, {"engine.max_acounts": 3})) == (
        "the command line: no setting is called engine.max_acounts; did you mean engine.max_accounts?"
    )


def test_a_bad_flag_is_named_as_such(refusal):
    message = str(refusal("engine: {max_accounts: 3}", None, {"engine.max_accounts": 0}))
    assert message == "the command line: engine.max_accounts: must be at least 1, not 0"
