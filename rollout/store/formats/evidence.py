"""Reads and writes a plan's evidence file: one line per account and per user, with the facts behind each verdict.

See design.md#plan-file.

The file is gzipped JSON lines, written reproducibly. It holds everything about the plan that the YAML file does not, in
the same order, so that both are read in step, one account at a time. After an account's line come its matrices, a line
each, then its users. Each account is a gzip member of its own, so that it can be read without the others. Evidence of
earlier versions is a single member, and has the matrices in the account's line.
"""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from hashlib import sha256
from typing import Any, BinaryIO, Protocol

from pydantic import TypeAdapter, ValidationError

from rollout.domain.plan.entries import AccountPlan, PlanEntry
from rollout.domain.verdicts.verdict import MatrixRow
from rollout.errors import PlanRefused
from rollout.files.bounded_files import (
    GIB,
    MIB,
    BadZip,
    BeyondLimit,
    BoundedStream,
    Bytes,
    Limits,
    parse_json,
    size_text,
    unzipped,
)
from rollout.store.formats.mappings import ANY_MAPPING
from rollout.store.formats.plan_yaml import CHUNK, PLAN_AGAIN, AccountPart, Located, PlanGroup

_ENTRY = TypeAdapter(PlanEntry)
_ACCOUNT = TypeAdapter(AccountPlan)
_MATRIX = TypeAdapter(tuple[MatrixRow, ...])
LIMITS = Limits(total=16 * GIB, line=4 * MIB)
"""A user takes 3 KB of evidence, and an account with 5,000 members of our group 150 KB in its line."""
MOST_OF_AN_ACCOUNT = 48 * MIB
"""Bytes; 5,000 users, each with permissions of their own, take 44 MB."""
# The fields of a user and of an account in the YAML file; all others, including new ones, are evidence.
_USER_FIELDS_IN_PLAN = {"verdict", "wave", "impact", "attachment"}
_ACCOUNT_FIELDS_ELSEWHERE = {"name", "ou", "entries", "matrices"}
# The account ID is on the account's line, not on each user's.
_LEFT_OUT: Any = {**dict.fromkeys(_USER_FIELDS_IN_PLAN, True), "user": {"account_id"}}


class EvidenceWriter:
    """Writes evidence to a stream. `digest` covers the lines, not the file: zlib versions compress differently."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._digest = sha256()

    @property
    def digest(self) -> str:
        """The digest of the lines written so far, as `sha256:<hex>`."""
        return f"sha256:{self._digest.hexdigest()}"

    def write_account(self, account: AccountPlan) -> str:
        """Write an account's line and its users' lines; the users must be sorted by name. Return their digest."""
        head = _ACCOUNT.dump_json(
            account, exclude=_ACCOUNT_FIELDS_ELSEWHERE, exclude_defaults=True, **ANY_MAPPING
        )
        counts = len(account.matrices), len(account.entries)
        lines = [head[:-1] + b',"matrices":%d,"users":%d}' % counts]
        lines += [_MATRIX.dump_json(matrix) for matrix in account.matrices]
        dump = partial(_ENTRY.dump_json, exclude=_LEFT_OUT, exclude_defaults=True, **ANY_MAPPING)
        lines += [dump(entry) for entry in account.entries]
        chunk = b"\n".join(lines) + b"\n"
        self._digest.update(chunk)
        # No time and no file name in the gzip header, so that equal facts give equal bytes.
        with gzip.GzipFile(filename="", mode="wb", fileobj=self._stream, mtime=0, compresslevel=6) as packed:
            packed.write(chunk)
        return f"sha256:{sha256(chunk).hexdigest()}"


def verify(stream: BoundedStream, digest: str, where: str) -> None:
    """Verify the evidence against the digest in the plan's header, in constant memory.

    Raises PlanRefused, BeyondLimit.
    """
    found = sha256()
    with unpacked(stream, where) as lines:
        while chunk := lines.read(CHUNK):
            found.update(chunk)
    if digest != f"sha256:{found.hexdigest()}":
        raise _altered(where)


def read_one(located: Located, stream: BoundedStream, digest: str, where: str) -> AccountPlan:
    """Join an account's document with its evidence, which begins where the stream stands.

    Raises PlanRefused where the evidence does not have the digest, or the two disagree.
    """
    with unpacked(stream, where) as lines:
        seen = _Digested(lines)
        part = EvidenceReader(seen, where).join(located)
    if seen.digest != digest:
        raise _altered(where)
    return part


class _Lines(Protocol):
    """What evidence is read from, a line at a time."""

    def readline(self) -> bytes:
        """Read a line with its line feed; empty at the end."""


class _Digested:
    """Digests the lines that are read."""

    def __init__(self, lines: BoundedStream) -> None:
        self._lines, self._found = lines, sha256()

    @property
    def digest(self) -> str:
        return f"sha256:{self._found.hexdigest()}"

    def readline(self) -> bytes:
        line = self._lines.readline()
        self._found.update(line)
        return line


class EvidenceReader:
    """Joins account documents with their evidence, reading both in step."""

    def __init__(self, lines: _Lines, where: str) -> None:
        self._lines = lines
        self._where = where
        self._room = 0

    def join(self, located: Located) -> AccountPlan:
        """Combine the account's document with its evidence. Raises PlanRefused when the two files disagree."""
        try:
            return self._whole(located.part)
        except BeyondLimit:
            raise
        except (_Mismatch, KeyError, TypeError, ValueError) as problem:  # ValidationError is a ValueError
            raise PlanRefused(
                f"{self._where} does not match line {located.line} of its plan: {_short(problem)}",
                cure=PLAN_AGAIN,
            ) from problem

    def finish(self) -> None:
        """Check that no evidence is left over. Raises PlanRefused."""
        if self._lines.readline():
            raise PlanRefused(f"{self._where} has accounts that are missing from its plan", cure=PLAN_AGAIN)

    def _whole(self, part: AccountPart) -> AccountPlan:
        self._room = MOST_OF_AN_ACCOUNT
        head = self._object()
        count, matrices = head.pop("users"), head.get("matrices", 0)
        if head["account_id"] != part.account:
            raise _Mismatch(f'account "{part.account}" has no evidence')
        if isinstance(matrices, int):
            head["matrices"] = [self._next() for _ in range(matrices)]
        groups = _groups(part)
        entries = []
        for _ in range(count):
            evidence = self._object()
            name = evidence["user"]["name"]
            group = groups.pop(name, None)
            if group is None:
                raise _Mismatch(f'user "{name}" is not in the plan')
            entries.append(_entry(part.account, group, evidence, name))
        if groups:
            raise _Mismatch(f'user "{next(iter(groups))}" has no evidence')
        entries.sort(key=lambda entry: entry.user.name)
        said = {"name": part.name, "ou": part.ou, "entries": tuple(entries)}
        return _ACCOUNT.validate_python(head | said)

    def _object(self) -> dict[str, Any]:
        found = self._next()
        if not isinstance(found, dict):
            raise _Mismatch("a line of it is no JSON object")
        return found

    def _next(self) -> Any:
        line = self._lines.readline()
        if not line:
            raise _Mismatch("it ends before the plan does")
        self._room -= len(line)
        if self._room < 0:
            raise BeyondLimit(
                f"{self._where} has more than {size_text(MOST_OF_AN_ACCOUNT)} about one account"
            )
        return parse_json(line)


def _groups(part: AccountPart) -> dict[str, PlanGroup]:
    groups: dict[str, PlanGroup] = {}
    for group in part.users:
        for name in group.names:
            if name in groups:
                raise _Mismatch(f'user "{name}" is in the plan twice')
            groups[name] = group
    return groups


def _entry(account_id: str, group: PlanGroup, evidence: dict[str, Any], name: str) -> PlanEntry:
    evidence["user"]["account_id"] = account_id
    evidence |= {"verdict": group.verdict, "wave": group.wave, "impact": group.impact}
    evidence["attachment"] = group.via
    if group.cure is not None:
        evidence["cure"] = group.cure
    entry = _ENTRY.validate_python(evidence)
    if entry.because != group.because:
        raise _Mismatch(f'the reasons of user "{name}" differ from those in the plan')
    return entry


@contextmanager
def unpacked(stream: Bytes, where: str) -> Iterator[BoundedStream]:
    """Open the lines of an evidence file. Raises BeyondLimit; PlanRefused when it is not complete, valid gzip."""
    try:
        with unzipped(stream, where, LIMITS) as lines:
            yield lines
    except BadZip as problem:
        raise PlanRefused(f"{where} was altered or truncated: {problem}", cure=PLAN_AGAIN) from problem


def _short(problem: Exception) -> str:
    if isinstance(problem, ValidationError):
        first = problem.errors(include_url=False, include_context=False)[0]
        return f"{'.'.join(str(step) for step in first['loc'])}: {first['msg']}"
    return f"{problem} is missing" if isinstance(problem, KeyError) else str(problem)


def _altered(where: str) -> PlanRefused:
    return PlanRefused(
        f"{where} was altered: it is not the evidence that the plan was written with", cure=PLAN_AGAIN
    )


class _Mismatch(Exception):
    """The plan file and the evidence are not about the same users."""
