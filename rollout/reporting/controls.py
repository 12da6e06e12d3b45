"""Says which controls of which frameworks the figures of a report answer, and which they do not.

The table has a version of its own, which every file names that uses it: an auditor files what was true by it then.
Numbers and titles were checked against the sources named.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from rollout.reporting.user_columns import UserLine

VERSION = "2026-11"


class Figure(StrEnum):
    """A figure that answers a control: which users it is about, and which of them meet it."""

    meaning: str
    about: Callable[[UserLine], bool]
    met: Callable[[UserLine], bool]

    def __new__(
        cls, name: str, meaning: str, about: Callable[[UserLine], bool], met: Callable[[UserLine], bool]
    ) -> Self:
        """Make a member from its row."""
        member = str.__new__(cls, name)
        member._value_ = name
        member.meaning, member.about, member.met = meaning, about, met
        return member

    ENFORCED = (
        "mfa-enforced",
        "IAM users who can do nothing without MFA, on the console and with access keys, but enrol a device",
        lambda _: True,
        lambda user: user.under_mfa,
    )
    CONSOLE_DEVICE = (
        "console-mfa-device",
        "IAM users with a console password who have an MFA device",
        lambda user: user.entry.facts.console,
        lambda user: user.entry.facts.mfa_active,
    )
    KEYS = (
        "keys-need-mfa",
        "IAM users with active access keys, which work in sessions with MFA only",
        lambda user: user.entry.facts.active_keys > 0,
        lambda user: user.under_mfa,
    )


@dataclass(frozen=True, slots=True)
class MappedControl:
    """One control: what it asks, which figure answers it, and what of it the figure leaves open."""

    framework: str
    number: str
    asks: str
    figure: Figure
    leaves_open: str
    source: str

    @property
    def name(self) -> str:
        """Framework and number, as findings cite it."""
        return f"{self.framework}/{self.number}"


_CIS = "https://www.cisecurity.org/benchmark/amazon_web_services"
_NIST = "https://csrc.nist.gov/pubs/sp/800/53/r5/upd1/final"
_PCI = "https://www.pcisecuritystandards.org/document_library/"
_ROOT = "root users, and people of IAM Identity Center"

CONTROLS: tuple[MappedControl, ...] = (
    MappedControl("CIS AWS Foundations Benchmark v3.0.0", "1.10",
            "MFA is enabled for all IAM users that have a console password", Figure.CONSOLE_DEVICE,
            "nothing of this recommendation; root users are its 1.5 and 1.6", _CIS),
    MappedControl("CIS AWS Foundations Benchmark v5.0.0", "1.9",
            "MFA is enabled for all IAM users that have a console password", Figure.CONSOLE_DEVICE,
            "nothing of this recommendation; root users are its 1.4 and 1.5", _CIS),
    MappedControl("NIST SP 800-53 Rev. 5", "IA-2(1)", "multi-factor authentication for access to privileged accounts",
            Figure.ENFORCED, f"which IAM users are privileged; {_ROOT}; roles assumed from elsewhere", _NIST),
    MappedControl("NIST SP 800-53 Rev. 5", "IA-2(2)",
            "multi-factor authentication for access to non-privileged accounts", Figure.ENFORCED,
            f"{_ROOT}; roles assumed from elsewhere", _NIST),
    MappedControl("PCI DSS v4.0.1", "8.4.1",
            "MFA for all non-console access into the CDE for personnel with administrative access", Figure.KEYS,
            "which accounts are part of the CDE; access that does not go through IAM users", _PCI),
    MappedControl("PCI DSS v4.0.1", "8.4.2", "MFA for all non-console access into the CDE", Figure.KEYS,
            "which accounts are part of the CDE; access that does not go through IAM users", _PCI),
    MappedControl("SOC 2 TSC 2017 (2022)", "CC6.1", "logical access security over protected information assets",
            Figure.ENFORCED, "everything of the criterion but authentication of IAM users",
            "https://www.aicpa-cima.com/resources/download/2017-trust-services-criteria-with-revised-points-of-focus-2022"),
    MappedControl("ISO/IEC 27001:2022", "A.8.5", "secure authentication by the rules on access control",
            Figure.ENFORCED, f"what the organization's rules ask; {_ROOT}; systems beyond AWS",
            "https://www.iso.org/standard/27001"),
)  # fmt: skip
"""One row is one control everywhere."""
