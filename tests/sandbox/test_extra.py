"""Without the `sandbox` extra, all but the sandbox works, and the sandbox says what is missing."""

import importlib.util
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from rollout.sandbox import extra
from rollout.sandbox.serving.process import start_kept
from rollout.sandbox.serving.server import Sandbox, SandboxExtraMissing
from tests.sandbox.conftest import NOW
from tests.sandbox.connecting import HUB, iam_of


def test_looking_at_the_sandbox_does_not_load_moto():
    script = (
        "import sys, rollout.sandbox.serving.server, rollout.sandbox.serving.process\n"
        "import rollout.sandbox.world.settings_file\n"
        "print(sorted({'moto', 'flask', 'werkzeug', 'boto3', 'botocore'} & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert "[]\n" == found.stdout


def test_a_missing_part_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    real = importlib.util.find_spec
    monkeypatch.setattr(extra, "find_spec", lambda name: None if name == "moto" else real(name))
    with pytest.raises(SandboxExtraMissing, match="moto missing"):
        Sandbox.start(NOW)
    with pytest.raises(ImportError, match="moto missing"):
        start_kept(tmp_path, NOW)
    assert not (tmp_path / ".rollout").exists()


def test_many_may_write_at_once(sandbox: Sandbox):
    """moto's models know no locks; requests take turns."""
    iam = iam_of(sandbox, HUB)
    iam.create_group(GroupName="Busy", Path="/rollout/")
    names = [user["UserName"] for user in iam.list_users()["Users"] if "crowded" not in user["UserName"]]
    names.remove("ursula.vance")
    with ThreadPoolExecutor(16) as threads:
        list(threads.map(lambda name: iam.add_user_to_group(GroupName="Busy", UserName=name), names * 2))
    members = [user["UserName"] for user in iam.get_group(GroupName="Busy", MaxItems=1000)["Users"]]
    assert sorted(names) == sorted(members)
