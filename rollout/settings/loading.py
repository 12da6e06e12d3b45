"""Merges flags, environment, file and defaults, in this precedence, and remembers where each value came from."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from rollout.domain.progress.channels import folder_keys, secret_keys
from rollout.errors import BadSettings
from rollout.settings.checks import Remark, contradictions, warnings
from rollout.settings.environment import CONFIG, read_environment
from rollout.settings.file import read_file
from rollout.settings.keys import known_keys
from rollout.settings.loaded import Settings
from rollout.settings.models import Finder, RolloutFile
from rollout.settings.places import BucketPlace, KeyFilePlace
from rollout.settings.problems import Key, Problem, Source, Spot, refuse
from rollout.settings.reading import ParsedSource
from rollout.settings.sentences import key_of, sentence_of

FILE_NAME = "rollout.yaml"
# Beyond this many wrong values none is named, for to name one takes 2.5 KB.
_MOST_PROBLEMS = 5_000


def load_settings(
    config: Path | None,
    environment: Mapping[str, str],
    working_folder: Path,
    flags: Mapping[str, object] | None = None,
) -> Settings:
    """Load the settings. Raises BadSettings with one line per problem.

    The file is `config`, else `ROLLOUT_CONFIG`, else `rollout.yaml` in the working folder, else none. Flags are named
    by their dotted key (`engine.max_accounts`); a flag that is None counts as not given. Paths in the file, and
    defaults, are relative to the file's folder; all others are relative to the working folder.
    """
    path = _find(config, environment, working_folder)
    base = Source(f"no {FILE_NAME}", working_folder)
    merged = _Merged(Spot(base))
    if path is not None:
        base = Source(_display(path, working_folder), path.parent)
        merged = _Merged(Spot(base))
        merged.lay(read_file(path, base))
        refuse(problem for problem in merged.problems if not problem.key)
    for reading in read_environment(environment, working_folder):
        merged.lay(reading)
    for reading in _read_flags(flags or {}, working_folder):
        merged.lay(reading)
    return _loaded(_validate(merged), merged, path, warnings)


def load_what_can_be_read(
    config: Path | None, environment: Mapping[str, str], working_folder: Path
) -> Settings:
    """Load the settings as `load_settings` does, and go by the default of each one that cannot be read.

    For commands that let people out, and for no others. `Settings.warnings` has a line for everything that is wrong.
    """
    try:
        return load_settings(config, environment, working_folder)
    except BadSettings as refused:
        wrong = str(refused)
    path: Path | None = None
    base = Source(f"no {FILE_NAME}", working_folder)
    merged = _Merged(Spot(base))
    read = False
    with suppress(BadSettings):
        path = _find(config, environment, working_folder)
        if path is not None:
            base = Source(_display(path, working_folder), path.parent)
            merged = _Merged(Spot(base))
            merged.lay(read_file(path, base))
            read = not any(problem.key[:1] in ((), ("store",)) for problem in merged.problems)
        else:
            read = True
    for reading in read_environment(environment, working_folder):
        merged.lay(reading)
    _drop_empty(merged)
    named = "store" in merged.values
    kept = _drop_what_is_wrong(merged)
    return _loaded(kept, merged, path, lambda _: ()).model_copy(
        update={
            "warnings": (f"the settings that cannot be read are left at their defaults: {wrong}",),
            "store_unread": "store" not in merged.values and (named or not read),
        }
    )


def _drop_what_is_wrong(merged: _Merged) -> RolloutFile:
    """Take out value after value until the rest can be read."""
    while True:
        try:
            return RolloutFile.model_validate(merged.values)
        except ValidationError as error:
            if error.error_count() > _MOST_PROBLEMS:
                merged.values.clear()
                continue
            for key in {key_of(detail) for detail in error.errors(include_url=False)}:
                holder: Any = merged.values
                for name in key[:-1]:
                    holder = holder.get(name) if isinstance(holder, dict) else None
                if isinstance(holder, dict) and key[-1:] and key[-1] in holder:
                    del holder[key[-1]]
                elif key[:1] and key[0] in merged.values:
                    del merged.values[str(key[0])]
                else:
                    merged.values.clear()


def _loaded(
    settings: RolloutFile,
    merged: _Merged,
    path: Path | None,
    remarks: Callable[[RolloutFile], Iterable[Remark]],
) -> Settings:
    return Settings.model_validate(
        {name: getattr(settings, name) for name in RolloutFile.model_fields}
        | {
            "store": settings.store
            if isinstance(settings.store, BucketPlace)
            else merged.folder(("store",)) / settings.store,
            "store_key": KeyFilePlace(merged.folder(("store_key",)) / settings.store_key.path)
            if isinstance(settings.store_key, KeyFilePlace)
            else settings.store_key,
            "notify": settings.notify.model_copy(
                update={"find": tuple(_found_from(finder, merged) for finder in settings.notify.find)}
                | {
                    name: merged.folder(("notify", name)) / getattr(settings.notify, name)
                    for name in (*folder_keys(), "templates")
                    if getattr(settings.notify, name) is not None
                }
                | {
                    "teams": tuple(
                        team.model_copy(update={"chat": team.chat.below(merged.folder(("notify", "teams")))})
                        if team.chat
                        else team
                        for team in settings.notify.teams
                    )
                }
                | {
                    name: place.below(merged.folder(("notify", name)))
                    for name in secret_keys()
                    if (place := getattr(settings.notify, name)) is not None
                }
            ),
            "evidence": settings.evidence.model_copy(
                update={"import": merged.folder(("evidence", "import")) / settings.evidence.file}
                if settings.evidence.file
                else {}
            ),
            "source": path,
            "warnings": tuple(str(merged.problem(remark)) for remark in remarks(settings)),
        }
    )


def _found_from(finder: Finder, merged: _Merged) -> Finder:
    """Make the path of a file of people absolute."""
    if finder.file is None:
        return finder
    return finder.model_copy(update={"file": merged.folder(("notify", "find")) / finder.file})


class _Merged:
    """The layers merged so far: one tree of values, and for each value the place that set it."""

    def __init__(self, base: Spot) -> None:
        self.base = base
        self.values: dict[str, Any] = {}
        self.keys: dict[Key, Spot] = {}
        self.spots: dict[Key, Spot] = {}
        self.problems: list[Problem] = []

    def lay(self, reading: ParsedSource) -> None:
        """Add a layer on top: mappings are merged key by key, everything else is replaced."""
        self.problems += reading.problems
        if isinstance(reading.value, dict):
            self._cover(self.values, reading.value, ())
            self.keys |= reading.keys
            self.spots |= reading.spots

    def _cover(self, below: dict[str, Any], above: Mapping[str, Any], key: Key) -> None:
        for name, value in above.items():
            inner = (*key, name)
            if isinstance(value, dict) and isinstance(below.get(name), dict):
                self._cover(below[name], value, inner)
                continue
            for spots in (self.keys, self.spots):
                for old in [old for old in spots if old[: len(inner)] == inner]:
                    del spots[old]
            below[name] = value

    def spot(self, key: Key) -> Spot:
        """Find where a value, or its closest enclosing key, was set."""
        while key and key not in self.spots:
            key = key[:-1]
        return self.spots[key] if key else self.base

    def folder(self, key: Key) -> Path:
        """Return the folder that a relative path at this key starts from."""
        return self.spots.get(key, self.base).source.folder

    def problem(self, remark: Remark) -> Problem:
        key, sentence = remark
        return Problem(self.spot(key), key, sentence)


def _validate(merged: _Merged) -> RolloutFile:
    _drop_empty(merged)
    found: list[Problem] = []
    settings: RolloutFile | None = None
    try:
        settings = RolloutFile.model_validate(merged.values)
        found = [merged.problem(remark) for remark in contradictions(settings)]
    except ValidationError as error:
        if error.error_count() > _MOST_PROBLEMS:
            sentence = f"{error.error_count():,} values are wrong; this is probably not a settings file"
            refuse([*merged.problems, Problem(merged.base, (), sentence)])
        for detail in error.errors(include_url=False):
            key = key_of(detail)
            at_key = detail["type"] == "extra_forbidden" or detail["loc"][-1:] == ("[key]",)
            spot = merged.keys.get(key, merged.spot(key)) if at_key else merged.spot(key)
            text = merged.spots[key].text if key in merged.spots else None
            found.append(Problem(spot, key, sentence_of(detail, key, text)))
    # Report what could not be read once, and not again as a missing value.
    unread = {problem.key for problem in merged.problems}
    refuse([*merged.problems, *(problem for problem in found if problem.key not in unread)])
    if settings is None:
        raise AssertionError("a validation error always has problems to report")
    return settings


def _drop_empty(merged: _Merged) -> None:
    """Treat `exemptions:` without a value as the default."""
    for known in known_keys():
        holder: Any = merged.values
        for name in known.key[:-1]:
            holder = holder.get(name) if isinstance(holder, dict) else None
        name = known.key[-1]
        if isinstance(holder, dict) and name in holder and holder[name] is None and known.empty_means_default:
            del holder[name]


def _find(config: Path | None, environment: Mapping[str, str], folder: Path) -> Path | None:
    named = config or (Path(environment[CONFIG]) if environment.get(CONFIG, "").strip() else None)
    if named is not None:
        path = folder / named
        if not _exists(path):
            by = "--config" if config else CONFIG
            raise BadSettings(
                f"{named}: the file does not exist ({by})",
                cure=f"name another file, or write one with `rollout init`; without {by} rollout looks for {FILE_NAME}",
            )
        return path
    path = folder / FILE_NAME
    if _exists(path) or path.is_symlink():
        return path
    other = path.with_suffix(".yml")
    if _exists(other):
        raise BadSettings(
            f"{other.name}: not read, because the settings file must be called {FILE_NAME}",
            cure=f"rename it to {FILE_NAME}, or name it with --config",
        )
    return None


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:
        return True  # it may exist; reading it will tell why it cannot be read


def _display(path: Path, folder: Path) -> str:
    return str(path.relative_to(folder)) if path.is_relative_to(folder) else str(path)


def _read_flags(flags: Mapping[str, object], folder: Path) -> list[ParsedSource]:
    names = {known.name: known.key for known in known_keys()}
    readings = []
    source = Source("the command line", folder)
    for name, value in flags.items():
        if value is None:
            continue
        if name not in names:
            close = get_close_matches(name, names, n=1)
            hint = f"; did you mean {close[0]}?" if close else ""
            readings.append(
                ParsedSource(problems=[Problem(Spot(source), (), f"no setting is called {name}{hint}")])
            )
            continue
        tree: Any = value
        for part in reversed(names[name]):
            tree = {part: tree}
        readings.append(ParsedSource(value=tree, spots={names[name]: Spot(source)}))
    return readings
