"""Parses where the store is, a local folder or `s3://bucket/prefix`, and what key seals it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

from rollout.settings.fields import KMS_KEY, local_folder, shown

LONGEST_PREFIX = 512
SCHEME = "s3://"
KEY_FILE = "file:"

_BUCKET = re.compile(r"[a-z0-9](?:[a-z0-9-]|\.(?!\.)){1,61}[a-z0-9]")
_ADDRESS = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}")
_STEP = re.compile(r"(?!\.{1,2}$)[A-Za-z0-9._=-]+")


@dataclass(frozen=True, slots=True)
class BucketPlace:
    """A bucket, and the prefix of the store's object keys in it, without a slash at either end."""

    bucket: str
    prefix: str = ""

    def __str__(self) -> str:
        return f"{SCHEME}{self.bucket}/{self.prefix}".rstrip("/")


def store_place(value: object) -> Path | BucketPlace:
    """Parse the place of a store. Raises ValueError that says what is wrong."""
    if isinstance(value, BucketPlace):
        return value
    if not isinstance(value, str) or not re.match("s3:", value.strip(), re.ASCII | re.IGNORECASE):
        return local_folder(value, "a folder or s3://bucket/prefix")
    if not value.startswith(SCHEME):
        raise ValueError(f"{shown(value)} is neither a folder nor s3://bucket/prefix in lower case")
    bucket, _, prefix = value.removeprefix(SCHEME).partition("/")
    return BucketPlace(_bucket(bucket), _prefix(prefix))


def _bucket(name: str) -> str:
    if not _BUCKET.fullmatch(name) or _ADDRESS.fullmatch(name):
        raise ValueError(
            f"{shown(name)} is not a valid bucket name: 3 to 63 lower-case letters, digits, dots and dashes"
        )
    if name.endswith("--x-s3"):
        raise ValueError(f"{shown(name)} is a directory bucket; use a general purpose bucket")
    return name


def _prefix(text: str) -> str:
    prefix = text.removesuffix("/")
    if text and not all(_STEP.fullmatch(step) for step in prefix.split("/")):
        raise ValueError(
            f"{shown(text)} is not a valid prefix: use letters, digits and any of -_.= between single slashes"
        )
    if len(prefix) > LONGEST_PREFIX:
        raise ValueError(f"the prefix has {len(prefix)} characters; at most {LONGEST_PREFIX} are allowed")
    return prefix


@dataclass(frozen=True, slots=True)
class KeyFilePlace:
    """A file that holds the key."""

    path: Path

    def __str__(self) -> str:
        return f"{KEY_FILE}{self.path}"


@dataclass(frozen=True, slots=True)
class KmsKeyName:
    """A key of AWS KMS: its ID, its ARN, or `alias/name`."""

    key: str

    @property
    def region(self) -> str:
        """The Region in its ARN; empty without one."""
        return self.key.split(":")[3] if self.key.startswith("arn:") else ""

    def __str__(self) -> str:
        return self.key


def key_place(value: object) -> KeyFilePlace | KmsKeyName:
    """Parse what key seals the store. Raises ValueError that says what is wrong."""
    if isinstance(value, KeyFilePlace | KmsKeyName):
        return value
    if not isinstance(value, str):
        raise ValueError(f"{shown(value)} is not a key; write alias/name or file:PATH")  # noqa: TRY004 - pydantic only reports a ValueError
    if value.startswith(KEY_FILE):
        return KeyFilePlace(local_folder(value.removeprefix(KEY_FILE), "a path"))
    if not re.fullmatch(KMS_KEY, value, re.ASCII):
        raise ValueError(f"{shown(value)} is neither file:PATH nor a KMS key: its ID, its ARN, or alias/name")
    return KmsKeyName(value)


@dataclass(frozen=True, slots=True)
class SecretPlace:
    """Where a secret is: `kind` is `env`, `file`, `secretsmanager` or `ssm`, and `name` its name there."""

    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind}:{self.name}"

    def below(self, folder: Path) -> SecretPlace:
        """Return the place of a file by its whole path; anything else as it is."""
        return SecretPlace(self.kind, str(folder / self.name)) if self.kind == "file" else self


_SECRET_NAME = {"env": r"[A-Za-z_][A-Za-z0-9_]*", "secretsmanager": r"[\w/+=.@:-]+", "ssm": r"[\w/.:-]+"}


def secret_place(value: object) -> SecretPlace:
    """Parse where a secret is. Raises ValueError, which never repeats the value: it may be the secret itself."""
    if isinstance(value, SecretPlace):
        return value
    kind, _, name = value.partition(":") if isinstance(value, str) else ("", "", "")
    if kind == "file" and name:
        return SecretPlace(kind, str(local_folder(name, "a path")))
    if kind not in _SECRET_NAME or not re.fullmatch(_SECRET_NAME[kind], name, re.ASCII):
        raise ValueError(
            "a secret does not belong here: say where it is, by env:NAME, file:PATH, secretsmanager:NAME or ssm:NAME"
        )
    return SecretPlace(kind, name)


SecretPlaceSetting = Annotated[
    SecretPlace,
    BeforeValidator(secret_place),
    PlainSerializer(str, when_used="json"),
    WithJsonSchema({"type": "string", "minLength": 1, "examples": ["env:SMTP_PASSWORD", "file:~/.smtp"]}),
]
StoreKeyPlace = Annotated[
    KeyFilePlace | KmsKeyName,
    BeforeValidator(key_place),
    PlainSerializer(str, when_used="json"),
    WithJsonSchema({"type": "string", "minLength": 1, "examples": ["alias/rollout", "file:~/rollout.key"]}),
]
StorePlace = Annotated[
    Path | BucketPlace,
    BeforeValidator(store_place),
    PlainSerializer(str, when_used="json"),
    WithJsonSchema({"type": "string", "minLength": 1, "examples": [".", "s3://bucket/prefix"]}),
]
