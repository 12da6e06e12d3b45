"""Holds what the doctor read of the store: its record, its key, and how it is protected."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rollout.domain.diagnosis.facts import NoAnswer
from rollout.domain.policy.made import Made


@dataclass(frozen=True, slots=True)
class RecordFacts:
    """The journal, the newest plan and the markers. `doubts`: what of them cannot be trusted, each with its cure."""

    runs: int = 0
    doubts: tuple[NoAnswer, ...] = ()
    altered: bool = False


@dataclass(frozen=True, slots=True)
class KeyFacts:
    """The store's key, and why it cannot be used, if so."""

    name: str
    unusable: NoAnswer | None = None


@dataclass(frozen=True, slots=True)
class FolderFacts:
    """A store in a folder. `open_to_others`: the first of its folders that other users of the machine may write to."""

    open_to_others: str = ""


@dataclass(frozen=True, slots=True)
class ObjectLock:
    """The retention that new objects get by default; `mode` is empty without one."""

    mode: str = ""
    span: str = ""


@dataclass(frozen=True, slots=True)
class BucketFacts:
    """A store in a bucket, each fact or why it is unknown.

    `owned`: whether it belongs to account `owner`. `versioning` is S3's word for it, empty where it never was enabled.
    `lock` is None where Object Lock is not enabled. `open_blocks`: the settings of Block Public Access that are off.
    `policy` is the bucket policy; None where there is none.
    """

    owner: str
    owned: bool | NoAnswer
    versioning: str | NoAnswer
    lock: ObjectLock | NoAnswer | None
    open_blocks: tuple[str, ...] | NoAnswer
    encryption: str | NoAnswer
    public: bool | NoAnswer
    policy: Mapping[str, Any] | NoAnswer | None


@dataclass(frozen=True, slots=True)
class StoreFacts:
    """Everything about the store at `place`. `key` is None where rollout.yaml names none.

    `made` is what the journal says that this tool made, by account; None where it cannot be trusted.
    """

    place: str
    record: RecordFacts | NoAnswer
    protection: FolderFacts | BucketFacts | NoAnswer
    key: KeyFacts | None = None
    made: Mapping[str, Made] | None = None


@dataclass(frozen=True, slots=True)
class PolicyWriters:
    """Whom a bucket policy lets write or delete, as it names them. `conditional`: some under conditions.

    `everybody`: anybody at all, without any condition.
    """

    principals: tuple[str, ...] = ()
    conditional: bool = False
    everybody: bool = False
