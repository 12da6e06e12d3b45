"""Prometheus text for the textfile collector of node_exporter: the numbers of a report, and of a nightly look."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from rollout.domain.drift.drift_kinds import Drifted
from rollout.domain.plan.entries import Header
from rollout.reporting.formats.written_report import WrittenReport
from rollout.visible_text import visible
from rollout.workflows.verify import Verified


@dataclass(frozen=True, slots=True)
class Gauge:
    """One metric: its name without `rollout_`, what it means, and its values by their labels."""

    name: str
    meaning: str
    values: Iterable[tuple[Mapping[str, str], int]]


def metrics(gauges: Iterable[Gauge]) -> Iterator[str]:
    """Yield metrics. Labels hold text as it is shown; what could end a label is escaped."""
    for gauge in gauges:
        yield f"# HELP rollout_{gauge.name} {gauge.meaning}\n# TYPE rollout_{gauge.name} gauge\n"
        for labels, value in gauge.values:
            said = ",".join(f'{name}="{_label(text)}"' for name, text in labels.items())
            yield f"rollout_{gauge.name}{{{said}}} {value}\n" if said else f"rollout_{gauge.name} {value}\n"


def _label(text: str) -> str:
    return visible(text).replace("\\", "\\\\").replace('"', '\\"')


def prometheus(report: WrittenReport) -> Iterator[str]:
    """Yield the numbers of a report: none of a user, so that the file stays small."""
    counts, header = report.counts, report.data.header
    about = {"organization": header.organization_id}
    waves = report.data.waves
    return metrics(
        (
            moment("report_timestamp_seconds", "When the report was made.", report.data.now),
            moment("inventory_timestamp_seconds", "When AWS was read for the plan.", header.inventory_at),
            Gauge("users", "IAM users by verdict.", _by("verdict", counts.verdicts)),
            Gauge(
                "users_unprotected",
                "IAM users on whom MFA is not enforced, by verdict.",
                _by("verdict", counts.unprotected),
            ),
            Gauge("users_under_mfa", "IAM users on whom MFA is enforced.", [(about, counts.under_mfa)]),
            Gauge("users_without_device", "IAM users without an MFA device.", [(about, counts.no_mfa)]),
            Gauge("accounts", "Accounts of the organization by state.", _by("state", counts.listed)),
            Gauge("wave_users", "Users of each wave.", [({"wave": one.name}, one.users) for one in waves]),
            Gauge(
                "wave_users_enforced",
                "Users of each wave on whom MFA is enforced.",
                [({"wave": one.name}, one.enforced) for one in waves],
            ),
        )
    )


def of_verify(found: Verified, header: Header, now: datetime) -> tuple[Gauge, ...]:
    """Give the numbers of a nightly look. An alert belongs on `rollout_verify_timestamp_seconds` too: it grows old."""
    count = found.count
    drifted = Counter(drift.kind for drift in found.drifts)
    kinds = {str(kind): drifted[kind] for kind in Drifted}
    stands = {
        "enforced": count.enforced,
        "missing": count.missing,
        "released": sum(count.released.values()),
        "unread": count.unread,
    }
    return (
        moment("verify_timestamp_seconds", "When AWS was last looked at.", now),
        moment("plan_timestamp_seconds", "When the plan was made.", header.created),
        Gauge("verify_drift", "Differences between AWS and the record, by kind.", _by("kind", kinds)),
        Gauge(
            "verify_users",
            "Users whom rollout placed under the policy, by what AWS shows.",
            _by("state", stands),
        ),
        Gauge("verify_accounts_read", "Accounts that were read.", [({}, found.accounts)]),
        Gauge(
            "verify_accounts_unreachable", "Accounts that could not be read.", [({}, len(found.unreachable))]
        ),
    )


def moment(name: str, meaning: str, at: datetime) -> Gauge:
    """Give a time, in seconds since 1970."""
    return Gauge(name, meaning, [({}, int(at.timestamp()))])


def _by(label: str, numbers: Mapping[str, int]) -> list[tuple[Mapping[str, str], int]]:
    return [({label: str(name)}, number) for name, number in sorted(numbers.items())]
