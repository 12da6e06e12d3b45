"""Every selector that stands in the file is looked for under its key; defaults are nobody's typing error."""

from __future__ import annotations

from pathlib import Path

from rollout.settings import load_settings

TEXT = """
scope:
  include: {ous: [Workloads], accounts: ["prod-*"], account_tags: [env=prod]}
  exclude: {ous: [Sandbox], accounts: ["111122223333"], account_tags: [keep=out]}
rules:
  break_glass: ["arn:aws:iam::111122223333:user/glass"]
  enforce_machines: [kind=person]
  machines: {tags: ["InvokedBy=SESConsole", kind=robot], groups: [AWSSESSendingGroupDoNotRename, robots]}
exemptions:
  - {user: team=blue, owner: o@example.com, reason: why, expires: 2027-01-31}
waves:
  - {name: first, ous: [Dev], accounts: ["dev-*"], account_tags: [env=dev], user_tags: [early=yes], users: ["*/ann"]}
  - {name: rest}
"""
PROTECTING = [
    ("scope.exclude.ous", "Sandbox"),
    ("scope.exclude.accounts", "111122223333"),
    ("scope.exclude.account_tags", "keep=out"),
    ("rules.break_glass", "arn:aws:iam::111122223333:user/glass"),
    ("exemptions[0].user", "team=blue"),
]
OTHERS = [
    ("scope.include.ous", "Workloads"),
    ("scope.include.accounts", "prod-*"),
    ("scope.include.account_tags", "env=prod"),
    ("rules.enforce_machines", "kind=person"),
    ("rules.machines.tags", "kind=robot"),
    ("rules.machines.groups", "robots"),
    ("waves[0].ous", "Dev"),
    ("waves[0].accounts", "dev-*"),
    ("waves[0].account_tags", "env=dev"),
    ("waves[0].user_tags", "early=yes"),
    ("waves[0].users", "*/ann"),
]


def test_every_selector_of_the_file_is_there_once(tmp_path: Path):
    (tmp_path / "rollout.yaml").write_text(TEXT)
    selectors = load_settings(None, {}, tmp_path).domain_selectors()
    assert sorted(PROTECTING) == sorted((one.key, one.text) for one in selectors if one.protects)
    assert sorted(OTHERS) == sorted((one.key, one.text) for one in selectors if not one.protects)


def test_the_defaults_select_all_accounts_and_nobody_in_particular(tmp_path: Path):
    selectors = load_settings(None, {}, tmp_path).domain_selectors()
    assert {("scope.include.ous", "*"), ("scope.include.accounts", "*")} == {
        (one.key, one.text) for one in selectors
    }
