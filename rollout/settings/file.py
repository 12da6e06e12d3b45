"""Reads `rollout.yaml`, with a clear error for everything else that may be at that path."""

from __future__ import annotations

import stat
from pathlib import Path

from rollout.errors import BadSettings
from rollout.files.bounded_files import MIB, BeyondLimit, BoundedStream, Limits
from rollout.settings.problems import Problem, Source, Spot
from rollout.settings.reading import ParsedSource, read_yaml

LIMITS = Limits(total=8 * MIB, line=8 * MIB)


def read_file(path: Path, source: Source) -> ParsedSource:
    """Read the file. An empty file sets no keys; anything but a mapping is a problem. Raises BadSettings."""
    raw = _bytes(path, source)
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        return ParsedSource(problems=[Problem(Spot(source, line), (), "not UTF-8; save the file in UTF-8")])
    reading = read_yaml(text, source)
    if reading.value is None:
        reading.value = {}
    elif not isinstance(reading.value, dict):
        kind = "a list" if isinstance(reading.value, list) else "a single value"
        spot = reading.spots[()]
        reading.problems.append(
            Problem(spot, (), f"must be a mapping of keys (`waves:` and so on), not {kind}")
        )
    return reading


def _bytes(path: Path, source: Source) -> bytes:
    try:
        mode = path.stat().st_mode
        if not stat.S_ISREG(mode):
            what = "is a folder" if stat.S_ISDIR(mode) else "is not a regular file"
            raise BadSettings(f"{source.name}: {what}", cure="name a YAML file")
        with path.open("rb") as file:
            return BoundedStream(file, source.name, LIMITS).read()
    except OSError as error:
        reason = error.strerror or str(error)
        raise BadSettings(f"{source.name}: cannot be read: {reason}", cure="check its permissions") from None
    except BeyondLimit as beyond:
        cure = "this is probably not a settings file; name another file"
        raise BadSettings(str(beyond), cure=cure) from None
