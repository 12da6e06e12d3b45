"""Gives commands that make no AWS calls the same time as those that do, without importing boto3."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import ProxyHandler, build_opener

from rollout.awsapi.endpoints import date_of, host_of, is_loopback

PATIENCE = 1.0


def offline_now(environ: Mapping[str, str]) -> datetime:
    """Ask an endpoint on this machine for its time with one unsigned GET; otherwise use the local clock.

    Only the sandbox has an adjustable clock (design.md#stages-and-gates), and it always listens on the loopback
    address; nothing is sent anywhere else.
    """
    url = _sts_endpoint(environ)
    if is_loopback(host_of(url)):
        said = _date_at(url)
        if said is not None:
            return said
    return datetime.now(UTC)


def _sts_endpoint(environ: Mapping[str, str]) -> str:
    if environ.get("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "").casefold() == "true":
        return ""
    return environ.get("AWS_ENDPOINT_URL_STS") or environ.get("AWS_ENDPOINT_URL", "")


def _date_at(url: str) -> datetime | None:
    if urlsplit(url).scheme not in {"http", "https"}:
        return None
    try:
        with build_opener(ProxyHandler({})).open(url, timeout=PATIENCE) as answer:
            return date_of(answer.headers.get("Date"))
    except HTTPError as error:  # an error response has a Date header too
        with error:
            return date_of(error.headers.get("Date"))
    except (URLError, OSError, ValueError):
        return None
