"""A channel is one row and one module: settings, starter file, reference and wiring follow from them."""

from __future__ import annotations

import json
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from rollout.domain.progress.channels import CHANNELS, Channel
from rollout.domain.progress.messages import Delivery
from rollout.settings import json_schema
from tests.docs import row

ROOT = Path(__file__).parents[2]


def test_the_schema_offers_every_channel():
    offered = json_schema()["$defs"]["NotifySection"]["properties"]["channel"]
    assert {channel.name for channel in CHANNELS} == set(offered.get("enum", [offered.get("const")]))


@pytest.mark.parametrize("channel", CHANNELS, ids=lambda channel: channel.name)
def test_every_channel_has_a_module_that_builds_it_and_keys_of_its_own(channel: Channel):
    assert callable(import_module(f"rollout.notify.{channel.name}").build)
    for key in channel.keys:
        assert key.name == channel.name or key.name.startswith(f"{channel.name}_")


def test_a_message_is_delivered_only_where_the_operator_vouches_for_it():
    (outbox,) = (channel for channel in CHANNELS if channel.name == "outbox")
    assert Delivery.QUEUED is outbox.delivery_of({"outbox_counts": False})
    assert Delivery.DELIVERED is outbox.delivery_of({"outbox_counts": True})
    assert Delivery.QUEUED is Channel("dove", "", Delivery.QUEUED).delivery_of({})


PIGEON_MODULE = """
from rollout.domain.progress.messages import Receipt


class Pigeon:
    def __init__(self, setup, loft, name):
        self.setup, self.loft, self.name = setup, loft, name

    def send(self, notice):
        detail = f"{self.name} flies from {self.loft.name} for {self.setup.sender}"
        return Receipt(self.setup.delivery, notice.id, detail)


def build(setup, *, pigeon, pigeon_name):
    return Pigeon(setup, pigeon, pigeon_name)
"""
PIGEON_ROW = """
from rollout.domain.progress import channels
from rollout.domain.progress.channels import Channel, ChannelKey, KeyKind
from rollout.domain.progress.messages import Delivery, Notice

channels.CHANNELS += (
    Channel(
        "pigeon",
        "A pigeon carries a slip of paper.",
        Delivery.QUEUED,
        (
            ChannelKey("pigeon", KeyKind.FOLDER, "loft", "The folder that the pigeon lives in."),
            ChannelKey("pigeon_name", KeyKind.TEXT, "Ada", "What the pigeon answers to."),
            ChannelKey("pigeon_returns", KeyKind.FLAG, False, "Count a slip as delivered when the pigeon is back."),
        ),
        delivered_with="pigeon_returns",
    ),
)
"""
EXERCISE = """
import json, sys
from pathlib import Path
import rollout.notify
rollout.notify.__path__.append(sys.argv[1])

from rollout.settings import load_settings, starter_text
from rollout.wiring import Live
from tests.docs import channel_keys, channel_table

folder = Path(sys.argv[1])
settings = load_settings(folder / "rollout.yaml", {"ROLLOUT_NOTIFY__PIGEON_RETURNS": "true"}, folder)
receipt = Live(settings).notifier().send(Notice("ana@example.com", (), id="n-1"))
(folder / "starter.yaml").write_text(starter_text())
starter = load_settings(folder / "starter.yaml", {}, folder).notify
print(json.dumps({
    "receipt": [receipt.delivery, receipt.message_id, receipt.detail],
    "folders": [str(one) for one in settings.notify.folders],
    "starter": [starter.channel, starter.pigeon_name, str(starter.pigeon)],
    "docs": [*channel_table().splitlines(), *channel_keys().splitlines()],
}))
"""


def test_a_channel_that_is_added_as_a_row_and_a_module_is_chosen_built_and_listed(tmp_path: Path):
    """The exercise: nothing else is touched. In a process of its own, for settings are read when they are imported."""
    (tmp_path / "pigeon.py").write_text(PIGEON_MODULE)
    (tmp_path / "rollout.yaml").write_text("notify: {channel: pigeon, pigeon_name: Bea}\n")
    done = subprocess.run(
        [sys.executable, "-c", PIGEON_ROW + EXERCISE, str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "" == done.stderr
    said = json.loads(done.stdout)
    assert ["delivered", "n-1", "Bea flies from loft for security@example.com"] == said["receipt"]
    assert [str(tmp_path / "loft")] == said["folders"]
    assert ["outbox", "Ada", str(tmp_path / "loft")] == said["starter"]
    counts_as = "`queued`; `delivered` with `notify.pigeon_returns: true`"
    assert row("`pigeon`", "A pigeon carries a slip of paper.", counts_as) in said["docs"]
    variable = "`ROLLOUT_NOTIFY__PIGEON_NAME`"
    assert row("`notify.pigeon_name`", "`Ada`", variable, "What the pigeon answers to.") in said["docs"]
