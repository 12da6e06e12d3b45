"""A plan is made of its accounts' parts, each written down as soon as it is judged; nobody else sees them."""

from __future__ import annotations

import gzip
import pickle
import stat
from hashlib import sha256
from pathlib import Path

import pytest

from rollout.domain.verdicts.verdict import Impact, Kind
from rollout.errors import PlanRefused
from rollout.files.private_files import FolderStore
from rollout.store.plan_files import FolderPlans, Plans
from rollout.store.plan_parts import StoredParts
from tests.builders import a_header, an_account_plan, an_entry
from tests.store.memory import MemoryFiles, parted

ACCOUNTS = tuple(
    an_account_plan(
        an_entry("alice", impact=Impact.ENROL, wave="canary", account_id=account_id),
        an_entry("bob", impact=Impact.CLI, account_id=account_id),
        an_entry("robot", Kind.HOLD, account_id=account_id),
        account_id=account_id,
        name=f"account {account_id[:4]}",
    )
    for account_id in ("111122223333", "222233334444", "333344445555")
)
# As they were when a plan was written from all accounts at once.
AS_BEFORE = {
    "evidence.jsonl.gz": "c589ac467180b06fed8bb3ce1ea2ca9f762a51f3c8658d821ed6ec45ba44f5a4",
    "index.jsonl": "18a42e00baf461820dfdf5d0bfe71011a31bfaf6f336b021b4ffb710d78ac24f",
    "yaml": "1949ac65199f64e4079ead6da2ffb961713b37629a6eb5810ec12235eeac7046",
}


def test_the_files_are_those_that_all_accounts_at_once_would_make():
    files = MemoryFiles()
    Plans(files).save(*parted(a_header(*ACCOUNTS), ACCOUNTS[::-1]))

    found = {
        name.partition(".")[2]: sha256(gzip.decompress(kept) if name.endswith(".gz") else kept).hexdigest()
        for name, kept in files.kept.items()
    }
    assert AS_BEFORE == found


def test_parts_are_read_as_they_were_judged():
    _, parts = parted(a_header(*ACCOUNTS), ACCOUNTS)

    assert list(ACCOUNTS) == list(parts.accounts())
    assert [ACCOUNTS[1]] == list(parts.accounts(frozenset({ACCOUNTS[1].account_id, "999999999999"})))


def test_a_part_that_was_altered_makes_no_plan(tmp_path):
    files = FolderStore(tmp_path)
    header, parts = parted(a_header(*ACCOUNTS), ACCOUNTS, files)
    part = tmp_path / "accounts" / f"{ACCOUNTS[1].account_id}.part"
    part.write_bytes(part.read_bytes().replace(b"robot", b"alice"))

    with pytest.raises(PlanRefused, match=r"222233334444\.part was altered while the plan was made"):
        FolderPlans(tmp_path).save(header, parts)
    assert not [path for path in (tmp_path / "plans").rglob("*") if path.is_file()]


def test_a_part_may_be_written_in_another_process_and_kept_in_this_one(tmp_path):
    here = StoredParts(FolderStore(tmp_path, lasting=False))
    there: StoredParts = pickle.loads(pickle.dumps(here))
    here.keep(pickle.loads(pickle.dumps(there.write(ACCOUNTS[0]))))

    assert [ACCOUNTS[0]] == list(here.accounts())


def test_an_account_is_in_a_plan_once():
    _, parts = parted(a_header(*ACCOUNTS), ACCOUNTS)

    with pytest.raises(ValueError, match="111122223333 is in the plan already"):
        parts.keep(parts.write(ACCOUNTS[0]))


def test_only_the_owner_may_read_parts(tmp_path: Path):
    parts = StoredParts(FolderStore(tmp_path / "private", lasting=False))
    parts.write(ACCOUNTS[0])

    (part,) = (tmp_path / "private" / "accounts").iterdir()
    assert 0o600 == stat.S_IMODE(part.stat().st_mode)
    assert 0o700 == stat.S_IMODE(part.parent.stat().st_mode)
