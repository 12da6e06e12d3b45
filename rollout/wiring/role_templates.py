"""Writes templates for the roles that `rollout` needs, from the settings."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import PurePosixPath

from rollout.aws.roles import cloudformation, terraform
from rollout.aws.roles.parts import READER_ROLE, WRITER_ROLE, RolesWanted, parts
from rollout.errors import WrongUsage
from rollout.settings import Settings
from rollout.settings.places import BucketPlace, KmsKeyName
from rollout.wiring.decision_rules import documents_for

__all__ = ["READER_ROLE", "WRITER_ROLE", "role_templates"]

_CALLER = re.compile(r"arn:(aws[a-z-]*):iam::\d{12}:(role|user)/[\w+=,.@/-]{1,512}\*?", re.ASCII)
_SESSION = re.compile(r"arn:(aws[a-z-]*):sts::(\d{12}):assumed-role/([\w+=,.@-]+)/.*", re.ASCII)
_USER_ARN = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:user/")


def role_templates(
    settings: Settings,
    language: str,
    writers: Iterable[str],
    readers: Iterable[str],
    *,
    mfa: bool = False,
    proof: bool = False,
) -> Mapping[PurePosixPath, str]:
    """Return each file's path below the folder, and its text; `language` is `cloudformation` or `terraform`.

    With a hop role in the settings, the roles trust that role, and the callers are those who may assume it. Raises
    WrongUsage for a caller that is no role or user.
    """
    access, store = settings.access, settings.store
    writers = (access.hop_role,) if access.hop_role else tuple(_caller(one) for one in writers)
    readers = () if access.hop_role else tuple(_caller(one) for one in readers)
    if not writers:
        raise WrongUsage(
            "nobody may assume the roles",
            cure="name the role of whoever runs rollout with --caller, for example "
            "--caller arn:aws:iam::111122223333:role/Rollout",
        )
    partition = writers[0].split(":")[1]
    full = documents_for(settings, partition).full
    external_ids = [access.external_id, *(one.external_id for one in access.overrides.values())]
    external_ids += [one.external_id for one in access.ou_overrides.values()]
    wanted = RolesWanted(
        writers,
        readers,
        settings.organization,
        external_id=any(external_ids),
        source_identity=access.source_identity is not None,
        session_tags=bool(access.session_tags),
        mfa=mfa,
        trail=settings.evidence.cloudtrail == "lookup",
        proof=proof,
        telling=frozenset(_telling(settings)),
        telling_roles=tuple(_telling_roles(settings)),
        bucket=(store.bucket, store.prefix) if isinstance(store, BucketPlace) else None,
        bucket_key=settings.bucket.kms_key,
        sealing_key=settings.store_key.key if isinstance(settings.store_key, KmsKeyName) else None,
        spared=tuple(user for user in settings.rules.break_glass if _USER_ARN.match(user)),
        deny=next(one for one in full["Statement"] if one["Effect"] == "Deny"),
    )
    if language == "cloudformation":
        return {PurePosixPath(f"{part.stem}.yaml"): cloudformation.template(part) for part in parts(wanted)}
    return {PurePosixPath(part.stem) / "main.tf": terraform.module(part) for part in parts(wanted)}


def _telling(settings: Settings) -> Iterator[str]:
    """Yield the services that finding and telling people calls with the caller's own credentials."""
    notify, keys = settings.notify, settings.notify.model_dump(mode="json")
    if notify.channel == "ses" and not keys["ses_role"]:
        yield from ("sesv2", "sqs") if keys["ses_events"] else ("sesv2",)
    if notify.channel == "sns" and not keys["sns_role"]:
        yield "sns"
    if any(way.identity_center for way in notify.find):
        yield from ("sso-admin", "identitystore")
    texts = [value for value in keys.values() if isinstance(value, str)]
    yield from (
        kind for kind in ("secretsmanager", "ssm") if any(text.startswith(f"{kind}:") for text in texts)
    )


def _telling_roles(settings: Settings) -> Iterator[str]:
    keys = settings.notify.model_dump(mode="json")
    yield from (keys[key] for key in ("ses_role", "sns_role") if keys[key])


def _caller(arn: str) -> str:
    if _CALLER.fullmatch(arn):
        return arn
    if session := _SESSION.fullmatch(arn):
        partition, account, role = session.groups()
        cure = f"name its role: arn:{partition}:iam::{account}:role/{role}, with its path if it has one"
        raise WrongUsage(f"{arn} is a session", cure=cure)
    raise WrongUsage(
        f"{arn} is not the ARN of a role or a user",
        cure="write it as arn:aws:iam::111122223333:role/Rollout; its end may be *",
    )
