"""The whole organization through the real wiring: in bad weather the inventory is the same, byte for byte."""

from __future__ import annotations

import io
import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from rollout.awsapi.retries import Retries
from rollout.domain.people.scope import Selection
from rollout.domain.plan.entries import AccountPlan
from rollout.reporting.users_file import UsersFormat, write_users
from rollout.sandbox.answers.base import IamAnswer
from rollout.sandbox.answers.organization_answers import OrganizationAnswers
from rollout.sandbox.serving.server import Sandbox
from rollout.settings import load_settings
from rollout.store.plan_parts import StoredParts
from rollout.wiring import Live
from rollout.workflows.inventory import premises
from rollout.workflows.judging.listing import list_users
from tests.fakes import FakeProgress
from tests.store.memory import MemoryFiles
from tests.weather import Weather

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)


@dataclass(frozen=True)
class Look:
    """What one run of `rollout inventory` comes to."""

    csv: bytes
    accounts: tuple[AccountPlan, ...]
    left_out: tuple[tuple[str, str, str], ...]
    calls: int
    retries: int


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox.start(NOW, instance="weather", ticking=False) as running:
        yield running


def look(sandbox: Sandbox, folder: Path) -> Look:
    """Run it as the command does, but for sleeping."""
    (folder / "rollout.yaml").write_text(sandbox.settings().replace('store: ".."', "store: ."))
    settings = load_settings(None, {}, folder)
    live = Live(settings, clock=sandbox)
    live._retries = Retries(sleep=lambda _: None)
    where = premises(live.organization, settings.organization)
    parts = StoredParts(MemoryFiles())
    look_at = live.look(where, FakeProgress())
    listed = list_users(look_at, live.plan_order(where), live.files.journal("look"), Selection(), parts)
    stream = io.BytesIO()
    write_users(
        stream,
        UsersFormat.CSV,
        listed.header,
        parts.accounts(),
        listed.progress,
        listed.header.inventory_at,
        settings.domain_notified(),
    )
    return Look(
        stream.getvalue(),
        tuple(replace(account, calls=0, retries=0) for account in parts.accounts()),
        tuple((left.account_id, left.state, left.reason) for left in listed.header.left_out),
        listed.header.calls,
        listed.header.retries,
    )


@pytest.fixture(scope="module")
def calm(sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Look:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in sandbox.environment().items():
            patch.setenv(name, value)
        return look(sandbox, tmp_path_factory.mktemp("calm"))


def cut_pages(monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    """Let every list of IAM and Organizations be cut anywhere: AWS may always give fewer than asked for."""
    dice = random.Random(seed)
    page, asked_size = IamAnswer.page, OrganizationAnswers._asked_size
    monkeypatch.setattr(
        IamAnswer,
        "page",
        lambda self, items, *, most=100: page(self, items, most=dice.randint(1, most)),
    )
    monkeypatch.setattr(
        OrganizationAnswers, "_asked_size", lambda self: min(asked_size(self), dice.randint(1, 5))
    )


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_inventory_is_that_of_a_calm_day(
    seed: int, sandbox: Sandbox, calm: Look, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    for name, value in sandbox.environment().items():
        monkeypatch.setenv(name, value)
    cut_pages(monkeypatch, seed)
    with Weather(sandbox.endpoint, seed) as weather:
        monkeypatch.setenv("AWS_ENDPOINT_URL", weather.endpoint)
        rough = look(sandbox, tmp_path)
    assert calm.csv == rough.csv
    assert (calm.accounts, calm.left_out) == (rough.accounts, rough.left_out)
    # It was bad weather, all of it, and it was counted.
    assert {"answered", "throttled", "failed", "dropped"} == {word.split()[0] for word in weather.counts}
    assert rough.retries >= weather.counts.total() * 0.2
    assert 0 == calm.retries


def test_a_calm_day_is_the_same_every_day(
    sandbox: Sandbox, calm: Look, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Else the test above could not fail for the right reason."""
    for name, value in sandbox.environment().items():
        monkeypatch.setenv(name, value)
    again = look(sandbox, tmp_path)
    assert (calm.csv, calm.accounts, calm.left_out) == (again.csv, again.accounts, again.left_out)
    assert b"adam.kowalski" in calm.csv
    assert 10 == len(calm.accounts)
