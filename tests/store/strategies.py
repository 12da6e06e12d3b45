"""Draws plans and journal records with the names that IAM and Organizations allow, and some that they do not."""

from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from typing import Any, get_type_hints

from hypothesis import strategies as st

from rollout.domain.people.observations import Finding
from rollout.domain.people.users import UserRef
from rollout.domain.plan.entries import SCHEMA, AccountPlan, Digests, Header, LeftOut, PlanEntry, UserFacts
from rollout.domain.plan.impact_counts import ImpactCounts
from rollout.domain.policy import changes
from rollout.domain.progress import records
from rollout.domain.verdicts.verdict import Code, Kind, Reason

NASTY = (
    *(
        "no",
        "Yes",
        "on",
        "null",
        "~",
        "1e3",
        "0x1F",
        "0o17",
        "007",
        "1_000",
        "12:30:45",
        "2026-11-24",
        ".inf",
        "NaN",
    ),
    *(
        "=x",
        "+x",
        "-x",
        "@x",
        "- x",
        "? x",
        ": x",
        "a: b",
        "a #b",
        "#",
        "&a",
        "*a",
        "!a",
        "%a",
        "`a",
        "|",
        ">",
        "<<",
    ),
    *(
        "{a}",
        "[a]",
        "a, b",
        "'",
        '"',
        "\\",
        '\\"',
        "---",
        "...",
        "--- a",
        'checksum: "sha256:0"',
        "\tx",
        " x ",
        "",
    ),
    *(
        "<script>alert(1)</script>",
        "Zürich",
        "名前",
        "😀",
        "e\u0301",
        "\u202ecod.exe",
        "\ufeffx",
        "\x00",
        "\x7f",
        "\x85",
    ),
    *("a\nb", "\n", "a\r\nb", "a\u2028b", "x" * 300, "word " * 60, "'\n---\nschema: 9\n"),
)
texts = st.sampled_from(NASTY) | st.text(max_size=30)
# IAM says [\w+=,.@-]{1,64}; nothing here may rest on that.
user_names = st.sampled_from([name for name in NASTY if name]) | st.from_regex(
    r"[A-Za-z0-9+=,.@_-]{1,64}", fullmatch=True
)
moments = st.datetimes(datetime(2006, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis adds the zone
some_moments = st.none() | moments
account_ids = st.from_regex(r"[0-9]{12}", fullmatch=True)
waves = st.sampled_from(("canary", "non-production", "rest", "no", "1e3", "Wave 3: rest", "yes", "y" * 200))
digests = st.from_regex(r"sha256:[0-9a-f]{64}", fullmatch=True)
tags = st.dictionaries(texts, texts, max_size=3)


def every_field(kind: type[Any], **known: st.SearchStrategy[Any]) -> dict[str, Any]:
    """Draw optional fields too, and those that will come: by their type, where nothing else is said."""
    drawn = {field.name: known.get(field.name, ...) for field in fields(kind)}
    return {
        name: texts if kind_of(kind, name) is str and value is ... else value for name, value in drawn.items()
    }


def kind_of(kind: type[Any], name: str) -> object:
    return get_type_hints(kind)[name]


facts = st.builds(
    UserFacts,
    **every_field(
        UserFacts,
        observed_at=moments,
        key_last_used=some_moments,
        password_last_used=some_moments,
        created=some_moments,
        tags=tags,
    ),
)
reasons = st.builds(Reason, st.sampled_from(Code), texts, st.none() | moments)
findings = st.lists(st.builds(Finding, texts, texts, texts, texts), max_size=2).map(tuple)


# Built once: a strategy that is built anew for each example costs more than the example.
some_users = st.builds(UserRef, st.just(""), st.just(""), texts, texts)
some_entries = st.builds(
    PlanEntry,
    **every_field(
        PlanEntry,
        user=some_users,
        reasons=st.lists(reasons, max_size=3).map(tuple),
        facts=facts,
        wave=st.just("") | waves,
    ),
)
some_names = st.lists(user_names, unique=True, max_size=6)
empty_account_plans = st.builds(
    AccountPlan,
    **every_field(
        AccountPlan, read_at=moments, report_at=some_moments, entries=st.just(()), findings=findings
    ),
)


@st.composite
def account_plans(draw: Any, account_id: str) -> AccountPlan:
    found = []
    for name in sorted(draw(some_names)):
        entry = draw(some_entries)
        found.append(replace(entry, user=replace(entry.user, account_id=account_id, name=name)))
    plan: AccountPlan = draw(empty_account_plans)
    return replace(plan, account_id=account_id, entries=tuple(found))


headers = st.builds(
    Header,
    id=st.from_regex(r"[a-z0-9]{4}", fullmatch=True),
    organization_id=texts,
    management_account_id=account_ids,
    partition=st.sampled_from(("aws", "aws-cn", "aws-us-gov")),
    caller=texts,
    created=moments,
    inventory_at=moments,
    digests=st.builds(Digests, digests, digests),
    scps=texts,
    waves=st.dictionaries(waves, st.integers(0, 10**6), max_size=4),
    verdicts=st.dictionaries(st.sampled_from([str(kind) for kind in Kind]), st.integers(0, 10**6)),
    impact=st.dictionaries(waves, st.builds(ImpactCounts, *[st.integers(0, 10**6)] * 5), max_size=4),
    left_out=st.lists(st.builds(LeftOut, *[texts] * 6, *[st.integers(0, 10**6)] * 2), max_size=3).map(tuple),
    findings=findings,
    calls=st.integers(0, 10**6),
    retries=st.integers(0, 10**6),
    checksum=st.just(""),
    cures=st.just({}),
    schema=st.just(SCHEMA),
)


some_ids = st.lists(account_ids, unique=True, max_size=3)


@st.composite
def plans(draw: Any) -> tuple[Header, tuple[AccountPlan, ...]]:
    ids = sorted(draw(some_ids))
    return draw(headers), tuple(draw(account_plans(account_id)) for account_id in ids)


refs = st.builds(UserRef, account_ids, user_names, texts, texts)
values = texts | st.booleans() | st.none()
documents = st.dictionaries(texts, values | st.lists(values, max_size=3) | tags, max_size=3)
_OVERRIDES: dict[str, st.SearchStrategy[Any]] = {
    "at": moments,
    "until": some_moments,
    "due": moments,
    "said_at": moments,
    "mark": st.timedeltas(timedelta(), timedelta(days=3660)),
    "user": refs,
    "document": documents,
    "tags": tags,
    "attached": st.lists(texts, max_size=3).map(tuple),
}


def _some(kind: type[Any]) -> st.SearchStrategy[Any]:
    known = {name: strategy for name, strategy in _OVERRIDES.items() if name in kind.__dataclass_fields__}
    if kind is records.LeftAlone:
        known["until"] = moments
    if kind is records.Intent:
        known["change"] = some_changes
    if kind is records.LeftAlone:
        known["until"] = moments
    if kind is records.Settled:
        known["outcome"] = some_outcomes
    return st.builds(kind, **known)


some_changes = st.one_of([_some(kind) for kind in changes.Change.__args__])
some_outcomes = st.one_of([_some(kind) for kind in changes.Outcome.__args__])
some_records = st.one_of([_some(kind) for kind in records.Record.__args__])
