"""A proof's record is a file that people and other tools can read; the journal has its digest."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from rollout.domain.proof.comparing import Agreement, Answered
from rollout.domain.proof.proof_record import ProofRecord
from rollout.errors import RecordAltered
from rollout.files.private_files import FolderStore
from rollout.store.proof_files import StoredProofs
from tests.builders import ACCOUNT, NOW, OPERATOR, ORGANIZATION

ANSWER = Answered(
    "reads without MFA",
    "s3:ListBuckets, access key, no MFA",
    "no-device by group",
    "access key, no MFA",
    "s3:ListBuckets",
    "nothing but enrolling is allowed without MFA",
    "denied",
    "DenyAllExceptListedIfNoMFA in ForceMFA",
    "denied",
    Agreement.AGREED,
    code="AccessDenied",
    request_id="request-1",
    seconds=1.5,
)
RECORD = ProofRecord(
    "k3f9xy", NOW, ORGANIZATION, "aws", ACCOUNT, "payments", OPERATOR, "sha256:policy", "1.0.0", (ANSWER,)
)


def test_it_is_read_as_it_was_written(tmp_path: Path):
    proofs = StoredProofs(FolderStore(tmp_path))
    name, digest = proofs.save(RECORD)
    assert f"proofs/{NOW:%Y-%m-%d}-k3f9xy.json" == name
    assert "request-1" == json.loads((tmp_path / name).read_text())["answers"][0]["request_id"]
    assert RECORD == proofs.load(name, digest)


@pytest.mark.parametrize(
    "change", [lambda text: text.replace("denied", "agreed"), lambda _: "", lambda _: "{}"]
)
def test_one_that_was_altered_is_refused(tmp_path: Path, change):
    proofs = StoredProofs(FolderStore(tmp_path))
    name, digest = proofs.save(RECORD)
    (tmp_path / name).write_text(change((tmp_path / name).read_text()))
    with pytest.raises(RecordAltered, match="is not what the journal says was written"):
        proofs.load(name, digest)


def test_one_that_is_gone_is_refused(tmp_path: Path):
    with pytest.raises(RecordAltered, match="cannot be read"):
        StoredProofs(FolderStore(tmp_path)).load("proofs/x.json", "0" * 64)
