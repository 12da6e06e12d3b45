"""Reads the secrets that `rollout.yaml` names: from the environment, a private file, or a service of AWS."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from rollout.errors import ChannelUnusable
from rollout.files.private_files import NotPrivate, read_private
from rollout.notify.secret import Secret
from rollout.settings import SecretPlace

if TYPE_CHECKING:
    from rollout.awsapi.retries import Retries
    from rollout.awsapi.sessions import Connection

_MOST_BYTES = 64 * 1024


def secret_at(place: SecretPlace, connection: Connection, retries: Retries) -> Secret:
    """Read a secret; line breaks at its end are not part of it. Raises ChannelUnusable, which does not have it."""
    match place.kind:
        case "env":
            text = os.environ.get(place.name, "")
        case "file":
            text = _in_file(Path(place.name))
        case _:
            from rollout.aws.connect.kept_secrets import kept_secret

            text = kept_secret(connection, retries, place.kind, place.name)
    text = text.rstrip("\r\n")
    if not text or not text.isprintable():
        why = "is empty" if not text else "has characters that no secret has"
        raise ChannelUnusable(f"the secret {place} {why}", cure="set it, for this command")
    return Secret(text)


def _in_file(path: Path) -> str:
    try:
        return read_private(path, _MOST_BYTES).decode()
    except NotPrivate as problem:
        raise ChannelUnusable(f"the secret file {path} {problem.why}", cure=problem.cure) from problem
    except UnicodeDecodeError:
        raise ChannelUnusable(f"the secret file {path} is no text", cure="correct its path") from None
