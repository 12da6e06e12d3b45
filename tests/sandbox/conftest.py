"""One sandbox to a module: it starts in a third of a second, and tests of a module may write into it."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from rollout.sandbox.serving.server import Sandbox

NOW = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox.start(NOW, instance="tests") as running:
        yield running
