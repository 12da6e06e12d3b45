"""Which actions exist, from the service models that ship with botocore; nothing is asked over the network."""

from __future__ import annotations

from botocore.loaders import Loader


def known_actions(services: tuple[str, ...] = ("iam", "sts")) -> dict[str, frozenset[str]]:
    """Give the actions of each service, lower case, by its IAM prefix.

    The actions of IAM and STS are named like their API operations; that does not hold for every service.
    """
    loader = Loader()
    found: dict[str, frozenset[str]] = {}
    for service in services:
        model = loader.load_service_model(service, "service-2")
        found[service] = frozenset(name.casefold() for name in model["operations"])
    return found
