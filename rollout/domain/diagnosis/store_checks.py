"""Checks the store: its key, its record, and who else could change what is in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

from rollout.domain.diagnosis.check import Check, CheckAnswer, failure, ok, shortly, warning
from rollout.domain.diagnosis.facts import NoAnswer
from rollout.domain.diagnosis.store_facts import BucketFacts, FolderFacts, PolicyWriters, StoreFacts

_WRITES = ("s3:putobject", "s3:deleteobject", "s3:deleteobjectversion", "s3:putbucketpolicy")
NO_KEY = "whoever can write there can have people enforced"


def _key(facts: StoreFacts) -> Iterator[CheckAnswer]:
    key = facts.key
    if key is not None and key.unusable is not None:
        yield failure(key.unusable.why, key.unusable.cure)
    elif key is not None:
        yield ok(f"{key.name}, usable")
    elif isinstance(facts.protection, FolderFacts):
        yield ok(f"none: {NO_KEY}; the store is a folder")
    else:
        yield warning(f"none: {NO_KEY}", "set store_key to an HMAC key of KMS, then run `rollout seal`")


def _record(facts: StoreFacts) -> Iterator[CheckAnswer]:
    record = facts.record
    if isinstance(record, NoAnswer):
        yield failure(f"cannot be read: {record.why}", record.cure)
        return
    for doubt in record.doubts:
        yield failure(doubt.why, doubt.cure)
    if not record.doubts:
        sealed = "whole, and sealed" if facts.key else "whole, as far as checksums tell"
        yield ok(f"{record.runs} runs, {sealed}")


def _folder(facts: StoreFacts) -> Iterator[CheckAnswer]:
    if not isinstance(facts.protection, FolderFacts):
        return
    if path := facts.protection.open_to_others:
        yield warning(f"other users of this machine may write to {path}", f"chmod go-w {path}")
    else:
        yield ok("only you may write there")


def _bucket(facts: StoreFacts) -> BucketFacts | None:
    """Return what is known of the bucket; None for a folder, and for a bucket of somebody else's."""
    found = facts.protection
    return found if isinstance(found, BucketFacts) and found.owned is not False else None


def _unknown(answer: NoAnswer) -> CheckAnswer:
    return warning(f"unknown: {answer.why}", answer.cure)


def _owner(facts: StoreFacts) -> Iterator[CheckAnswer]:
    if isinstance(facts.protection, NoAnswer):
        yield failure(facts.protection.why, facts.protection.cure)
    if not isinstance(facts.protection, BucketFacts):
        return
    bucket = facts.protection
    match bucket.owned:
        case NoAnswer() as answer:
            yield _unknown(answer)
        case True:
            yield ok(f"account {bucket.owner}")
        case False:
            yield failure(
                f"the bucket does not belong to account {bucket.owner}, so it is not used",
                "name another bucket in store; if it is yours in another account, set bucket.owner to that one",
            )


def _versioning(facts: StoreFacts) -> Iterator[CheckAnswer]:
    bucket = _bucket(facts)
    if bucket is None:
        return
    match bucket.versioning:
        case NoAnswer() as answer:
            yield _unknown(answer)
        case "Enabled":
            yield ok("enabled")
        case state:
            yield warning(
                f"{state.lower() or 'off'}: what is overwritten or deleted is gone",
                "enable versioning of the bucket",
            )


def _object_lock(facts: StoreFacts) -> Iterator[CheckAnswer]:
    bucket = _bucket(facts)
    if bucket is None:
        return
    match bucket.lock:
        case NoAnswer() as answer:
            yield _unknown(answer)
        case None:
            yield warning(
                "off: whoever may delete versions can delete the record for good",
                "enable Object Lock, with a default retention longer than the rollout",
            )
        case lock if lock.mode:
            yield ok(f"{lock.mode.lower()}, {lock.span}")
        case _:
            yield warning(
                "on, without a default retention", "set a default retention longer than the rollout"
            )


def _public_access(facts: StoreFacts) -> Iterator[CheckAnswer]:
    bucket = _bucket(facts)
    if bucket is None:
        return
    if bucket.public is True:
        yield failure("the bucket is public", "remove what makes it public, and turn on Block Public Access")
    match bucket.open_blocks:
        case NoAnswer() as answer:
            yield _unknown(answer)
        case ():
            yield ok("blocked")
        case settings:
            yield warning(f"not blocked by the bucket: {', '.join(settings)}", "turn on Block Public Access")


def _encryption(facts: StoreFacts) -> Iterator[CheckAnswer]:
    bucket = _bucket(facts)
    if bucket is None:
        return
    match bucket.encryption:
        case NoAnswer() as answer:
            yield _unknown(answer)
        case "":
            yield warning("no default encryption", "set a default encryption of the bucket")
        case how:
            yield ok(how)


def _writers(facts: StoreFacts) -> Iterator[CheckAnswer]:
    bucket = _bucket(facts)
    if bucket is None:
        return
    match bucket.policy:
        case NoAnswer() as answer:
            yield _unknown(answer)
        case None:
            yield ok(
                f"no bucket policy: identities of account {bucket.owner}, as far as their policies allow"
            )
        case policy:
            yield _by_policy(policy_writers(policy, bucket.owner), bucket)


def _by_policy(found: PolicyWriters, bucket: BucketFacts) -> CheckAnswer:
    own = f"identities of account {bucket.owner}, as far as their policies allow"
    conditions = ", some under conditions" if found.conditional else ""
    if found.everybody:
        return failure(
            f"the bucket policy lets everybody write{conditions}", "name the principals in the bucket policy"
        )
    if found.principals:
        names = f"{shortly(found.principals)}{conditions}"
        return warning(
            f"{own}; and by the bucket policy, from outside of it: {names}",
            "allow nobody to write who does not run rollout",
        )
    return ok(f"{own}; the bucket policy lets nobody else write")


def policy_writers(policy: Mapping[str, Any], owner: str) -> PolicyWriters:
    """Find whom a bucket policy lets write or delete, apart from the owner's own identities.

    Statements are taken one by one: a Deny that takes back what another allows is not looked at.
    """
    principals: dict[str, None] = {}
    conditional = everybody = False
    for statement in _listed(policy.get("Statement", [])):
        if not isinstance(statement, dict) or statement.get("Effect") != "Allow" or not _may_write(statement):
            continue
        outside = [one for one in _principals(statement) if not _is_of(one, owner)]
        conditional = conditional or (bool(outside) and bool(statement.get("Condition")))
        everybody = everybody or ("*" in outside and not statement.get("Condition"))
        principals |= dict.fromkeys(outside)
    return PolicyWriters(tuple(principals), conditional, everybody)


def _may_write(statement: Mapping[str, Any]) -> bool:
    if "NotAction" in statement:
        return True
    actions = [str(action).lower() for action in _listed(statement.get("Action", []))]
    return any(fnmatchcase(write, action) for write in _WRITES for action in actions)


def _principals(statement: Mapping[str, Any]) -> Iterator[str]:
    if "NotPrincipal" in statement:
        yield "*"
        return
    named = statement.get("Principal", {})
    if not isinstance(named, dict):
        yield str(named)
        return
    for kind, values in named.items():
        for value in _listed(values):
            yield str(value) if kind == "AWS" else f"{kind}: {value}"


def _is_of(principal: str, owner: str) -> bool:
    return principal == owner or (principal.startswith("arn:") and principal.split(":")[4:5] == [owner])


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


STORE_CHECKS = (
    Check(
        "store key",
        "which key seals the record ([security.md](security.md)); a warning for a bucket without one",
        "it cannot be used",
        _key,
    ),
    Check(
        "record",
        "whether the journal, the newest plan and the markers of releases are whole and, with a key, sealed",
        "something is missing, damaged, or not sealed; each with file and line",
        _record,
    ),
    Check("folder", "whether other users may write to the store's folder; a warning if so", "never", _folder),
    Check(
        "bucket owner",
        "whether the bucket belongs to the account of `bucket.owner`, or to the caller's",
        "it belongs to another",
        _owner,
    ),
    Check(
        "versioning",
        "whether the bucket keeps what is overwritten or deleted; a warning if not",
        "never",
        _versioning,
    ),
    Check("Object Lock", "whether versions can be deleted for good; a warning if so", "never", _object_lock),
    Check(
        "public access",
        "whether public access is blocked by the bucket's own settings; a warning if not",
        "the bucket is public",
        _public_access,
    ),
    Check("encryption", "how objects are encrypted by default", "never", _encryption),
    Check(
        "who may write",
        "whom the bucket policy lets write or delete from outside of the owner's account; a warning if it names"
        " somebody. Identities of that account need no bucket policy, and are not looked at",
        "the bucket policy lets everybody write",
        _writers,
    ),
)
