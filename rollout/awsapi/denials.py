"""Reads from AWS's message about a denied request which kind of policy denied it.

See aws-facts.md#errors-and-retries and IAM User Guide, "Troubleshoot access denied error messages".
"""

from __future__ import annotations

import re

from rollout.awsapi.failures import CallFailed
from rollout.domain.diagnosis.facts import Denial, DeniedBy

# Names and ARNs in the message contain no spaces, so they cannot be mistaken for these.
_KINDS = (
    ("service control polic", DeniedBy.SCP),
    ("resource control polic", DeniedBy.RCP),
    ("permissions boundar", DeniedBy.BOUNDARY),
    ("session polic", DeniedBy.SESSION_POLICY),
    ("vpc endpoint polic", DeniedBy.ENDPOINT_POLICY),
    ("identity-based polic", DeniedBy.IDENTITY_POLICY),
    ("trust polic", DeniedBy.TRUST_POLICY),
    ("resource-based polic", DeniedBy.RESOURCE_POLICY),
)
_ACTION = re.compile(r"not authorized to perform: ([\w-]+:\w+)")


def denial_of(failed: CallFailed) -> Denial:
    """Read the denial behind a call that failed with `Fault.DENIED`."""
    text = failed.message.casefold()
    action = _ACTION.search(failed.message)
    by = next((kind for words, kind in _KINDS if words in text), DeniedBy.UNKNOWN)
    return Denial(by, action[1] if action else "")
