"""Reading the description, and the settings that go with it."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError

from rollout.sandbox.serving.server import Sandbox
from rollout.sandbox.world.blueprint import DESCRIPTION, read_blueprint
from rollout.sandbox.world.dates import moment
from rollout.sandbox.world.identifiers import Identifiers
from rollout.sandbox.world.settings_file import settings_text
from rollout.settings.models import RolloutFile
from tests.sandbox.conftest import NOW
from tests.sandbox.connecting import DEV, iam_of


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("now", NOW),
        ("3d ago", NOW - timedelta(days=3)),
        ("2w ago", NOW - timedelta(weeks=2)),
        ("5h ago", NOW - timedelta(hours=5)),
        ("90m ago", NOW - timedelta(minutes=90)),
        ("in 30d", NOW + timedelta(days=30)),
        ("2026-01-31", datetime(2026, 1, 31, tzinfo=UTC)),
    ],
)
def test_moments_are_told_as_a_person_would(text: str, expected: datetime):
    assert expected == moment(text, NOW)


@pytest.mark.parametrize("text", ["soon", "3d", "in 3d ago", "3y ago", ""])
def test_other_words_are_no_moments(text: str):
    with pytest.raises(ValueError, match="is not a time"):
        moment(text, NOW)


def test_the_description_moves_with_the_day():
    later = NOW + timedelta(days=400)
    one, other = read_blueprint(NOW), read_blueprint(later)
    assert later - NOW == other.members[0].users[0].created - one.members[0].users[0].created


def test_a_key_that_nobody_knows_is_refused(tmp_path: Path):
    path = tmp_path / "organization.yaml"
    path.write_text(DESCRIPTION.read_text().replace("    invited: true\n", "    invitde: true\n", 1))
    with pytest.raises(ValidationError, match="invitde"):
        read_blueprint(NOW, path)


def test_another_description_makes_another_organization(tmp_path: Path):
    path = tmp_path / "organization.yaml"
    path.write_text(
        """
        operator: admin
        management:
          {id: "000000000001", name: tiny, joined: 9d ago, users: [
            {name: admin, created: 8d ago, policies: [Everything], keys: [{created: 7d ago}]}]}
        members: []
        aws_managed_policies: {}
        customer_managed_policies:
          Everything: {document: {Version: "2012-10-17", Statement: {Effect: Allow, Action: "*", Resource: "*"}}}
        """
    )
    with Sandbox.start(NOW, description=path) as sandbox:
        users = iam_of(sandbox, "111122223333").list_users()["Users"]
    assert ["arn:aws:iam::000000000001:user/admin"] == [user["Arn"] for user in users]


def test_the_settings_name_the_live_organization_and_live_users():
    with Sandbox.start(NOW) as sandbox:
        settings = yaml.load(sandbox.settings(), Loader=yaml.CSafeLoader)
        assert sandbox.organization_id == settings["organization"]
        load_test = iam_of(sandbox, DEV).get_user(UserName="load-test")["User"]["UserId"]
    assert load_test in {line["user"] for line in settings["exemptions"]}


def test_the_settings_are_ones_that_rollout_understands():
    text = settings_text("any", read_blueprint(NOW), NOW)
    settings = RolloutFile.model_validate(yaml.load(text, Loader=yaml.CSafeLoader))
    assert Identifiers("any").organization() == settings.organization
    assert ["canary", "non-production", "rest"] == [wave.name for wave in settings.waves]
    assert settings.notify.of_channel["outbox_counts"]
    assert 2 == len(settings.rules.break_glass)


def test_one_exemption_has_run_out_and_the_others_live():
    settings = yaml.load(settings_text("any", read_blueprint(NOW), NOW), Loader=yaml.CSafeLoader)
    expired = [line["user"] for line in settings["exemptions"] if line["expires"] < NOW.date()]
    assert ["arn:aws:iam::012345678901:user/chen.wei"] == expired
    assert 4 == len(settings["exemptions"])
