"""Keeps the records of proofs: `proofs/<date>-<id>.json`. The journal has the digest of each, and is what is sealed."""

from __future__ import annotations

from hashlib import sha256

from pydantic import TypeAdapter, ValidationError

from rollout.domain.proof.proof_record import ProofRecord
from rollout.errors import RecordAltered
from rollout.files.bounded_files import MIB, BeyondLimit, BoundedStream, Limits
from rollout.store.files import NamedFiles

FOLDER = "proofs"
_LIMITS = Limits(16 * MIB, 16 * MIB)
_RECORD = TypeAdapter(ProofRecord)


class StoredProofs:
    """Implements `ProofStore` with one file for each proof, in a folder or a bucket."""

    def __init__(self, files: NamedFiles) -> None:
        """Read nothing yet."""
        self._files = files

    def save(self, record: ProofRecord) -> tuple[str, str]:
        """Write the record; return its name in the store, and the SHA-256 of its bytes. Raises Unwritable."""
        name, content = f"{FOLDER}/{record.stem}.json", _RECORD.dump_json(record, indent=2) + b"\n"
        with self._files.writing(name) as stream:
            stream.write(content)
        return name, sha256(content).hexdigest()

    def load(self, name: str, digest: str) -> ProofRecord:
        """Read the record that the journal names. Raises RecordAltered where it is not what was written."""
        where, cure = self._files.where(name), "restore it from a copy, or prove again: rollout prove"
        try:
            with self._files.reading(name) as stream:
                content = BoundedStream(stream, where, _LIMITS).read()
            if sha256(content).hexdigest() == digest:
                return _RECORD.validate_json(content)
        except (OSError, BeyondLimit, ValidationError) as problem:
            raise RecordAltered(f"{where} cannot be read: {problem}", cure=cure) from problem
        raise RecordAltered(f"{where} is not what the journal says was written", cure=cure)

    def where(self, name: str) -> str:
        """Return the file's path or address, for messages."""
        return self._files.where(name)
