"""A filed report proves itself: a single byte changed in any part of it, or of what it was made from, is found."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rollout.domain.progress.history import replay_all
from rollout.domain.proof.proof_record import ProofRecord
from rollout.errors import NoPlan, PlanRefused
from rollout.files.private_files import FolderStore
from rollout.reporting import ReportFiles, write_report
from rollout.reporting.evidence_page import sealed_text, unsealed
from rollout.reporting.formats.report_formats import ReportFormat
from rollout.settings import load_settings
from rollout.store.folder.segments import FolderJournal
from rollout.store.proof_files import StoredProofs
from rollout.wiring import Files
from rollout.wiring.reports.evidence_check import FolderCheck, JournalDigests, check_folder, store_digests
from tests.builders import (
    ACCOUNT,
    NOTIFIED,
    NOW,
    ORGANIZATION,
    a_change,
    a_membership,
    a_proof,
    a_run,
    a_told,
    an_end,
)
from tests.reporting.examples import SMALL_NOW, small_accounts, small_header
from tests.store.memory import parted

ON_RECORD = (
    a_run("run-1", at=NOW),
    a_told("alice", run="run-1", at=NOW),
    *a_change(a_membership("alice"), run="run-1", at=NOW),
    an_end(run="run-1", at=NOW),
)


@dataclass(frozen=True)
class Filed:
    """A store, and a report that was made from it."""

    root: Path
    report: ReportFiles

    @property
    def folder(self) -> Path:
        return self.report.html.parent

    def check(self) -> FolderCheck:
        return check_folder(self.folder, files_in(self.root))

    @property
    def parts(self) -> list[Path]:
        """Every file that counts; the index beside a plan only saves time."""
        everything = (path for path in self.root.rglob("*") if path.is_file())
        return sorted(path for path in everything if path.name != "rollout.yaml" and "index" not in path.name)


def files_in(root: Path) -> Files:
    (root / "rollout.yaml").write_text("version: 1\nstore: .\n")
    return Files(load_settings(None, {}, root))


def filed_in(root: Path) -> Filed:
    files, accounts = files_in(root), small_accounts()
    stored = files.plans.save(*parted(small_header(accounts), accounts))
    digests = stored.header.digests
    proof = ProofRecord(
        "k3f9xy", NOW, ORGANIZATION, "aws", ACCOUNT, "lab", "caller", digests.policy, "v1", ()
    )
    file, digest = StoredProofs(FolderStore(root)).save(proof)
    proved = replace(a_proof(digests.policy), file=file, digest=digest)
    FolderJournal(root, "run-1").append(*ON_RECORD, proved)
    journal = JournalDigests()
    progress = replay_all(journal.passing(files.journal("report").records()), ORGANIZATION)
    written = write_report(
        files.report_folder(stored),
        stored.header,
        stored.accounts(),
        progress,
        SMALL_NOW,
        notified=NOTIFIED,
        formats=(ReportFormat.JSON, ReportFormat.MARKDOWN),
        evidence=store_digests(stored, progress, journal),
    )
    return Filed(root, written)


@pytest.fixture
def filed(tmp_path: Path) -> Filed:
    return filed_in(tmp_path)


def test_as_written_everything_is_as_written(filed: Filed):
    assert FolderCheck(11, (), ()) == filed.check()


@pytest.mark.parametrize("place", [0.0, 0.37, 1.0])
def test_a_single_byte_changed_in_any_part_is_found(filed: Filed, place: float):
    assert 12 == len(filed.parts)
    for path in filed.parts:
        content = path.read_bytes()
        changed = bytearray(content)
        end = len(content) - 1 - (path.suffix == ".jsonl")  # a record is whole without the end of its line
        changed[int(place * end)] ^= 1
        path.write_bytes(changed)
        try:
            found = bool(filed.check().changed)
        except PlanRefused:
            found = True
        path.write_bytes(content)
        assert found, path.name
    assert not filed.check().changed


def test_a_part_that_is_missing_or_cut_short_is_named(filed: Filed):
    filed.report.users.unlink()
    journal = next((filed.root / "journal").iterdir())
    journal.write_bytes(b"".join(journal.read_bytes().splitlines(keepends=True)[:-2]))

    changed = filed.check().changed
    assert "users.csv is missing" in changed
    assert any(line.startswith("journal") for line in changed)


def test_what_came_later_changes_nothing(filed: Filed):
    FolderJournal(filed.root, "run-2").append(a_run("run-2", at=SMALL_NOW), an_end(run="run-2", at=SMALL_NOW))
    assert not filed.check().changed


def test_without_the_store_its_parts_are_not_called_good(
    filed: Filed, tmp_path_factory: pytest.TempPathFactory
):
    elsewhere = tmp_path_factory.mktemp("auditor")
    folder = elsewhere / "filed"
    shutil.copytree(filed.folder, folder)
    found = check_folder(folder, files_in(elsewhere))
    assert ((), ("plan", "journal", "proof")) == (found.changed, found.not_compared)


def test_a_folder_without_evidence_says_how_to_get_some(tmp_path: Path):
    with pytest.raises(NoPlan, match=r"evidence\.json cannot be read") as refused:
        check_folder(tmp_path, files_in(tmp_path))
    assert "--evidence" in refused.value.cure


def test_the_page_says_scope_method_who_and_what_it_does_not_show(filed: Filed):
    page = filed.report.evidence[0].read_text()
    for part in ("Controls", "Scope", "Method", "Who", "What this does not show", "Digests"):
        assert f"\n## {part}\n" in page
    assert "| CIS AWS Foundations Benchmark v3.0.0 1.10 |" in page
    assert "Root users, roles and people" in page


values = st.dictionaries(st.text(max_size=5), st.integers() | st.text(max_size=9), max_size=3)


@given(values, st.data())
@settings(max_examples=50)
def test_the_digests_vouch_for_themselves(content, data):
    text = sealed_text({"schema": 1, **content})
    place = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.characters(codec="ascii").filter(lambda sign: sign != text[place]))
    assert unsealed(text) == {"schema": 1, **content}
    assert unsealed(text[:place] + other + text[place + 1 :]) is None
