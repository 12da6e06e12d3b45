"""Reads the service-specific credentials (CodeCommit, Keyspaces, Bedrock) of all users, since machines use them.

See aws-facts.md#caveats.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from rollout.awsapi.calls import Calls
from rollout.domain.people.users import ServiceCredential

if TYPE_CHECKING:
    from mypy_boto3_iam import IAMClient


def read_service_credentials(
    calls: Calls, client: IAMClient, now: datetime
) -> Mapping[str, tuple[ServiceCredential, ...]]:
    """List the credentials by user name; an expired one counts as inactive. Raises CallFailed."""
    found: defaultdict[str, list[ServiceCredential]] = defaultdict(list)
    listing = client.list_service_specific_credentials
    for page in calls.pages(listing, "Marker", AllUsers=True, MaxItems=1000):
        for item in page.get("ServiceSpecificCredentials", []):
            ends = item.get("ExpirationDate")
            active = item["Status"] == "Active" and (ends is None or ends > now)
            found[item["UserName"]].append(ServiceCredential(item["ServiceName"], active))
    return {
        name: tuple(sorted(credentials, key=lambda credential: (credential.service, credential.active)))
        for name, credentials in found.items()
    }
