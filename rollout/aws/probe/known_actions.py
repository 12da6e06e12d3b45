"""Lists the actions that exist, from the service models that ship with botocore, without a network call."""

from __future__ import annotations

from botocore.loaders import Loader


def known_actions(services: tuple[str, ...] = ("iam", "sts")) -> dict[str, frozenset[str]]:
    """Return the actions of each service in lower case, by IAM prefix.

    Only valid for services such as IAM and STS, whose actions have the same names as their API operations.
    """
    loader = Loader()
    found: dict[str, frozenset[str]] = {}
    for service in services:
        model = loader.load_service_model(service, "service-2")
        found[service] = frozenset(name.casefold() for name in model["operations"])
    return found
