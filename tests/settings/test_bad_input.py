"""Whatever is wrong with `rollout.yaml`, each problem is one line: file, line, column, key, and what to do about it."""

# ruff: noqa: E501 - a message is one line here because it is one line there

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rollout.errors import BadSettings
from rollout.settings import starter_text
from rollout.settings.models import RolloutFile

BROKEN = [
    (
        "gates:\n  lead_time: 14d\n   soak: 3d\n",
        "rollout.yaml:3:8: invalid YAML near gates.lead_time: mapping values are not allowed in this context",
    ),
    (
        "gates:\n\tsoak: 3d\n",
        "rollout.yaml:2:1: invalid YAML near gates: the line is indented with a tab; use spaces",
    ),
    (
        "waves:\n  - {name: canary, percent: 5\n  - {name: rest}\n",
        "rollout.yaml:3:5: invalid YAML near waves.percent: did not find expected ',' or '}' while parsing a flow mapping that began in line 2",
    ),
    (
        "store: .\nscope: {include: {ous: [\n",
        "rollout.yaml:2:24: invalid YAML near scope.include.ous: did not find expected node content while parsing a flow node",
    ),
    (
        'policy:\n  name: "ForceMFA\ngates: {}\n',
        "rollout.yaml:2:9: invalid YAML near policy.name: found unexpected end of stream while scanning a quoted scalar",
    ),
    (
        "organization: @x\n",
        "rollout.yaml:1:15: invalid YAML near organization: found character that cannot start any token",
    ),
    (
        "store: *nowhere\n",
        "rollout.yaml:1:8: invalid YAML near store: nothing before *nowhere has that anchor",
    ),
    ("store: .\n---\nstore: .\n", "rollout.yaml:2:1: a second document; only one is allowed"),
    (b"store: .\nscope: \xff\xfe\n", "rollout.yaml:2: not UTF-8; save the file in UTF-8"),
    ("store: .\n".encode("utf-16"), "rollout.yaml:1: not UTF-8; save the file in UTF-8"),
    ("store: .\nscope: \x00\n", "rollout.yaml:2:8: YAML does not allow the character '\\x00'"),
    ("- a\n- b\n", "rollout.yaml:1:1: must be a mapping of keys (`waves:` and so on), not a list"),
    ("\nrollout\n", "rollout.yaml:2:1: must be a mapping of keys (`waves:` and so on), not a single value"),
    ("a: " + "[" * 30, "rollout.yaml:1:27: nested too deeply: 24 levels are allowed"),
    ("store: &a [*a]\n", "rollout.yaml:1:1: too large or too deeply nested, counting every use of an alias"),
    (
        "store: !!python/object/apply:os.system [ls]\n",
        "rollout.yaml:1:8: store: the tag !!python/object/apply:os.system is not supported",
    ),
    ("store: !mine x\n", "rollout.yaml:1:8: store: the tag !mine is not supported"),
    ("store: !!bool maybe\n", "rollout.yaml:1:8: store: maybe is not a valid bool"),
    ("store: !!timestamp maybe\n", "rollout.yaml:1:8: store: maybe is not a valid timestamp"),
    ("store: !!int ''\n", "rollout.yaml:1:8: store:  is not a valid int"),
    ("? [store]\n: x\n", "rollout.yaml:1:3: a key must be text"),
    (
        "gates: {soak: 1d}\nstore: .\ngates: {soak: 2d}\n",
        "rollout.yaml:3:1: gates: is set twice; the first is in line 1",
    ),
    (
        "gates:\n  soak: 1d\n  soak: 1d\n",
        "rollout.yaml:3:3: gates.soak: is set twice; the first is in line 2",
    ),
]

UNKNOWN = [
    ("gates:\n  lead_tme: 7d\n", "rollout.yaml:2:3: gates.lead_tme: unknown key; did you mean lead_time?"),
    ("lead_time: 7d\n", "rollout.yaml:1:1: lead_time: unknown key; did you mean gates.lead_time?"),
    ("Waves: []\n", "rollout.yaml:1:1: Waves: unknown key; did you mean waves?"),
    ("exemption: []\n", "rollout.yaml:1:1: exemption: unknown key; did you mean exemptions?"),
    (
        "waves:\n  - {name: a, percnt: 5}\n",
        "rollout.yaml:2:15: waves[0].percnt: unknown key; did you mean percent?",
    ),
    ("waves:\n  - {name: a, ou: [x]}\n", "rollout.yaml:2:15: waves[0].ou: unknown key; did you mean ous?"),
    (
        'access:\n  overrides:\n    "222233334444": {role: [A]}\n',
        "rollout.yaml:3:22: access.overrides.222233334444.role: unknown key; did you mean roles?",
    ),
    (
        "engine: {xyz: 1}\n",
        "rollout.yaml:1:10: engine.xyz: unknown key; the keys here are: max_accounts, per_account, kind, scheduler",
    ),
    ("<<: {a: 1}\n", "rollout.yaml:1:1: merge keys (<<) are not supported; write the keys out"),
    ("source: x\n", "rollout.yaml:1:1: source: unknown key; did you mean store?"),
    (
        "warnings: []\n",
        f"rollout.yaml:1:1: warnings: unknown key; the keys here are: {', '.join(RolloutFile.model_fields)}",
    ),
    ("gates: {enrollment: 80}\n", "rollout.yaml:1:9: gates.enrollment: unknown key; did you mean enrolment?"),
]

LINE = "exemptions:\n  - {user: %s, owner: ops@example.com, reason: moving, expires: 2027-01-31}\n"

VALUES = [
    (
        "policy: {name: MyEnrolment}\n",
        'rollout.yaml:1:16: policy.name: "MyEnrolment" ends in Enrolment, which is reserved for the enrolment policy and its group',
    ),
    (
        "gates: {window: {hours: 9-16}}\n",
        'rollout.yaml:1:25: gates.window.hours: "9-16" is not a range of hours; write it as 09:00-16:00',
    ),
    (
        'gates: {window: {hours: "16:00-09:00"}}\n',
        'rollout.yaml:1:25: gates.window.hours: "16:00-09:00" ends before it begins; a window must start and end on the same day',
    ),
    (
        "gates: {window: {zone: Mars/Olympus}}\n",
        'rollout.yaml:1:24: gates.window.zone: "Mars/Olympus" is not a time zone; write it as Europe/Berlin or UTC',
    ),
    (
        "gates: {window: {freeze: [2027-01-06..2026-12-20]}}\n",
        'rollout.yaml:1:27: gates.window.freeze[0]: "2027-01-06..2026-12-20" ends before it begins',
    ),
    ("gates: {enrolment: 120}\n", "rollout.yaml:1:20: gates.enrolment: must be at most 100, not 120"),
    ("version: 2\n", "rollout.yaml:1:10: version: must be 1, not 2, the only value in this version"),
    ("version: '1'\n", 'rollout.yaml:1:10: version: must be 1, not "1", the only value in this version'),
    (
        "organization: r-ab12\n",
        'rollout.yaml:1:15: organization: "r-ab12" is not an organization ID such as o-a1b2c3d4e5',
    ),
    ("gates:\n", None),
    ("gates: 14d\n", 'rollout.yaml:1:8: gates: must be a mapping, not "14d"'),
    ("gates: []\n", "rollout.yaml:1:8: gates: must be a mapping, not a list"),
    (
        "gates: {lead_time: 14}\n",
        'rollout.yaml:1:20: gates.lead_time: "14" is not a duration; write a number and a unit: 14d, 12h or 30m',
    ),
    (
        "gates: {lead_time: 2w}\n",
        'rollout.yaml:1:20: gates.lead_time: "2w" is not a duration; write a number and a unit: 14d, 12h or 30m',
    ),
    (
        "gates: {lead_time: -1d}\n",
        'rollout.yaml:1:20: gates.lead_time: "-1d" is not a duration; write a number and a unit: 14d, 12h or 30m',
    ),
    ("gates: {lead_time: }\n", "rollout.yaml:1:20: gates.lead_time: has no value"),
    ("gates: {lead_time: 4000d}\n", "rollout.yaml:1:20: gates.lead_time: 4000d is longer than ten years"),
    (
        "gates: {failure_tolerance: 3}\n",
        "rollout.yaml:1:28: gates.failure_tolerance: must be a mapping, not 3",
    ),
    (
        "gates: {failure_tolerance: {count: -1}}\n",
        "rollout.yaml:1:36: gates.failure_tolerance.count: must be at least 0, not -1",
    ),
    (
        "gates: {failure_tolerance: {percent: 101}}\n",
        "rollout.yaml:1:38: gates.failure_tolerance.percent: must be at most 100, not 101",
    ),
    (
        "gates: {failure_tolerance: {percent: .nan}}\n",
        "rollout.yaml:1:38: gates.failure_tolerance.percent: must be a finite number, not .nan",
    ),
    (
        "gates: {notice_for_unaffected: 'no'}\n",
        'rollout.yaml:1:32: gates.notice_for_unaffected: must be true or false, not "no"',
    ),
    ("rules: {plan_max_age: 0d}\n", "rollout.yaml:1:23: rules.plan_max_age: must be longer than 0"),
    (
        "rules: {plan_max_age: 10d}\n",
        "rollout.yaml:1:23: rules.plan_max_age: is 10d, but a plan takes at least 17d: lead_time 14d plus soak 3d × 1, once for each wave after the first",
    ),
    (
        "gates: {lead_time: 20d, soak: 6d}\nwaves: [{name: a, percent: 1}, {name: b, percent: 2}, {name: c}]\n",
        "rollout.yaml: rules.plan_max_age: is 30d, but a plan takes at least 32d: lead_time 20d plus soak 6d × 2, once for each wave after the first",
    ),
    ("rules: {scps: on}\n", "rollout.yaml:1:15: rules.scps: must be auto or off, not on"),
    (
        "rules: {max_exempt_percent: ten}\n",
        'rollout.yaml:1:29: rules.max_exempt_percent: must be a number, not "ten"',
    ),
    (
        "rules: {keys_in_use_days: true}\n",
        "rollout.yaml:1:27: rules.keys_in_use_days: must be a whole number, not true",
    ),
    ("rules: {break_glass: alice}\n", 'rollout.yaml:1:22: rules.break_glass: must be a list, not "alice"'),
    (
        "rules: {break_glass: ['team=a', 'team=a']}\n",
        'rollout.yaml:1:22: rules.break_glass: "team=a" occurs twice in the list',
    ),
    (
        "rules: {context: {'AWS:MultiFactorAuthPresent': true}}\n",
        "rollout.yaml:1:19: rules.context.AWS:MultiFactorAuthPresent: AWS:MultiFactorAuthPresent cannot be set here: the verdicts depend on evaluating it both ways",
    ),
    (
        "rules: {context: {aws:PrincipalTag/team: a}}\n",
        "rollout.yaml:1:19: rules.context.aws:PrincipalTag/team: aws:PrincipalTag/team cannot be set here: it is taken from each user's tags",
    ),
    (
        "rules: {context: {SourceIp: 192.0.2.1}}\n",
        'rollout.yaml:1:19: rules.context.SourceIp: "SourceIp" is not a condition key such as aws:SourceIp',
    ),
    (
        "rules: {context: {aws:SourceIp: 192.0.2.1, aws:sourceip: 192.0.2.2}}\n",
        "rollout.yaml:1:58: rules.context.aws:sourceip: is set twice; condition keys are not case-sensitive",
    ),
    (
        "rules: {context: {aws:SourceIp: []}}\n",
        "rollout.yaml:1:33: rules.context.aws:SourceIp: is empty and would select nothing; add items, or remove the key",
    ),
    (
        "access: {roles: []}\n",
        "rollout.yaml:1:17: access.roles: is empty and would select nothing; add items, or remove the key",
    ),
    ("access: {roles: [A, A]}\n", 'rollout.yaml:1:17: access.roles: "A" occurs twice in the list'),
    (
        "access: {roles: ['arn:aws:iam::111122223333:role/Audit']}\n",
        'rollout.yaml:1:18: access.roles[0]: "arn:aws:iam::111122223333:role/Audit" is not the name of a role, without its ARN',
    ),
    (
        "access: {external_id: x}\n",
        "rollout.yaml:1:23: access.external_id: must be text in quotes: 2 or more letters, digits or any of _+=,.@:/- (the value is not shown here)",
    ),
    (
        "access: {external_id: 12345}\n",
        "rollout.yaml:1:23: access.external_id: must be text in quotes: 2 or more letters, digits or any of _+=,.@:/- (the value is not shown here)",
    ),
    (
        "access:\n  overrides:\n    012345678901: {roles: [A]}\n",
        'rollout.yaml:3:5: access.overrides.012345678901: write the account ID in quotes: "012345678901"; YAML reads it as a number without them',
    ),
    (
        'access: {overrides: {"12345678901": {roles: [A]}}}\n',
        'rollout.yaml:1:22: access.overrides.12345678901: "12345678901" is not an account ID: 12 digits, including leading zeros',
    ),
    (
        'access: {overrides: {"222233334444": {}}}\n',
        "rollout.yaml:1:38: access.overrides.222233334444: overrides nothing; set roles or external_id",
    ),
    (
        "scope: {exclude: {accounts: [011111111111]}}\n",
        'rollout.yaml:1:30: scope.exclude.accounts[0]: write the account ID in quotes: "011111111111"; YAML reads it as a number without them',
    ),
    (
        "waves: [{name: a, accounts: [111122223333]}, {name: b}]\n",
        'rollout.yaml:1:30: waves[0].accounts[0]: write the account ID in quotes: "111122223333"; YAML reads it as a number without them',
    ),
    (
        "scope: {include: {ous: []}}\n",
        "rollout.yaml:1:24: scope.include.ous: is empty and would select nothing; add items, or remove the key",
    ),
    ("scope: {include: {accounts: }}\n", "rollout.yaml:1:29: scope.include.accounts: has no value"),
    (
        "scope: {exclude: {ous: Suspended}}\n",
        'rollout.yaml:1:24: scope.exclude.ous: must be a list, not "Suspended"',
    ),
    (
        "scope: {exclude: {ous: [ou-ab12-11112222]}}\n",
        'rollout.yaml:1:25: scope.exclude.ous[0]: "ou-ab12-11112222" is an OU ID; write the OU\'s path of names, such as Workloads/Prod',
    ),
    (
        "scope: {exclude: {ous: [/Suspended]}}\n",
        'rollout.yaml:1:25: scope.exclude.ous[0]: "/Suspended" must not start or end with a slash; write Workloads/Prod',
    ),
    ("scope: {exclude: {accounts: ['']}}\n", "rollout.yaml:1:30: scope.exclude.accounts[0]: is blank"),
    ("policy: {attach: grop}\n", 'rollout.yaml:1:18: policy.attach: must be group or user, not "grop"'),
    (
        "policy: {name: Force MFA}\n",
        'rollout.yaml:1:16: policy.name: "Force MFA" is not a policy name: 1 to 119 letters, digits or any of _+=,.@-',
    ),
    (
        "policy: {group: /rollout/ForceMFA}\n",
        'rollout.yaml:1:17: policy.group: "/rollout/ForceMFA" is not an IAM name: 1 to 128 letters, digits or any of _+=,.@-',
    ),
    (
        "policy: {amendments: {pathed_users: maybe}}\n",
        'rollout.yaml:1:37: policy.amendments.pathed_users: must be true or false, not "maybe"',
    ),
    ("waves:\n", "rollout.yaml:1:7: waves: has no value"),
    (
        "waves: []\n",
        "rollout.yaml:1:8: waves: is empty and would select nothing; add items, or remove the key",
    ),
    ("waves: [canary]\n", 'rollout.yaml:1:9: waves[0]: must be a mapping, not "canary"'),
    ("waves: [{percent: 5}, {name: rest}]\n", "rollout.yaml:1:9: waves[0].name: is missing"),
    ("waves: [{name: no}]\n", 'rollout.yaml:1:16: waves[0].name: must be text; write it in quotes: "no"'),
    (
        "waves: [{name: first wave}]\n",
        'rollout.yaml:1:16: waves[0].name: "first wave" is not a wave name: at most 64 letters, digits, dots, dashes and underscores',
    ),
    (
        "waves: [{name: ../x}]\n",
        'rollout.yaml:1:16: waves[0].name: "../x" is not a wave name: at most 64 letters, digits, dots, dashes and underscores',
    ),
    (
        "waves: [{name: a, percent: 5}, {name: A}]\n",
        'rollout.yaml:1:39: waves[1].name: "A" is also the name of an earlier wave',
    ),
    (
        "waves: [{name: a, percent: 0}, {name: b}]\n",
        "rollout.yaml:1:28: waves[0].percent: must be more than 0, not 0",
    ),
    (
        "waves: [{name: a, percent: 100.5}, {name: b}]\n",
        "rollout.yaml:1:28: waves[0].percent: must be at most 100, not 100.5",
    ),
    (
        "waves: [{name: a, percent: 5%}, {name: b}]\n",
        'rollout.yaml:1:28: waves[0].percent: must be a number, not "5%"',
    ),
    (
        "waves: [{name: dev, ous: []}, {name: b}]\n",
        "rollout.yaml:1:26: waves[0].ous: is empty and would select nothing; add items, or remove the key",
    ),
    ("waves:\n  - name: dev\n    ous:\n  - name: rest\n", "rollout.yaml:3:9: waves[0].ous: has no value"),
    (
        "waves: [{name: a, user_tags: [team]}, {name: b}]\n",
        'rollout.yaml:1:31: waves[0].user_tags[0]: "team" is not a tag; write key=value, without wildcards',
    ),
    (
        "waves: [{name: all}, {name: prod, ous: [Prod]}]\n",
        'rollout.yaml:1:9: waves[0]: "all" takes everybody and leaves nobody for: prod',
    ),
    (
        LINE % "alice",
        'rollout.yaml:2:12: exemptions[0].user: "alice" does not name users exactly; write an ARN, a UserId (AIDA…) or a tag key=value',
    ),
    (
        LINE % "'arn:aws:iam::111122223333:user/*'",
        'rollout.yaml:2:12: exemptions[0].user: "arn:aws:iam::111122223333:user/*" is a pattern; name users exactly, by ARN, UserId or tag key=value',
    ),
    (
        LINE % "'team=*'",
        'rollout.yaml:2:12: exemptions[0].user: "team=*" is a pattern; name users exactly, by ARN, UserId or tag key=value',
    ),
    (
        LINE % "'arn:aws:iam::111122223333:role/x'",
        'rollout.yaml:2:12: exemptions[0].user: "arn:aws:iam::111122223333:role/x" is not the ARN of an IAM user',
    ),
    (
        LINE % "'arn:aws:iam::12345678901:user/x'",
        'rollout.yaml:2:12: exemptions[0].user: "arn:aws:iam::12345678901:user/x" is not the ARN of an IAM user',
    ),
    (
        "exemptions: [{user: team=a, owner: x, reason: y}]\n",
        "rollout.yaml:1:14: exemptions[0].expires: is missing",
    ),
    (
        "exemptions: [{user: team=a, owner: ' ', reason: y, expires: 2027-01-31}]\n",
        "rollout.yaml:1:36: exemptions[0].owner: is blank",
    ),
    (
        'exemptions: [{user: team=a, owner: "a\\nb", reason: y, expires: 2027-01-31}]\n',
        (
            'rollout.yaml:1:36: exemptions[0].owner: "a\\nb" must be one line without hidden characters; '
            "it has U+000A control character"
        ),
    ),
    (
        "exemptions: [{user: team=a, owner: x, reason: y, expires: never}]\n",
        'rollout.yaml:1:59: exemptions[0].expires: "never" is not a date; write it as 2027-01-31',
    ),
    (
        "exemptions: [{user: team=a, owner: x, reason: y, expires: 2027-02-30}]\n",
        "rollout.yaml:1:59: exemptions[0].expires: 2027-02-30 is not a valid timestamp: day is out of range for month",
    ),
    (
        "exemptions: [{user: team=a, owner: x, reason: y, expires: '2027-02-30'}]\n",
        'rollout.yaml:1:59: exemptions[0].expires: "2027-02-30" is not a valid date: day is out of range for month',
    ),
    (
        "exemptions: [{user: team=a, owner: x, reason: y, expires: 2027-01-31 10:00:00}]\n",
        'rollout.yaml:1:59: exemptions[0].expires: "2027-01-31 10:00:00" is not a date; write it as 2027-01-31',
    ),
    (
        "exemptions: [{user: team=a, owner: x, reason: y, expires: 2027-01-31, ticket: 42}]\n",
        'rollout.yaml:1:79: exemptions[0].ticket: must be text; write it in quotes: "42"',
    ),
    (
        "notify: {channel: pigeon}\n",
        'rollout.yaml:1:19: notify.channel: must be outbox, smtp, ses, sns or webhook, not "pigeon"',
    ),
    (
        "notify: {sender: security}\n",
        'rollout.yaml:1:18: notify.sender: "security" is not a plain email address such as security@example.com',
    ),
    (
        'notify: {sender: "a@example.com\\nBcc: b@example.com"}\n',
        'rollout.yaml:1:18: notify.sender: "a@example.com\\nBcc: b@example.com" is not a plain email address such as security@example.com',
    ),
    (
        "notify: {find: [{}]}\n",
        "rollout.yaml:1:17: notify.find[0]: give exactly one of {tag: email}, {username_is_address: true}, {username_at: example.com}, {file: people.csv}, {identity_center: eu-west-1}, {account_email: true} and {catch_all: address}",
    ),
    (
        "notify: {find: [{tag: a, username_is_address: true}]}\n",
        "rollout.yaml:1:17: notify.find[0]: give exactly one of {tag: email}, {username_is_address: true}, {username_at: example.com}, {file: people.csv}, {identity_center: eu-west-1}, {account_email: true} and {catch_all: address}",
    ),
    (
        "notify: {find: [{username_is_address: false}]}\n",
        "rollout.yaml:1:39: notify.find[0].username_is_address: must be true, not false, the only value in this version",
    ),
    ("notify: {remind_at: [0d]}\n", "rollout.yaml:1:22: notify.remind_at[0]: must be longer than 0"),
    (
        "notify: {outbox: s3://b/x}\n",
        'rollout.yaml:1:18: notify.outbox: "s3://b/x" is a URL; write a folder',
    ),
    (
        "engine: {max_accounts: 1.5}\n",
        "rollout.yaml:1:24: engine.max_accounts: must be a whole number, not 1.5",
    ),
    ("engine: {max_accounts: 0}\n", "rollout.yaml:1:24: engine.max_accounts: must be at least 1, not 0"),
    (
        "store: s3://Bucket/prefix\n",
        'rollout.yaml:1:8: store: "Bucket" is not a valid bucket name: 3 to 63 lower-case letters, digits, dots and dashes',
    ),
    (
        "store: gs://bucket\n",
        'rollout.yaml:1:8: store: "gs://bucket" is a URL; write a folder or s3://bucket/prefix',
    ),
    (
        "bucket: {kms_key: my key}\n",
        'rollout.yaml:1:19: bucket.kms_key: "my key" is not a KMS key: its ID, its ARN, or alias/name',
    ),
    ("store: ~\n", "rollout.yaml:1:8: store: has no value"),
    ("store: 5\n", "rollout.yaml:1:8: store: 5 is not a folder; write a path as text"),
]


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("name", "AdministratorAccess"),
        ("name", "AWSForceMFA"),
        ("name", "amazonForceMFA"),
        ("name", "iamuserchangepassword"),
        ("group", "ReadOnlyAccess"),
    ],
)
def test_the_name_of_a_policy_that_aws_manages_is_refused(refusal, key, name):
    error = refusal(f"policy: {{{key}: {name}}}\n")
    assert f'policy.{key}: "{name}" is, or looks like, the name of a policy that AWS manages' in str(error)


@pytest.mark.parametrize("name", ["/ForceMFA", "job-function/ForceMFA", "rollout/../ForceMFA"])
def test_a_name_holds_no_path(refusal, name):
    assert "policy.name" in str(refusal(f"policy: {{name: {name}}}\n"))


@pytest.mark.parametrize(("text", "line"), [*BROKEN, *UNKNOWN, *VALUES])
def test_bad_input_gets_one_line_with_its_place_and_the_cure(load, refusal, text, line):
    if line is None:
        load(text)
        return
    error = refusal(text)
    assert str(error) == line
    assert error.exit_code == 2
    assert error.cure


def test_all_problems_are_listed_in_the_order_in_which_they_stand(refusal):
    text = """
gates:
  lead_tme: 7d
  soak: soon
waves:
  - name: canary
    percent: 0
  - percent: 10
  - name: no
access:
  overrides:
    022233334444: {role: x}
"""
    places = [line.split(": ")[:2] for line in str(refusal(text)).splitlines()]
    assert places == [
        ["rollout.yaml:3:3", "gates.lead_tme"],
        ["rollout.yaml:4:9", "gates.soak"],
        ["rollout.yaml:7:14", "waves[0].percent"],
        ["rollout.yaml:8:5", "waves[1].name"],
        ["rollout.yaml:9:11", "waves[2].name"],
        ["rollout.yaml:12:5", "access.overrides.022233334444"],
        ["rollout.yaml:12:20", "access.overrides.022233334444.role"],
    ]


def test_a_flood_of_problems_is_cut_and_counted(refusal):
    lines = str(refusal("".join(f"key{number}: 1\n" for number in range(1000)))).splitlines()
    assert len(lines) == 51
    assert lines[-1] == "… and 950 more"


def test_aliases_that_multiply_are_stopped(refusal):
    """Nine levels of nine aliases each would be a third of a billion items."""
    levels = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    levels += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 9)]
    assert (
        str(refusal("\n".join(levels)))
        == "rollout.yaml:1:1: too large or too deeply nested, counting every use of an alias"
    )


def test_an_alias_is_followed_where_it_is_harmless(load):
    settings = load(
        "scope:\n  include: {ous: &prod [Prod], accounts: ['*']}\nwaves: [{name: p, ous: *prod}, {name: r}]\n"
    )
    assert settings.waves[0].ous == ("Prod",)


def test_a_file_of_monstrous_size_is_not_read(refusal):
    assert str(refusal("#" * (8 * 1024 * 1024 + 1))) == "rollout.yaml is larger than 8 MiB"


def test_a_message_does_nothing_to_the_terminal(refusal):
    assert str(refusal('"\\e[2J\\n": 1\n')).startswith("rollout.yaml:1:1: \\x1b[2J\\n: unknown key")
    assert str(refusal(None, {"ROLLOUT_ORGANIZATION": "\ud800"})).startswith(
        'ROLLOUT_ORGANIZATION: organization: "\\ud800" is not'
    )


def test_long_values_are_cut_in_messages(refusal):
    message = str(refusal(f"organization: {'x' * 5000}\n"))
    assert len(message) < 200
    assert "xxx … is not an organization ID" in message


@pytest.mark.parametrize(
    ("text", "warning"),
    [
        (
            "gates: {lead_time: 0d}\nnotify: {remind_at: []}\n",
            "rollout.yaml:1:20: gates.lead_time: is 0d: users get no time to enrol before they are enforced",
        ),
        (
            "gates: {soak: 0d}\n",
            "rollout.yaml:1:15: gates.soak: is 0d: the next wave follows at once, before anyone can report problems with the last",
        ),
        (
            "gates: {lead_time: 7d}\nnotify: {remind_at: [7d]}\n",
            "rollout.yaml:2:22: notify.remind_at[0]: is not within the lead time of 7d, so this reminder is never sent",
        ),
        (
            "waves: [{name: a, percent: 50}, {name: b, ous: [Prod]}]\n",
            "rollout.yaml:1:8: waves: no wave takes all remaining users; planning fails if a user matches none",
        ),
        (
            "policy: {variant: seed, amendments: {pathed_users: true}}\n",
            "rollout.yaml:1:37: policy.amendments: have no effect with variant: seed",
        ),
        (
            "scope: {exclude: {accounts: ['12345678901']}}\n",
            'rollout.yaml:1:30: scope.exclude.accounts[0]: "12345678901" has 11 digits, but an account ID has 12; is a leading 0 missing?',
        ),
        (
            "store: state\nbucket: {kms_key: alias/rollout}\n",
            "rollout.yaml:2:9: bucket: has no effect, since the store is a folder",
        ),
    ],
)
def test_what_is_legal_and_dangerous_is_warned_of(load, text, warning):
    assert load(text).warnings == (warning,)


def test_defaults_deserve_no_warning(load):
    assert load().warnings == load(starter_text()).warnings == ()


def test_an_empty_key_is_its_default_where_that_is_as_empty(load):
    text = "exemptions:\n  # none yet\ngates:\nrules:\n  break_glass:\nscope:\n  exclude:\n    ous:\n"
    assert load(text).model_dump(exclude={"source", "warnings"}) == load("").model_dump(
        exclude={"source", "warnings"}
    )


_STARTER = starter_text()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.one_of(
        st.text(),
        st.binary(),
        st.builds(
            lambda start, length, put: _STARTER[:start] + put + _STARTER[start + length :],
            st.integers(0, len(_STARTER)),
            st.integers(0, 40),
            st.text(st.sampled_from("abz059 \n\t:-[]{}&*!|>'\"%@#,?"), max_size=6),
        ),
    )
)
def test_no_file_ends_in_a_traceback(load, text):
    try:
        load(text.encode("utf-8", "surrogatepass") if isinstance(text, str) else text)
    except BadSettings as error:
        assert str(error).startswith("rollout.yaml")  # noqa: PT017 - it may also be harmless
