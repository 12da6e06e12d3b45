"""Compares policy documents by meaning, so that differences in notation do not count as drift."""

import json
from collections.abc import Mapping
from typing import Any

from rollout.domain.iam.conditions import read_operator
from rollout.domain.iam.documents import decode, has_variables, parse_document, statements_of
from rollout.domain.iam.statements import condition_values, texts


def normalise_document(raw: Mapping[str, Any] | str) -> Any:
    """Return the canonical form of a document: a JSON-compatible document with the same meaning.

    It omits `Id` and `Sid`, which are only names, empty conditions, and repeated statements and values. It unifies the
    order of statements and values, scalars and lists, the case of action names, condition keys and operators, and
    `true` and `"true"`. A document that cannot be parsed is its own canonical form.
    """
    if parse_document(raw, "").problem is not None:
        return raw
    document = decode(raw)
    statements = {json.dumps(_statement(source), sort_keys=True) for source in statements_of(document)}
    return {
        "Version": "2012-10-17" if has_variables(document) else "2008-10-17",
        "Statement": [json.loads(text) for text in sorted(statements)],
    }


def equal_documents(a: Mapping[str, Any] | str, b: Mapping[str, Any] | str) -> bool:
    """Tell whether two documents have the same canonical form, so that they decide every request in the same way.

    Sids do not matter. Documents with different canonical forms may still have the same effect (`s3:Get*` next to
    `s3:*` adds nothing), since this does not analyse what the statements allow together.
    """
    return bool(normalise_document(a) == normalise_document(b))


def _statement(source: Any) -> dict[str, Any]:
    result: dict[str, Any] = {"Effect": source["Effect"]}
    for element in ("Action", "NotAction"):
        if element in source:
            result[element] = sorted({name.lower() for name in texts(source, element)})
    for element in ("Resource", "NotResource"):
        if element in source:
            result[element] = sorted(set(texts(source, element)))
    conditions: dict[str, dict[str, list[str]]] = {}
    for name, tests in condition_values(source).items():
        operator = read_operator(name)
        for key, values in tests.items():
            texts_of_truths = operator.base in ("Bool", "Null")
            level = {value.lower() if texts_of_truths else value for value in values}
            conditions.setdefault(str(operator), {})[key.lower()] = sorted(level)
    if conditions:
        result["Condition"] = conditions
    return result
