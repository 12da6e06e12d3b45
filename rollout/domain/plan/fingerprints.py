"""Digests facts, so that comparing two short texts shows whether a relevant fact has changed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from rollout.domain.iam import normalise_document
from rollout.domain.people.users import NamedPolicy, User


def digest(value: object) -> str:
    """Digest a JSON-serialisable value: `sha256:` and 64 hex digits; the order of keys does not matter."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str)
    return f"sha256:{sha256(text.encode()).hexdigest()}"


def policy_digest(document: Mapping[str, Any]) -> str:
    """Digest a policy document by meaning: order, single values or lists, and case of actions do not matter."""
    return digest(normalise_document(document))


def fingerprint(user: User) -> str:
    """Digest the facts behind a verdict. Times of last use are left out: they keep changing and decide nothing."""
    password = user.password
    facts: dict[str, object] = {
        "id": user.id,
        "path": user.path,
        "password": None
        if password is None
        else {
            "used": password.last_used is not None,
            "changed": password.last_changed,
            "expires": password.next_rotation,
            "reset": password.reset_required,
        },
        "mfa": user.has_device,
        "devices": sorted(device.serial for device in user.devices or ()),
        "keys": sorted([key.slot, key.active, str(key.created)] for key in user.keys),
        "service_credentials": sorted([each.service, each.active] for each in user.service_credentials),
        "groups": sorted(user.groups),
        "attached": sorted(user.attached),
        "inline": sorted(_policy(policy) for policy in user.inline),
        "boundary": user.boundary_arn,
        "tags": dict(user.tags),
        "unread": sorted(unread.fact for unread in user.unread),
    }
    # Plans of earlier versions have no digest of these; without any, it stays the same.
    if user.certificates or user.ssh_keys:
        facts["certificates"], facts["ssh_keys"] = user.certificates, user.ssh_keys or 0
    return digest(facts)


def _policy(policy: NamedPolicy) -> str:
    document = policy.document
    return f"{policy.name} {document if isinstance(document, str) else policy_digest(document)}"
