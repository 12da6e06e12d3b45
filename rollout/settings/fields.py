"""Defines the types of value in `rollout.yaml`, each with the error sentence that says what is expected."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    PlainSerializer,
    WithJsonSchema,
)
from pydantic_core import CoreSchema, core_schema

from rollout.domain.people.addresses import is_address
from rollout.settings import durations
from rollout.visible_text import hidden_in, visible


@dataclass(frozen=True, slots=True, eq=False)  # pydantic requires hashable metadata
class Rule:
    """A check that runs after pydantic's own, with the part of it that a JSON Schema can express."""

    check: Callable[[Any], Any]
    schema: Mapping[str, Any]

    def __get_pydantic_core_schema__(self, source: type[Any], handler: GetCoreSchemaHandler) -> CoreSchema:
        """Run the check on values that already have the right type."""
        return core_schema.no_info_after_validator_function(self.check, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """Add the constraint to the JSON Schema, for editors."""
        return {**handler(schema), **self.schema}


def spelled(pattern: str, want: str) -> Rule:
    """Require text that matches a pattern; `want` says in words what it must be."""

    def check(text: str) -> str:
        if not re.fullmatch(pattern, text, re.ASCII):
            raise ValueError(f"{shown(text)} is not {want}")
        return text

    return Rule(check, {"pattern": pattern})


def shown(value: object) -> str:
    """Quote a value for a message, shortened to fit on one line."""
    # Visible at once: pydantic takes no half of a character in a message.
    text = visible(json.dumps(value, ensure_ascii=False, default=str))
    return text if len(text) <= 80 else f"{text[:76]} …"


def _text(text: str) -> str:
    if not text.strip():
        raise ValueError("is blank")
    if hidden := hidden_in(text):
        raise ValueError(f"{shown(text)} must be one line without hidden characters; it has {hidden}")
    return text


def _duration(value: object) -> timedelta:
    if isinstance(value, timedelta):
        return value
    return durations.parse_duration(value if isinstance(value, str) else _bare(value))


def _bare(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, default=str)


def _positive(duration: timedelta) -> timedelta:
    if not duration:
        raise ValueError("must be longer than 0")
    return duration


def _day(value: object) -> date:
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d{2}-\d{2}", value, re.ASCII):
        try:
            return date.fromisoformat(value)
        except ValueError as error:
            raise ValueError(f"{shown(value)} is not a valid date: {error}") from None
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    raise ValueError(f"{shown(value)} is not a date; write it as 2027-01-31")


def _hours(text: str) -> str:
    opens, dash, closes = text.partition("-")
    if not dash or not all(
        re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d|24:00", part, re.ASCII) for part in (opens, closes)
    ):
        raise ValueError(f"{shown(text)} is not a range of hours; write it as 09:00-16:00")
    if opens >= closes:
        raise ValueError(f"{shown(text)} ends before it begins; a window must start and end on the same day")
    return text


def _zone(text: str) -> str:
    try:
        ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"{shown(text)} is not a time zone; write it as Europe/Berlin or UTC") from None
    return text


def _freeze(value: object) -> str:
    text = value.isoformat() if isinstance(value, date) else value
    if not isinstance(text, str):
        raise ValueError(  # noqa: TRY004 - pydantic only reports a ValueError
            f"{shown(value)} is not a date or a range of dates; write 2026-12-24 or 2026-12-20..2027-01-06"
        )
    first, _, last = text.partition("..")
    if _day(first) > _day(last or first):
        raise ValueError(f"{shown(text)} ends before it begins")
    return text


def _network(text: str) -> str:
    try:
        ip_network(text)
    except ValueError as error:
        raise ValueError(f"{shown(text)} is not a network such as 203.0.113.0/24: {error}") from None
    return text


def _address(text: str) -> str:
    if not is_address(text):
        raise ValueError(f"{shown(text)} is not a plain email address such as security@example.com")
    return text


def local_folder(value: object, wanted: str = "a folder") -> Path:
    """Parse the path of a folder. Raises ValueError that says what is wrong, and what is expected (`wanted`)."""
    if isinstance(value, Path):
        return value
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{shown(value)} is not a folder; write a path as text")
    if re.match(r"[a-z][a-z0-9+.-]+://", value, re.ASCII | re.IGNORECASE):
        raise ValueError(f"{shown(value)} is a URL; write {wanted}")
    if hidden := hidden_in(value):
        raise ValueError(f"{shown(value)} must be one line without hidden characters; it has {hidden}")
    try:
        return Path(value).expanduser()
    except RuntimeError:
        raise ValueError(f"{shown(value)}: that home folder does not exist") from None


def _off_is_a_word(value: object) -> object:
    """YAML reads a bare `off` as false."""
    return "off" if value is False else value


_ARN = re.compile(r"arn:aws[a-z-]*:iam::\d{12}:user/(?:[!-~]+/)?[\w+=,.@-]{1,64}", re.ASCII)
_USER_ID = re.compile(r"AIDA[A-Z0-9]{12,124}")
_TAG_PAIR = re.compile(r"[\w\s.:/+@-]{1,128}=[\w\s.:/+=@-]{0,256}")


_NEVER_SUPPLIED = {
    "aws:multifactorauthpresent": "the verdicts depend on evaluating it both ways",
    "aws:multifactorauthage": "the verdicts depend on evaluating it both ways",
    "aws:username": "it is taken from each user",
    "aws:userid": "it is taken from each user",
    "aws:principalarn": "it is taken from each user",
    "aws:principalaccount": "it is taken from each user",
    "aws:principaltype": "it is taken from each user",
}


def _supplied(key: str) -> str:
    tag = "it is taken from each user's tags" if key.casefold().startswith("aws:principaltag/") else ""
    if why := tag or _NEVER_SUPPLIED.get(key.casefold()):
        raise ValueError(f"{key} cannot be set here: {why}")
    return key


def _context_values(value: object) -> object:
    """Accept one value or a list, and write numbers and booleans as IAM does."""
    values = value if isinstance(value, list | tuple) else [value]
    return tuple(_bare(item) if isinstance(item, bool | int | float) else item for item in values)


def _one_user(text: str) -> str:
    if any(sign in text for sign in "*?["):
        raise ValueError(f"{shown(text)} is a pattern; name users exactly, by ARN, UserId or tag key=value")
    if text.startswith("arn:"):
        if not _ARN.fullmatch(text):
            raise ValueError(f"{shown(text)} is not the ARN of an IAM user")
    elif not _USER_ID.fullmatch(text) and not _TAG_PAIR.fullmatch(text):
        raise ValueError(
            f"{shown(text)} does not name users exactly; write an ARN, a UserId (AIDA…) or a tag key=value"
        )
    return text


def _tag_pair(text: str) -> str:
    if not _TAG_PAIR.fullmatch(text):
        raise ValueError(f"{shown(text)} is not a tag; write key=value, without wildcards")
    return text


def _session_tag_key(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9 _.:/=+@-]{1,128}", text, re.ASCII):
        raise ValueError(
            f"{shown(text)} is not a tag key: 1 to 128 letters, digits, spaces or any of _.:/=+-@"
        )
    if text.casefold().startswith("aws:"):
        raise ValueError(f"{shown(text)} begins with aws:, which AWS reserves")
    return text


def _as_many_tags(tags: Mapping[str, str]) -> Mapping[str, str]:
    if len(tags) > 50:
        raise ValueError(f"has {len(tags)} tags; AWS allows 50 per session")
    return tags


def _ou_glob(text: str) -> str:
    if re.fullmatch(r"ou-[0-9a-z]{4,32}-[0-9a-z]{8,32}|r-[0-9a-z]{4,32}", _text(text), re.ASCII):
        raise ValueError(f"{shown(text)} is an OU ID; write the OU's path of names, such as Workloads/Prod")
    if text.startswith("/") or text.endswith("/"):
        raise ValueError(f"{shown(text)} must not start or end with a slash; write Workloads/Prod")
    return text


def _given(value: object) -> object:
    if value is None:
        raise ValueError("has no value")
    return value


def _not_empty(items: tuple[Any, ...]) -> tuple[Any, ...]:
    if not items:
        raise ValueError("is empty and would select nothing; add items, or remove the key")
    return items


def _no_repeats(items: tuple[Any, ...]) -> tuple[Any, ...]:
    seen: set[Any] = set()
    for item in items:
        if item in seen:
            raise ValueError(f"{shown(item)} occurs twice in the list")
        seen.add(item)
    return items


Percent = Annotated[float, Field(ge=0, le=100)]
Hours = Annotated[str, Rule(_hours, {"pattern": "^[0-2][0-9]:[0-5][0-9]-[0-2][0-9]:[0-5][0-9]$"})]
Zone = Annotated[str, Rule(_zone, {"minLength": 1})]
FreezeDays = Annotated[str, BeforeValidator(_freeze)]
Listed = Field(strict=False)  # accept YAML's lists for our tuples
Given = BeforeValidator(_given)
NotEmpty = Rule(_not_empty, {"minItems": 1})
NoRepeats = Rule(_no_repeats, {"uniqueItems": True})
AsManyTags = Rule(_as_many_tags, {"maxProperties": 50})

Text = Annotated[str, Rule(_text, {"minLength": 1})]
Duration = Annotated[
    timedelta,
    BeforeValidator(_duration),
    PlainSerializer(durations.duration_text, when_used="json"),
    WithJsonSchema({"type": "string", "pattern": durations.PATTERN, "examples": ["14d", "12h", "30m"]}),
]
PositiveDuration = Annotated[Duration, AfterValidator(_positive)]
Day = Annotated[date, BeforeValidator(_day)]
LocalPath = Annotated[Path, BeforeValidator(local_folder), WithJsonSchema({"type": "string", "minLength": 1})]
OffIsAWord = BeforeValidator(_off_is_a_word)

OrganizationId = Annotated[str, spelled("^o-[a-z0-9]{10,32}$", "an organization ID such as o-a1b2c3d4e5")]
Region = Annotated[str, spelled("^[a-z]{2}(-[a-z]+)+-[0-9]$", "an AWS Region such as eu-west-1")]
Network = Annotated[str, Rule(_network, {"minLength": 1})]
AccountId = Annotated[str, spelled("^[0-9]{12}$", "an account ID: 12 digits, including leading zeros")]
RoleName = Annotated[
    str, spelled("^([A-Za-z0-9_+=,.@-]+/)*[A-Za-z0-9_+=,.@-]{1,64}$", "the name of a role, without its ARN")
]
RoleArn = Annotated[
    str,
    spelled(
        "^arn:aws[a-z-]*:iam::[0-9]{12}:role/([!-.0-~]+/)*[A-Za-z0-9_+=,.@-]{1,64}$",
        "the ARN of a role, such as arn:aws:iam::111122223333:role/Audit",
    ),
]
PrincipalGlob = Annotated[
    str,
    spelled(
        "^arn:aws[a-z-]*:(iam::[0-9]{12}:(root|user/[!-~]+|role/[A-Za-z0-9_+=,.@*?-]+)"
        "|sts::[0-9]{12}:(assumed-role/[A-Za-z0-9_+=,.@*?-]+|federated-user)/[A-Za-z0-9_+=,.@*?-]+)$",
        "a pattern of ARNs that names the account: arn:aws:iam::111122223333:user/ciso, …:role/Approvers (without the "
        "role's path, which STS does not tell), or arn:aws:sts::111122223333:assumed-role/Approvers/alice",
    ),
]
SessionName = Annotated[
    str, spelled("^[A-Za-z0-9_+=,.@-]{2,64}$", "2 to 64 letters, digits or any of _+=,.@-")
]
SessionTagKey = Annotated[str, Rule(_session_tag_key, {"pattern": "^[A-Za-z0-9 _.:/=+@-]{1,128}$"})]
SessionTagValue = Annotated[
    str,
    spelled(
        "^[A-Za-z0-9 _.:/=+@-]{0,256}$", "a tag value: up to 256 letters, digits, spaces or any of _.:/=+-@"
    ),
]
IamName = Annotated[
    str, spelled("^[A-Za-z0-9_+=,.@-]{1,128}$", "an IAM name: 1 to 128 letters, digits or any of _+=,.@-")
]
MailDomain = Annotated[
    str, spelled(r"^[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$", "the domain of an address such as example.com")
]
Language = Annotated[str, spelled("^[a-z]{2,3}(-[A-Za-z0-9]{2,8})?$", "a language such as en, de or pt-BR")]
ActionPattern = Annotated[
    str,
    spelled(r"^[A-Za-z0-9-]+:[A-Za-z0-9*?]+$", "an action such as iam:ChangePassword, with * and ? allowed"),
]
ExternalId = Annotated[
    str,
    spelled(
        "^[A-Za-z0-9_+=,.@:/-]{2,1224}$", "an external ID: 2 or more letters, digits or any of _+=,.@:/-"
    ),
]
KMS_KEY = (
    "^(arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:(key/[A-Za-z0-9-]+|alias/[A-Za-z0-9/_-]+)"
    "|alias/[A-Za-z0-9/_-]+|(mrk-)?[0-9a-f-]{32,36})$"
)
KmsKey = Annotated[str, spelled(KMS_KEY, "a KMS key: its ID, its ARN, or alias/name")]
# IAM allows 128; the enrolment policy's name appends "Enrolment" to this one.
PolicyName = Annotated[
    str,
    spelled(
        "^[A-Za-z0-9_+=,.@-]{1,119}$",
        "a policy name: 1 to 119 letters, digits or any of _+=,.@-",
    ),
]
WaveName = Annotated[
    str,
    spelled(
        "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$",
        "a wave name: at most 64 letters, digits, dots, dashes and underscores",
    ),
]
Address = Annotated[str, Rule(_address, {"format": "email"})]
ContextKey = Annotated[
    str,
    spelled(r"^[A-Za-z0-9-]+:[^*?\s].*$", "a condition key such as aws:SourceIp"),
    AfterValidator(_supplied),
]

ContextValues = Annotated[
    tuple[Text, ...],
    BeforeValidator(_context_values),
    NotEmpty,
    WithJsonSchema(
        {
            "anyOf": [
                {"type": ["string", "number", "boolean"]},
                {"type": "array", "items": {"type": ["string", "number", "boolean"]}, "minItems": 1},
            ]
        }
    ),
]

OneUser = Annotated[
    str,
    Rule(
        _one_user, {"pattern": "^(arn:aws[a-z-]*:iam::[0-9]{12}:user/[^*?]+|AIDA[A-Z0-9]+|[^=*?]+=[^*?]*)$"}
    ),
]
TagPair = Annotated[str, Rule(_tag_pair, {"pattern": "^[^=*?]+=[^*?]*$"})]
Glob = Text
OuGlob = Annotated[str, Rule(_ou_glob, {"pattern": "^[^/](.*[^/])?$"})]
