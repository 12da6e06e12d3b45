"""Checks across keys: values that contradict each other, and valid values that deserve a warning."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from rollout.domain.progress.channels import channel_named
from rollout.settings.durations import duration_text
from rollout.settings.models import BucketSection, RolloutFile
from rollout.settings.problems import Key

Remark = tuple[Key, str]
"""A key and the sentence about it."""


def contradictions(settings: RolloutFile) -> Iterator[Remark]:
    """Yield the combinations of values that cannot be intended."""
    yield from _waves(settings)
    yield from _age(settings)
    yield from _context(settings)
    yield from _names(settings)
    yield from _approval(settings)
    yield from _channel(settings)
    if settings.store_key is not None and settings.organization is None:
        yield ("store_key",), "needs `organization`, for the key seals the records of one organization"
    for account, override in settings.access.overrides.items():
        if override.roles is None and override.external_id is None:
            yield ("access", "overrides", account), "overrides nothing; set roles or external_id"


def warnings(settings: RolloutFile) -> Iterator[Remark]:
    """Yield the values that are valid but dangerous, or have no effect."""
    if not settings.gates.lead_time:
        yield ("gates", "lead_time"), "is 0d: users get no time to enrol before they are enforced"
    if not settings.gates.soak and len(settings.waves) > 1:
        yield (
            ("gates", "soak"),
            "is 0d: the next wave follows at once, before anyone can report problems with the last",
        )
    if not any(wave.takes_everybody for wave in settings.waves):
        yield ("waves",), "no wave takes all remaining users; planning fails if a user matches none"
    if settings.policy.variant == "seed" and "amendments" in settings.policy.model_fields_set:
        yield ("policy", "amendments"), "have no effect with variant: seed"
    if "remind_at" in settings.notify.model_fields_set:
        for index, before in enumerate(settings.notify.remind_at):
            if before >= settings.gates.lead_time:
                lead = duration_text(settings.gates.lead_time)
                yield (
                    ("notify", "remind_at", index),
                    f"is not within the lead time of {lead}, so this reminder is never sent",
                )
    if isinstance(settings.store, Path) and settings.bucket != BucketSection():
        yield ("bucket",), "has no effect, since the store is a folder"
    yield from _short_ids(settings)


AWS_PREFIXES = ("aws", "amazon")
AWS_ENDINGS = ("access", "readonly", "servicerolepolicy", "servicelinkedrolepolicy")
AWS_NAMES = frozenset(
    name.casefold()
    for name in (
        *("Billing", "DataScientist", "DatabaseAdministrator", "NetworkAdministrator", "SecurityAudit"),
        *("SupportUser", "SystemAdministrator", "IAMUserChangePassword", "IAMUserSSHKeys"),
        *("IAMAuditRootUserCredentials", "IAMCreateRootUserPassword", "IAMDeleteRootUserCredentials"),
        *("SecretsManagerReadWrite", "IAMSelfManageServiceSpecificCredentials"),
    )
)
"""Names of policies that AWS manages, by which people would mistake ours for theirs."""


def _names(settings: RolloutFile) -> Iterator[Remark]:
    """Keep our names distinct from those of AWS's policies, and from each other: the second ends in `Enrolment`."""
    for key, name in (("name", settings.policy.name), ("group", settings.policy.group)):
        low = name.casefold()
        if low.startswith(AWS_PREFIXES) or low.endswith(AWS_ENDINGS) or low in AWS_NAMES:
            yield ("policy", key), f'"{name}" is, or looks like, the name of a policy that AWS manages'
        if name.casefold().endswith("enrolment"):
            yield (
                ("policy", key),
                f'"{name}" ends in Enrolment, which is reserved for the enrolment policy and its group',
            )


def _approval(settings: RolloutFile) -> Iterator[Remark]:
    approval = settings.gates.approval
    if not approval.count and approval != type(approval)():
        yield (
            ("gates", "approval", "count"),
            "is 0, so that nobody has to approve, and the other keys mean nothing; leave it out, or write `false`",
        )


def _channel(settings: RolloutFile) -> Iterator[Remark]:
    channel = channel_named(settings.notify.channel)
    for key in channel.keys:
        if key.needed and getattr(settings.notify, key.name) is None:
            yield ("notify", key.name), f"is needed for `channel: {channel.name}`"


def _waves(settings: RolloutFile) -> Iterator[Remark]:
    seen: dict[str, int] = {}
    for index, wave in enumerate(settings.waves):
        if wave.name.casefold() in seen:
            yield ("waves", index, "name"), f'"{wave.name}" is also the name of an earlier wave'
        seen[wave.name.casefold()] = index
    everybody = [index for index, wave in enumerate(settings.waves) if wave.takes_everybody]
    if everybody and everybody[0] + 1 < len(settings.waves):
        first = everybody[0]
        later = ", ".join(wave.name for wave in settings.waves[first + 1 :])
        yield (
            ("waves", first),
            f'"{settings.waves[first].name}" takes everybody and leaves nobody for: {later}',
        )


def _age(settings: RolloutFile) -> Iterator[Remark]:
    lead, soak = settings.gates.lead_time, settings.gates.soak
    later = len(settings.waves) - 1
    needed = lead + soak * later
    age = settings.rules.plan_max_age
    if age < needed:
        sentence = (
            f"is {duration_text(age)}, but a plan takes at least {duration_text(needed)}: lead_time "
            f"{duration_text(lead)} plus soak {duration_text(soak)} × {later}, once for each wave after the first"
        )
        yield ("rules", "plan_max_age"), sentence


def _context(settings: RolloutFile) -> Iterator[Remark]:
    seen: set[str] = set()
    for name in settings.rules.context:
        if name.casefold() in seen:
            yield ("rules", "context", name), "is set twice; condition keys are not case-sensitive"
        seen.add(name.casefold())


def _short_ids(settings: RolloutFile) -> Iterator[Remark]:
    lists: list[tuple[Key, tuple[str, ...]]] = [
        (("scope", "include", "accounts"), settings.scope.include.accounts),
        (("scope", "exclude", "accounts"), settings.scope.exclude.accounts),
    ]
    lists += [(("waves", index, "accounts"), wave.accounts) for index, wave in enumerate(settings.waves)]
    for key, globs in lists:
        for index, glob in enumerate(globs):
            if glob.isdecimal() and len(glob) != 12:
                yield (
                    (*key, index),
                    f'"{glob}" has {len(glob)} digits, but an account ID has 12; is a leading 0 missing?',
                )
