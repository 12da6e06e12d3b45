"""Wiring: what stands in rollout.yaml reaches the adapters."""

from __future__ import annotations

from pathlib import Path

import pytest

from rollout.aws.connect.account_access import NO_EXTERNAL_ID, AccountEntrySettings, RoleChoice
from rollout.settings import load_settings
from rollout.wiring import Live
from rollout.workflows.inventory import Premises
from tests.builders import a_caller, an_organization

EVERY_WAY = """
access:
  roles: [Audit, Other]
  own_account_role: Own
  external_id: shared
  hop_role: arn:aws:iam::111122223333:role/Hub
  session_name: nightly
  source_identity: ana
  session_tags: {team: identity}
  overrides: {"222233334444": {roles: [Odd], external_id: theirs}}
  ou_overrides: {Sandbox: {external_id: null}, "Partners/*": {roles: [Guest]}}
"""
WHERE = Premises(a_caller(), an_organization(), ())


def ways_of(folder: Path, text: str) -> AccountEntrySettings:
    (folder / "rollout.yaml").write_text(text)
    return Live(load_settings(None, {}, folder)).access(WHERE, writing=False)._entry_settings


@pytest.mark.parametrize("text", ["", EVERY_WAY], ids=["defaults", "everything set"])
def test_every_way_into_accounts_reaches_the_door(tmp_path: Path, text: str):
    everything = AccountEntrySettings(
        roles=("Audit", "Other"),
        own_account_role="Own",
        external_id="shared",
        overrides={"222233334444": RoleChoice(("Odd",), "theirs")},
        ou_overrides={
            "Sandbox": RoleChoice(None, NO_EXTERNAL_ID),
            "Partners/*": RoleChoice(("Guest",), None),
        },
        hop_external_id="shared",
        hop_role="arn:aws:iam::111122223333:role/Hub",
        session_name="nightly",
        source_identity="ana",
        session_tags={"team": "identity"},
    )
    assert (everything if text else AccountEntrySettings()) == ways_of(tmp_path, text)
