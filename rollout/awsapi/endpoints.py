"""Checks endpoint URLs and reads HTTP dates without importing boto3, which offline commands must not load."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from rollout.errors import ForeignEndpoint, InsecureEndpoint


def refuse_insecure(service: str, url: str) -> None:
    """Raise InsecureEndpoint when signed calls would leave this machine unencrypted.

    See aws-facts.md#partitions-regions-endpoints.
    """
    scheme = url.partition(":")[0].lower()
    if scheme == "https" or (scheme == "http" and is_loopback(host_of(url))):
        return
    why = (
        "plain HTTP is allowed only to this machine"
        if scheme == "http"
        else "the scheme must be https, or http to this machine"
    )
    raise InsecureEndpoint(
        f"refusing to call {service} at {url}: {why}",
        cure="use https, or unset AWS_ENDPOINT_URL and endpoint_url in the AWS configuration",
    )


@dataclass(frozen=True, slots=True)
class OwnHosts:
    """The hosts of AWS's own endpoints in a partition: below its DNS suffixes, in its Regions (a pattern).

    A suffix alone does not tell: AWS's customers have hosts below it too, such as those of API Gateway.
    """

    suffixes: tuple[str, ...]
    region: str

    def include(self, service: str, host: str) -> bool:
        """Tell whether a host is AWS's endpoint of a service (`endpoint_prefix` in botocore), in a VPC or not."""
        below = "|".join(map(re.escape, self.suffixes))
        region, name = rf"({self.region}|aws(-[a-z]+)*-global)", re.escape(service)
        public = rf"{name}(-fips|[-.]{region})?(\.(dualstack|global|us-gov|{region}))*"
        private = rf"([a-z-]+\.)?vpce-[0-9a-z-]+\.{name}(-fips)?\.{region}\.vpce"
        return bool(re.fullmatch(rf"({public}|{private})\.({below})", host))


def refuse_foreign(service: str, url: str, own: OwnHosts) -> None:
    """Raise ForeignEndpoint unless a service is called at AWS itself, or on this machine."""
    host = host_of(url)
    if is_loopback(host) or own.include(service, host):
        return
    raise ForeignEndpoint(
        f"refusing to call {service} at {url}: this is not AWS, and signed calls with session tokens would go there",
        cure="unset AWS_ENDPOINT_URL, AWS_ENDPOINT_URL_<SERVICE> and endpoint_url in the AWS configuration; "
        "if that endpoint is yours, add --endpoint-ok",
    )


# By the names of the variables, what botocore itself may call for credentials, and its endpoint prefix.
_FOR_CREDENTIALS = {"sts": "sts", "sso": "portal.sso", "sso_oidc": "oidc", "signin": "signin"}


def credential_endpoints(
    environment: Mapping[str, str], profile: Mapping[str, object], services: Mapping[str, object]
) -> Iterable[tuple[str, str]]:
    """Yield endpoint prefix and URL of each service that is configured, and that botocore calls without being asked.

    `profile` is the profile in use, and `services` the section of the configuration file that it names.
    """
    for name, prefix in _FOR_CREDENTIALS.items():
        section = services.get(name)
        url = (
            environment.get(f"AWS_ENDPOINT_URL_{name.upper()}")
            or environment.get("AWS_ENDPOINT_URL")
            or (section.get("endpoint_url") if isinstance(section, Mapping) else None)
            or profile.get("endpoint_url")
        )
        if isinstance(url, str) and host_of(url):  # without a host, botocore refuses it
            yield prefix, url


def host_of(url: str) -> str:
    """Return the host in a URL, in small letters; empty if there is none."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def is_loopback(host: str) -> bool:
    """Tell whether a URL's host is this machine. Names below `localhost` may be looked up elsewhere."""
    if host == "localhost":
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
