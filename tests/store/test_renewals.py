"""A renewal makes a plan younger, and nothing else: neither it nor its alteration makes an altered plan valid."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from rollout.errors import KeyUnusable, NoPlan, PlanRefused
from rollout.store.formats.renewal import read_renewal, renewal_bytes
from rollout.store.plan_files import FolderPlans, PlanAtPath
from tests.builders import NOW, a_header, an_account_plan, an_entry
from tests.store.memory import parted
from tests.store.sealing import sealed

ACCOUNTS = (an_account_plan(an_entry("alice", wave="canary")),)
LATER = NOW + timedelta(days=9)
SUM, OTHER_SUM = f"sha256:{'a' * 64}", f"sha256:{'b' * 64}"


def test_a_renewal_is_read_as_it_was_written():
    assert LATER == read_renewal(renewal_bytes(SUM, LATER), SUM)


def test_a_renewal_of_other_bytes_counts_for_nothing():
    assert read_renewal(renewal_bytes(OTHER_SUM, LATER), SUM) is None


def test_any_altered_byte_makes_it_count_for_nothing():
    raw = renewal_bytes(SUM, LATER)
    values = json.loads(raw)
    for place in range(len(raw)):
        altered = raw[:place] + bytes([raw[place] ^ 1]) + raw[place + 1 :]
        if _or_nothing(altered) != values:
            assert read_renewal(altered, SUM) is None, altered


def _or_nothing(raw: bytes) -> object:
    try:
        return json.loads(raw)
    except ValueError:
        return None


@pytest.mark.parametrize(
    "raw", [b"", b"[]", b"7", b"{}", b'{"checksum": 1, "renewed": 3}', b"[" * 4000, b"\xff"]
)
def test_rubbish_counts_for_nothing(raw: bytes):
    assert read_renewal(raw, SUM) is None


def test_a_renewed_plan_keeps_its_bytes_and_tells_its_renewal(tmp_path: Path):
    plans = FolderPlans(tmp_path)
    stored = plans.save(*parted(a_header(*ACCOUNTS), ACCOUNTS))
    before = Path(stored.location).read_bytes()
    assert stored.renewed is None
    assert LATER == stored.renew(LATER).renewed
    again = plans.load(None)
    assert (stored.header, LATER) == (again.header, again.renewed)
    assert before == Path(stored.location).read_bytes()
    assert 0o600 == (tmp_path / "plans" / f"{stored.stem}.renewed.json").stat().st_mode & 0o777


def test_an_altered_plan_is_refused_however_its_renewal_reads(tmp_path: Path):
    plans = FolderPlans(tmp_path)
    stored = plans.save(*parted(a_header(*ACCOUNTS), ACCOUNTS)).renew(LATER)
    file = Path(stored.location)
    file.write_bytes(file.read_bytes().replace(b"alice", b"alicf"))
    with pytest.raises(PlanRefused):
        plans.load(None)


def test_a_plan_in_a_file_of_its_own_is_written_and_found_by_its_path(tmp_path: Path):
    there = PlanAtPath(tmp_path / "reviews" / "mine.yaml")
    with pytest.raises(NoPlan):
        there.load()
    stored = there.save(*parted(a_header(*ACCOUNTS), ACCOUNTS))
    assert ["mine.evidence.jsonl.gz", "mine.index.jsonl", "mine.yaml"] == sorted(
        path.name for path in (tmp_path / "reviews").iterdir()
    )
    assert (
        stored.header
        == there.load().header
        == FolderPlans(tmp_path).load(str(tmp_path / "reviews/mine.yaml")).header
    )
    assert list(ACCOUNTS) == list(there.load().accounts())


# --- In a store that has a key ---


def test_in_a_store_with_a_key_a_renewal_needs_a_seal():
    seals, other = sealed().seals, sealed(b"!" * 32).seals
    assert LATER == read_renewal(renewal_bytes(SUM, LATER, seals), SUM, seals)
    assert read_renewal(renewal_bytes(SUM, LATER), SUM, seals) is None
    assert read_renewal(renewal_bytes(SUM, LATER, other), SUM, seals) is None
    assert LATER == read_renewal(renewal_bytes(SUM, LATER, seals), SUM)


def test_a_sealed_plan_is_read_renewed_and_sealed_again_with_the_same_checksum(tmp_path: Path):
    trust = sealed()
    saved = FolderPlans(tmp_path, trust=trust).save(*parted(a_header(*ACCOUNTS), ACCOUNTS))
    saved.renew(LATER)
    loaded = FolderPlans(tmp_path, trust=trust).load(None)
    assert (saved.header, LATER, ACCOUNTS) == (loaded.header, loaded.renewed, tuple(loaded.accounts()))

    new = sealed(b"new key" + b"!" * 25)
    with pytest.raises(PlanRefused, match="is sealed, but not with this store's key"):
        FolderPlans(tmp_path, trust=new).load(None)
    [found] = FolderPlans(tmp_path, trust=new).unsealed()
    found.seal()
    again = FolderPlans(tmp_path, trust=new).load(None)
    assert saved.header.checksum == again.header.checksum
    assert again.renewed is None
    assert [] == FolderPlans(tmp_path, trust=new).unsealed()


def test_a_seal_makes_no_altered_plan_valid(tmp_path: Path):
    saved = FolderPlans(tmp_path, trust=sealed()).save(*parted(a_header(*ACCOUNTS), ACCOUNTS))
    path = Path(saved.location)
    path.write_bytes(path.read_bytes().replace(b"canary", b"kanary"))
    with pytest.raises(PlanRefused, match="was altered"):
        FolderPlans(tmp_path, trust=sealed()).load(None)
    assert [] == FolderPlans(tmp_path, trust=sealed()).unsealed()


def test_a_sealed_plan_is_not_trusted_by_settings_that_name_no_key(tmp_path: Path):
    FolderPlans(tmp_path, trust=sealed()).save(*parted(a_header(*ACCOUNTS), ACCOUNTS))
    with pytest.raises(KeyUnusable, match=r"rollout.yaml names none"):
        FolderPlans(tmp_path).load(None)
