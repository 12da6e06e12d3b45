"""What CloudFormation makes of our templates: the functions that they use, filled in."""

from __future__ import annotations

import re
from typing import Any

import yaml

ACCOUNT = "444455556666"
PARAMETERS = {"ExternalId": "the-external-id"}


def applied(template: str, account: str = ACCOUNT, parameters: dict[str, str] = PARAMETERS) -> dict[str, Any]:
    """The properties of each resource by its key; a reference to another one stays as it is."""
    resources = yaml.safe_load(template)["Resources"]
    return {key: resolved(value["Properties"], account, parameters) for key, value in resources.items()}


def resolved(value: Any, account: str = ACCOUNT, parameters: dict[str, str] = PARAMETERS) -> Any:
    """Fill in parameters and pseudo parameters."""
    known = {"AWS::Partition": "aws", "AWS::AccountId": account, **parameters}
    match value:
        case {"Ref": name} if name in known:
            return known[name]
        case {"Fn::Sub": text}:
            filled = re.sub(r"\$\{([\w:]+)\}", lambda found: known[found[1]], text)
            return filled.replace("${!", "${")
        case dict():
            return {key: resolved(one, account, parameters) for key, one in value.items()}
        case list():
            return [resolved(one, account, parameters) for one in value]
        case _:
            return value
