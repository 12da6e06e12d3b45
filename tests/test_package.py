"""The wheel and the source distribution hold what they should, the same bytes each time; licenses allow all of it."""

from __future__ import annotations

import os
import re
import tarfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace
from zipfile import ZipFile

import pytest
import yaml

from rollout import __version__
from rollout.installation import DISTRIBUTION
from tests.licenses import ALLOWED, license_of, names_in, parts_of

ROOT = Path(__file__).parents[1]
STEM = f"{DISTRIBUTION.replace('-', '_')}-{__version__}"
SHIPPED = {
    str(path.relative_to(ROOT))
    for path in (ROOT / "rollout").rglob("*")
    if path.is_file() and "__pycache__" not in path.parts
}
Build = Callable[[str], bytes]


@pytest.fixture
def build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Build:
    """Build by the backend itself, in this process."""
    backend = pytest.importorskip("flit_core.buildapi", reason="the package is built by flit-core")
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1764000000")

    def built(kind: str) -> bytes:
        folder = tmp_path / str(len(list(tmp_path.iterdir())))
        folder.mkdir()
        name: str = getattr(backend, f"build_{kind}")(str(folder))
        return (folder / name).read_bytes()

    return built


@pytest.mark.parametrize("kind", ["wheel", "sdist"])
def test_the_same_sources_give_the_same_bytes(build: Build, kind: str):
    first, mask = build(kind), os.umask(0o077)
    try:
        assert first == build(kind)
    finally:
        os.umask(mask)
    assert len(first) < 1 << 20, "a wheel has 0.8 MB"


def test_the_wheel_holds_the_package_with_its_sandbox_and_templates_and_nothing_else(build: Build):
    with ZipFile(BytesIO(build("wheel"))) as wheel:
        names = set(wheel.namelist())
        scripts = wheel.read(f"{STEM}.dist-info/entry_points.txt").decode()
    assert SHIPPED == {name for name in names if not name.startswith(f"{STEM}.dist-info/")}
    assert {"rollout/sandbox/world/organization.yaml", "rollout/reporting/page/templates/report.js"} <= names
    assert f"{STEM}.dist-info/licenses/LICENSE" in names
    assert "rollout=rollout.__main__:main" in scripts.replace(" ", "")


def test_the_source_distribution_is_enough_to_build_the_wheel(build: Build):
    with tarfile.open(fileobj=BytesIO(build("sdist"))) as packed:
        names = {name.removeprefix(f"{STEM}/") for name in packed.getnames()}
    assert SHIPPED | {"LICENSE", "PKG-INFO", "README.md", "pyproject.toml"} == names


def test_every_license_lets_people_use_and_pass_on_the_package():
    assert [] == [name for name in names_in("dev") if not set(parts_of(license_of(name))) <= ALLOWED]


def test_a_license_that_is_not_allowed_is_refused(monkeypatch: pytest.MonkeyPatch):
    of_another = SimpleNamespace(json={"license_expression": "AGPL-3.0-only"})
    monkeypatch.setattr("tests.licenses.metadata", lambda name: of_another)
    with pytest.raises(ValueError, match="has none of the licenses"):
        license_of("some")


# --- The workflow that releases, which is not run here ---

WORKFLOW = (ROOT / ".github/workflows/release.yml").read_text()


def test_no_step_of_the_release_can_be_changed_from_outside():
    """An action is named by the digest of its commit: a tag can be moved."""
    steps = [step for job in yaml.safe_load(WORKFLOW)["jobs"].values() for step in job["steps"]]
    actions = [step["uses"] for step in steps if "uses" in step]
    assert len(actions) > 5
    assert [] == [action for action in actions if len(action.partition("@")[2]) != 40]
    assert "secrets." not in WORKFLOW


def test_only_the_last_job_of_the_release_may_publish():
    found = yaml.safe_load(WORKFLOW)
    assert {} == found["permissions"]
    assert {
        "build": {"contents": "read"},
        "attest": {"attestations": "write", "id-token": "write"},
        "publish": {"id-token": "write"},
    } == {name: job["permissions"] for name, job in found["jobs"].items()}
    assert "release" == found["jobs"]["publish"]["environment"]


def test_the_targets_that_the_release_runs_are_there():
    makefile = (ROOT / "Makefile").read_text()
    for target in ("audit", "dist", "sbom"):
        assert re.search(rf"run: make .*\b{target}\b", WORKFLOW)
        assert f"\n{target}: " in makefile
