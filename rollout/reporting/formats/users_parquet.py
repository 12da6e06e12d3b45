"""The users as Parquet, for tools that count."""

from __future__ import annotations

from collections.abc import Iterator
from tempfile import SpooledTemporaryFile

from rollout.reporting.formats.written_report import WrittenReport
from rollout.reporting.user_columns import USERS
from rollout.reporting.users_file import write_parquet

_IN_MEMORY = 16 << 20
_CHUNK = 1 << 16


def users_parquet(report: WrittenReport) -> Iterator[bytes]:
    """Yield the file; pyarrow is an extra."""
    with SpooledTemporaryFile(max_size=_IN_MEMORY) as stream:
        write_parquet(stream, USERS, report.data.users)  # type: ignore[arg-type]  # it is one in all that is asked of it
        stream.seek(0)
        while chunk := stream.read(_CHUNK):
            yield chunk
