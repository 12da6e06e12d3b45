"""Looks in the store: read as they were written, thinned out where they are many, left out where they are damaged."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from rollout.domain.status.over_time import KeptLook, Stands, StateChange, UserStand
from rollout.files.private_files import FolderStore
from rollout.store.kept_looks import FOLDER, READ_AT_MOST, STANDS, KeptLooks
from tests.builders import NOW, ORGANIZATION

LOOK = KeptLook(
    NOW, "verify", "k3f9", NOW, 3, 1, 1, 2, {"hold": 3}, {"machine": 3}, {"": (3, 1)}, {"1" * 12: (3, 1)},
    NOW - timedelta(days=1), 1, (StateChange("1" * 12, "\u202e\n</script>", "", "machine"),),
)  # fmt: skip
STOOD = Stands(NOW, {"AIDA1": UserStand("1" * 12, "ci", "machine", NOW)})


def test_what_is_kept_is_read_again_the_oldest_first(tmp_path: Path):
    kept = KeptLooks(FolderStore(tmp_path), ORGANIZATION)
    assert ((), Stands()) == (kept.looks(), kept.stands())
    later = replace(LOOK, at=NOW + timedelta(days=1), command="plan")
    kept.keep(later, STOOD)
    kept.keep(LOOK, STOOD)
    assert ((LOOK, later), STOOD) == (kept.looks(), kept.stands())
    names = sorted(path.name for path in (tmp_path / FOLDER / ORGANIZATION).iterdir())
    assert ["20261124T090000Z-verify.json.gz", "20261125T090000Z-plan.json.gz", STANDS] == names


def test_of_many_looks_the_newest_and_some_of_the_others_are_read(tmp_path: Path):
    kept = KeptLooks(FolderStore(tmp_path), ORGANIZATION)
    many = [replace(LOOK, at=NOW + timedelta(days=day)) for day in range(3 * READ_AT_MOST)]
    for look in many:
        kept.keep(look, Stands())
    found = kept.looks()
    assert len(found) <= READ_AT_MOST
    assert many[0] == found[0]
    assert tuple(many[-READ_AT_MOST // 2 :]) == found[-READ_AT_MOST // 2 :]


def test_what_is_damaged_or_of_another_version_is_left_out(tmp_path: Path):
    kept, folder = KeptLooks(FolderStore(tmp_path), ORGANIZATION), tmp_path / FOLDER / ORGANIZATION
    kept.keep(LOOK, STOOD)
    kept.keep(replace(LOOK, at=NOW + timedelta(days=1), schema=2), replace(STOOD, schema=2))
    (folder / "20261126T090000Z-plan.json.gz").write_bytes(b"no gzip")
    whole = folder / "20261124T090000Z-verify.json.gz"
    (folder / "20261127T090000Z-plan.json.gz").write_bytes(whole.read_bytes()[:-9])
    assert ((LOOK,), Stands()) == (kept.looks(), kept.stands())
