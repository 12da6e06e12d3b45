"""Draws policies and requests from small worlds, where they meet often, and where AWS documents the answer."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from random import Random
from typing import Any

from hypothesis import strategies as st

from rollout.domain.iam import Context, Policies, Request, parse_document
from tests.domain.iam.asking import ALICE, PATHED_ALICE

Raw = dict[str, Any]

EVERYTHING: Raw = {"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}

ACTIONS = ["iam:GetUser", "iam:ListUsers", "iam:EnableMFADevice", "s3:GetObject", "ec2:DescribeInstances"]
ACTION_PATTERNS = [
    *ACTIONS,
    *(
        "*",
        "iam:*",
        "IAM:getuser",
        "iam:Get*",
        "*:Get*",
        "s3:?etObject",
        "iam:*MFA*",
        "ec2:Describe????ances",
        "s3:*t",
    ),
]
RESOURCES = [
    ALICE,
    PATHED_ALICE,
    "arn:aws:iam::111122223333:user/bob",
    "arn:aws:s3:::bucket/blue/x.txt",
    "arn:aws:s3:::b",
    "*",
]
RESOURCE_PATTERNS = [
    *RESOURCES,
    *(
        "arn:aws:iam::*:user/*",
        "arn:aws:iam::111122223333:user/${aws:username}",
        "arn:aws:iam::*:user/*/${aws:username}",
    ),
    *(
        "arn:aws:s3:::bucket/${aws:PrincipalTag/team}/*",
        "arn:aws:s3:::bucket/${aws:PrincipalTag/team, 'blue'}/*.txt",
    ),
    *("arn:aws:s3:::bucket/*/?.txt", "arn:aws:s3:::*", "arn:aws:s3:::bucket/${*}"),
]
TEXTS = [
    "blue",
    "Blue",
    "red",
    "bl*",
    "alice",
    "${aws:username}",
    "${aws:PrincipalTag/team}",
    "b?ue",
    "${k, 'red'}",
]
NUMBERS = ["0", "60", "3600", "3600.5", 60]
DATES = ["2026-01-01T00:00:00Z", "2026-06-01T12:00:00+02:00", "2026-06-01T10:00:00Z", "1767225600"]
ADDRESSES = ["203.0.113.7", "198.51.100.1", "2001:db8::1"]
NETWORKS = [*ADDRESSES, "203.0.113.0/24", "0.0.0.0/0", "2001:db8::/32"]
ARNS = [ALICE, PATHED_ALICE, "arn:aws:iam::111122223333:role/R", "arn:aws:sns:eu-west-1:111122223333:a:b"]
ARN_PATTERNS = [
    *ARNS,
    "arn:aws:iam::*:user/*",
    "arn:aws:iam::*:user/${aws:username}",
    "arn:*:*:*:*:a:?",
    "arn:aws:sns:*:*:b",
]
TRUTHS = ["true", "false", "True", True, False]

LIKENESS = ["StringEquals", "StringNotEquals", "StringLike", "StringNotLike"]
ORDERS = ["Equals", "NotEquals", "LessThan", "LessThanEquals", "GreaterThan", "GreaterThanEquals"]

# Each single-valued key with the operators that suit it, what policies ask and what requests carry.
KEYS: dict[str, tuple[list[str], list[Any], list[Any]]] = {
    "aws:PrincipalTag/team": (
        [*LIKENESS, "StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase"],
        TEXTS,
        ["blue", "Blue", "red", "bl*"],
    ),
    "k": (LIKENESS, TEXTS, ["alice", "blue", "b"]),
    "aws:MultiFactorAuthPresent": (["Bool"], TRUTHS, TRUTHS),
    "aws:MultiFactorAuthAge": ([f"Numeric{order}" for order in ORDERS], NUMBERS, NUMBERS),
    "aws:CurrentTime": ([f"Date{order}" for order in ORDERS], DATES, DATES),
    "aws:SourceIp": (["IpAddress", "NotIpAddress"], NETWORKS, ADDRESSES),
    "aws:SourceArn": (["ArnEquals", "ArnLike", "ArnNotEquals", "ArnNotLike"], ARN_PATTERNS, ARNS),
    "aws:PrincipalArn": (["ArnEquals", "ArnLike", "ArnNotEquals", "ArnNotLike"], ARN_PATTERNS, []),
}
TAG_KEYS = ["cost", "team", "Team"]


def one_or_list(random: Random, values: list[Any]) -> Any:
    return random.choice(values) if random.random() < 0.5 else random.choices(values, k=random.randint(1, 3))


def with_values(texts: list[Any]) -> list[Any]:
    """Those whose variables always have a value: AWS says in two ways what it means not to match one without."""
    return [text for text in texts if "${aws:PrincipalTag/team}" not in str(text)]


def in_some_case(random: Random, name: str) -> str:
    return random.choice([name, name, name, name.lower(), name.upper()])


def a_condition(random: Random) -> Raw:
    result: Raw = {}
    for key in random.sample([*KEYS, "aws:TagKeys"], k=random.choice([0, 0, 1, 1, 2])):
        if key == "aws:TagKeys":
            prefix = random.choice(["ForAllValues:", "ForAnyValue:"])
            base = random.choice(LIKENESS)
            operator, wanted = prefix + base, one_or_list(random, [*TAG_KEYS, "c*"])
        elif random.random() < 0.15:
            operator, wanted = "Null", random.choice(["true", "false", True, False])
        else:
            bases, values, _ = KEYS[key]
            operator = random.choice(bases) + random.choice(["", "", "IfExists"])
            wanted = one_or_list(random, with_values(values) if "Not" in operator else values)
        result.setdefault(operator, {})[in_some_case(random, key)] = wanted
    return result


def a_statement(random: Random, effect: str | None = None) -> Raw:
    statement: Raw = {"Effect": effect or random.choice(["Allow", "Allow", "Deny"])}
    statement[random.choice(["Action", "Action", "NotAction"])] = one_or_list(random, ACTION_PATTERNS)
    element = random.choice(["Resource", "Resource", "NotResource"])
    patterns = with_values(RESOURCE_PATTERNS) if element == "NotResource" else RESOURCE_PATTERNS
    statement[element] = one_or_list(random, patterns)
    condition = a_condition(random)
    return {**statement, "Condition": condition} if condition else statement


def a_raw_document(random: Random) -> Raw:
    version = random.choice(["2012-10-17", "2012-10-17", "2012-10-17", "2008-10-17", None])
    statements = [a_statement(random) for _ in range(random.randint(1, 3))]
    return {**({"Version": version} if version else {}), "Statement": statements}


def documents_of_all_kinds(random: Random) -> Raw:
    """Documents of every kind; some let all pass, so that the others show."""

    def some() -> Raw:
        return EVERYTHING if random.random() < 0.4 else a_raw_document(random)

    return {
        "identity": [some() for _ in range(random.randint(0, 3))],
        "boundary": some() if random.random() < 0.3 else None,
        "scps": [[some() for _ in range(random.randint(1, 2))] for _ in range(random.choice([0, 0, 1, 2]))],
        "session": some() if random.random() < 0.3 else None,
    }


def a_raw_request(random: Random) -> Raw:
    given: Raw = {
        in_some_case(random, key): random.choice(values)
        for key, (_, _, values) in KEYS.items()
        if values and random.random() < 0.5
    }
    if random.random() < 0.5:
        given["aws:TagKeys"] = random.sample(TAG_KEYS, k=random.randint(0, 2))
    return {
        "action": random.choice(ACTIONS),
        "resource": random.choice(RESOURCES),
        "principal": random.choice([ALICE, PATHED_ALICE]),
        "context": given,
    }


def drawn_by(draw_from: Callable[[Random], Raw]) -> st.SearchStrategy[Raw]:
    """Let hypothesis throw the dice."""
    return st.randoms(use_true_random=False).map(draw_from)


RAW_POLICIES = drawn_by(documents_of_all_kinds)
RAW_REQUESTS = drawn_by(a_raw_request)
RAW_DOCUMENTS = drawn_by(a_raw_document)
ALLOWS = drawn_by(partial(a_statement, effect="Allow"))
DENIES = drawn_by(partial(a_statement, effect="Deny"))


def parsed(raw: Raw) -> Policies:
    def one(document: Raw | None, name: str):
        return None if document is None else parse_document(document, name)

    return Policies(
        tuple(
            parse_document(document, f"identity {place}") for place, document in enumerate(raw["identity"])
        ),
        one(raw["boundary"], "boundary"),
        tuple(tuple(parse_document(document, "scp") for document in level) for level in raw["scps"]),
        one(raw["session"], "session"),
    )


def asked(raw: Raw, unknown: tuple[str, ...] = ()) -> Request:
    return Request(raw["action"], raw["resource"], raw["principal"], Context(raw["context"], unknown))
