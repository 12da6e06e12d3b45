"""What can be told of an endpoint without boto3: whether it is this machine, and what time it gives."""

from __future__ import annotations

import ipaddress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from rollout.errors import InsecureEndpoint


def refuse_insecure(service: str, url: str) -> None:
    """Raise InsecureEndpoint when signed calls would leave this machine in the clear.

    See aws-facts.md#partitions-regions-endpoints.
    """
    parts = urlsplit(url)
    if parts.scheme == "https" or (parts.scheme == "http" and is_loopback(parts.hostname or "")):
        return
    why = "plain http, and not on this machine" if parts.scheme == "http" else "neither https nor http"
    raise InsecureEndpoint(
        f"{service} would be asked at {url}: {why}",
        cure="use https, or unset AWS_ENDPOINT_URL and endpoint_url in the AWS configuration",
    )


def is_loopback(host: str) -> bool:
    """Tell whether a host of a URL is this machine."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def date_of(header: str | None) -> datetime | None:
    """Read an HTTP `Date` header; None where there is none, or it is no date."""
    if not header:
        return None
    try:
        moment = parsedate_to_datetime(header)
    except ValueError:
        return None
    return (
        moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    )  # "-0000" says UTC, and nothing of the place
