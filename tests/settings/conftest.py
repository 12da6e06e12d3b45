from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from rollout.errors import BadSettings
from rollout.settings import FILE_NAME, Settings, load_settings

Load = Callable[..., Settings]
Refusal = Callable[..., BadSettings]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    """Load settings in an empty folder, from this text as `rollout.yaml` (None: no file) and these variables."""

    def load(
        text: str | bytes | None = None,
        environment: Mapping[str, str] | None = None,
        flags: Mapping[str, object] | None = None,
    ) -> Settings:
        if text is not None:
            (tmp_path / FILE_NAME).write_bytes(text if isinstance(text, bytes) else text.encode())
        return load_settings(None, environment or {}, tmp_path, flags)

    return load


@pytest.fixture
def refusal(load: Load) -> Refusal:
    """Load settings that are bad, and give the error."""

    def refusal(*args: object, **more: object) -> BadSettings:
        with pytest.raises(BadSettings) as caught:
            load(*args, **more)
        return caught.value

    return refusal
