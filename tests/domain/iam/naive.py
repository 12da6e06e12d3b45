"""A second evaluator, slow and plain, to hold the first one against.

Written from AWS's pages without looking at the product: it works on the raw documents, letter by letter, and knows
neither unknown keys nor the corners that AWS leaves undefined (`strategies` does not go there).
"""

from __future__ import annotations

import datetime as dt
import ipaddress
from typing import Any

Raw = dict[str, Any]


def decide(policies: Raw, request: Raw) -> str:
    """`policies`: identity, boundary, scps, session as raw documents; `request`: action, resource, context."""
    layers = [policies["identity"], *policies["scps"]]
    layers += [[policies[kind]] for kind in ("boundary", "session") if policies[kind]]
    said = [{effect for document in layer for effect in effects(document, request)} for layer in layers]
    if any("Deny" in effects for effects in said):
        return "ExplicitlyDenied"
    return "Allowed" if all("Allow" in effects for effects in said) else "ImplicitlyDenied"


def effects(document: Raw, request: Raw):
    for statement in document["Statement"]:
        if speaks(statement, request, document.get("Version") == "2012-10-17"):
            yield statement["Effect"]


def speaks(statement: Raw, request: Raw, variables: bool) -> bool:
    action = request["action"].lower()
    if "Action" in statement:
        if not any(like(letters(name.lower()), action) for name in listed(statement["Action"])):
            return False
    elif any(like(letters(name.lower()), action) for name in listed(statement["NotAction"])):
        return False
    patterns = listed(statement.get("Resource", statement.get("NotResource")))
    filled = [fill(text, request["context"], variables) for text in patterns]
    named = any(pattern is not None and like(pattern, request["resource"]) for pattern in filled)
    if named is ("NotResource" in statement):
        return False
    for operator, tests in statement.get("Condition", {}).items():
        for key, wanted in tests.items():
            if not holds(
                operator, lookup(request["context"], key), listed(wanted), request["context"], variables
            ):
                return False
    return True


def holds(operator: str, given: Any, wanted: list[Any], context: Raw, variables: bool) -> bool:
    prefix, _, name = operator.rpartition(":")
    if name == "Null":
        return (given is None) in [str(one).lower() == "true" for one in wanted]
    if_exists = name.endswith("IfExists")
    name = name.removesuffix("IfExists")
    negative = "Not" in name
    name = name.replace("Not", "")

    def meets(value: str) -> bool:
        return any(compare(name, value, str(one), context, variables) for one in wanted) is not negative

    if prefix == "ForAllValues":
        return given is None or all(meets(value) for value in listed(given))
    if prefix == "ForAnyValue":
        return given is not None and any(meets(value) for value in listed(given))
    if given is None:
        return if_exists or negative
    return meets(listed(given)[0])


def compare(name: str, value: str, wanted: str, context: Raw, variables: bool) -> bool:
    if name.startswith(("String", "Arn")):
        pattern = fill(wanted, context, variables, wildcards=name in ("StringLike", "ArnEquals", "ArnLike"))
        if pattern is None:
            return False
        if name.startswith("Arn"):
            return arns_alike(pattern, value)
        if name == "StringEqualsIgnoreCase":
            return like([(letter.lower(), special) for letter, special in pattern], value.lower())
        return like(pattern, value)
    if name == "Bool":
        return value.lower() == wanted.lower()
    if name == "IpAddress":
        address, network = ipaddress.ip_address(value), ipaddress.ip_network(wanted, strict=False)
        return address.version == network.version and address in network
    left, right = (
        (number(value), number(wanted)) if name.startswith("Numeric") else (moment(value), moment(wanted))
    )
    relation = name.removeprefix("Numeric").removeprefix("Date")
    return {
        "Equals": left == right,
        "LessThan": left < right,
        "LessThanEquals": left <= right,
        "GreaterThan": left > right,
        "GreaterThanEquals": left >= right,
    }[relation]


def number(text: str) -> float:
    return float(text)


def moment(text: str) -> float:
    if text.isdigit():
        return float(text)
    return dt.datetime.fromisoformat(text).timestamp()


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def lookup(context: Raw, key: str) -> Any:
    for name, value in context.items():
        if name.lower() == key.lower():
            return value
    return None


def letters(text: str) -> list[tuple[str, bool]]:
    """Each letter with whether it is a wildcard."""
    return [(letter, letter in "*?") for letter in text]


def fill(text: str, context: Raw, variables: bool, wildcards: bool = True) -> list[tuple[str, bool]] | None:
    """Letters with variables filled in; None when one has no value."""
    if not text:
        return []
    if variables and text.startswith("${"):
        inside, _, rest = text[2:].partition("}")
        after = fill(rest, context, variables, wildcards)
        key, comma, default = inside.partition(",")
        value = inside if inside in "*?$" else lookup(context, key.strip())
        if value is None and comma:
            value = default.strip().strip("'")
        if after is None or value is None or isinstance(value, list):
            return None
        return [(letter, False) for letter in value] + after
    after = fill(text[1:], context, variables, wildcards)
    return None if after is None else [(text[0], wildcards and text[0] in "*?"), *after]


def like(pattern: list[tuple[str, bool]], text: str) -> bool:
    """Which beginnings of the pattern stand for which beginnings of the text, filled in as a table."""
    row = [True] + [False] * len(text)
    for letter, special in pattern:
        if special and letter == "*":
            row = [any(row[: at + 1]) for at in range(len(row))]
        else:
            row = [False] + [row[at] and (special or letter == text[at]) for at in range(len(text))]
    return row[-1]


def arns_alike(pattern: list[tuple[str, bool]], value: str) -> bool:
    parts: list[list[tuple[str, bool]]] = [[]]
    for letter in pattern:
        if letter[0] == ":" and len(parts) < 6:
            parts.append([])
        else:
            parts[-1].append(letter)
    return all(like(part, text) for part, text in zip(parts, value.split(":", 5), strict=True))
