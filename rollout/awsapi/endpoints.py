"""Checks endpoint URLs and reads HTTP dates without importing boto3, which offline commands must not load."""

from __future__ import annotations

import ipaddress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from rollout.errors import InsecureEndpoint


def refuse_insecure(service: str, url: str) -> None:
    """Raise InsecureEndpoint when signed calls would leave this machine unencrypted.

    See aws-facts.md#partitions-regions-endpoints.
    """
    parts = urlsplit(url)
    if parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname or "")):
        return
    why = (
        "plain HTTP is allowed only to this machine"
        if parts.scheme == "http"
        else "the scheme must be https, or http to this machine"
    )
    raise InsecureEndpoint(
        f"refusing to call {service} at {url}: {why}",
        cure="use https, or unset AWS_ENDPOINT_URL and endpoint_url in the AWS configuration",
    )


def is_loopback(host: str) -> bool:
    """Tell whether a URL's host is this machine."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def date_of(header: str | None) -> datetime | None:
    """Parse an HTTP `Date` header; None when it is missing or not a date."""
    if not header:
        return None
    try:
        moment = parsedate_to_datetime(header)
    except ValueError:
        return None
    return (
        moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    )  # "-0000" says UTC, and nothing of the place
