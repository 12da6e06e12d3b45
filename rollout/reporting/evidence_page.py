"""Evidence for an auditor: which controls a report answers with which numbers, how that was found, and its digests.

`evidence.md` is for people. `evidence.json` has the digest of every file of the report, of plan, policy, journal and
proof, and of itself; `rollout report --check` computes all of them again.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256
from typing import Any

from rollout import __version__
from rollout.counted import number_of
from rollout.reporting import spelling
from rollout.reporting.account_columns import percent
from rollout.reporting.controls import CONTROLS, VERSION, Figure
from rollout.reporting.formats.written_report import WrittenReport
from rollout.reporting.markdown import SHOWN, escaped, more, said, table
from rollout.reporting.page.limits import limits
from rollout.reporting.store_digests import StoreDigests

PAGE, DIGESTS = "evidence.md", "evidence.json"
SCHEMA = 1
METHOD = (
    "Each account was entered through a role, and IAM was read: the credential report, the account authorization "
    "details, MFA devices and service-specific credentials. Whether MFA is enforced on a user was found by evaluating "
    "all of their policies as AWS does, with the MFA key absent and with it false; not by the name of a policy. "
    "What this tool did since is in its journal, each write with AWS's request id."
)


def evidence_parts(
    report: WrittenReport, store: StoreDigests, parts: Mapping[str, Iterable[str | bytes]]
) -> dict[str, Iterable[str | bytes]]:
    """Add page and digests to the parts of a report; they are written in this order, and digested as they are."""
    digests: dict[str, str] = {}
    whole = {**parts, PAGE: _page(report, store)}
    return {
        **{name: _digested(name, chunks, digests) for name, chunks in whole.items()},
        DIGESTS: _manifest(report, store, digests),
    }


def _digested(name: str, chunks: Iterable[str | bytes], digests: dict[str, str]) -> Iterator[bytes]:
    found = sha256()
    for chunk in chunks:
        written = chunk if isinstance(chunk, bytes) else chunk.encode("utf-8", "backslashreplace")
        found.update(written)
        yield written
    digests[name] = f"sha256:{found.hexdigest()}"


def _manifest(report: WrittenReport, store: StoreDigests, digests: Mapping[str, str]) -> Iterator[str]:
    """Come last: by then all others have been written."""
    header = report.data.header
    yield sealed_text(
        {
            "schema": SCHEMA,
            "tool": f"rollout {__version__}",
            "organization": header.organization_id,
            "plan": header.id,
            "made_at": spelling.stamp(report.data.now),
            "read_at": spelling.stamp(header.inventory_at),
            "controls_version": VERSION,
            "controls": [
                {"control": one.name, "figure": one.figure, **_numbers(report, one.figure)}
                for one in CONTROLS
            ],
            "totals": report.totals,
            "store": store.as_dict(),
            "files": dict(sorted(digests.items())),
        }
    )


_END = ',\n  "checksum": "'


def sealed_text(values: Mapping[str, Any]) -> str:
    """Spell a JSON object with a checksum of itself as its last member."""
    text = json.dumps(values, indent=2)
    body = text.removesuffix("\n}")
    return f'{body}{_END}sha256:{sha256(text.encode()).hexdigest()}"\n}}\n'


def unsealed(text: str) -> dict[str, Any] | None:
    """Read such an object; None if a single byte of it was changed."""
    body = text.rpartition(_END)[0]
    try:
        values = json.loads(f"{body}\n}}")
    except ValueError:
        return None
    return values if isinstance(values, dict) and sealed_text(values) == text else None


def _numbers(report: WrittenReport, figure: Figure) -> dict[str, int]:
    about = [user for user in report.data.users if figure.about(user)]
    return {"users": len(about), "met": sum(map(figure.met, about))}


def _page(report: WrittenReport, store: StoreDigests) -> Iterator[str]:
    data, header = report.data, report.data.header
    yield f"# Evidence: MFA of the IAM users of organization {said(header.organization_id)}\n\n"
    yield (
        f"Report of {spelling.minute(data.now)} by rollout {__version__}. AWS was read on "
        f"{spelling.minute(header.inventory_at)} for plan {said(header.id)}, which {said(header.caller)} made.\n\n"
    )
    yield "## Controls\n\n"
    yield f"By version {VERSION} of the table of controls.\n\n"
    found = {figure: _numbers(report, figure) for figure in Figure}
    yield from table(
        ("control", "asks for", "#users", "#meet it", "#share", "what this leaves open"),
        (
            (
                f"{one.framework} {one.number}",
                one.asks,
                found[one.figure]["users"],
                found[one.figure]["met"],
                _share(found[one.figure]),
                one.leaves_open,
            )
            for one in CONTROLS
        ),
    )
    yield "## Scope\n\n"
    entered = sum(1 for account in data.accounts if account.read)
    seen = number_of(len(data.users), "IAM user")
    yield f"{entered} of {number_of(len(data.accounts), 'listed account')} were read, with {seen}."
    left = [account for account in data.accounts if account.left_out]
    yield f" Not read: {len(left)}.\n\n"
    if left:
        rows = (
            (said(one.part.account_id), said(one.part.name), escaped(one.state), escaped(one.left_out.reason))
            for one in left[:SHOWN]
            if one.left_out
        )
        yield from table(("account", "name", "state", "reason"), rows)
        yield from more(len(left) - SHOWN, "`accounts.csv`")
    yield f"## Method\n\n{METHOD}\n\n"
    yield "## Who\n\n"
    callers: dict[str, None] = dict.fromkeys([header.caller])
    for started, _ in data.runs:
        callers.setdefault(started.caller)
    rows_of_who = [(said(caller),) for caller in list(callers)[:SHOWN]]
    yield from table(("identity, as STS named it",), rows_of_who)
    yield from more(len(callers) - SHOWN, "`changes.csv`")
    for wave in data.waves:
        for decision in wave.decisions:
            yield f"- wave {said(wave.name)}: {escaped(decision.text)}\n"
    yield "\n## What this does not show\n\n"
    for limit in limits(data, report.counts):
        yield f"- **{escaped(limit.title)}.** {escaped(limit.text)}\n"
    yield "\n## Digests\n\n"
    records = sum(number for number, _ in store.journal.values())
    yield from table(
        ("part", "SHA-256"),
        (
            (f"plan {said(store.plan_file)}", said(store.plan_checksum)),
            ("evidence of the plan (its lines)", said(store.plan_evidence)),
            ("policy that is enforced", said(store.policy)),
            ("settings", said(store.settings)),
            (f"journal, {records} records of {number_of(len(store.journal), 'run')}", f"in `{DIGESTS}`"),
            ("proof of the policy", said(store.proof) or "none"),
            ("files of this report", f"in `{DIGESTS}`"),
        ),
    )
    yield "`rollout report --check FOLDER` computes all of them again, and names whatever was changed.\n"


def _share(numbers: Mapping[str, int]) -> str:
    share = percent(numbers["met"], numbers["users"])
    return "–" if share is None else f"{share:g} %"
