"""Writes every table in docs/ that is derived from the code (`make docs`)."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import yaml

from rollout.aws.connect.session_policy import session_policy
from rollout.awsapi.operations import OPERATIONS, On, Operation, Use
from rollout.cli.terminal.explanations import errors
from rollout.domain.diagnosis import account_checks, caller_checks, organization_checks, store_checks
from rollout.domain.diagnosis.check import CheckSection
from rollout.domain.drift.drift_kinds import Drifted, DriftKind
from rollout.domain.gates import GATES, Needs
from rollout.domain.gates.gate import AnyGate
from rollout.domain.policy.made import Made
from rollout.domain.policy.our_arns import our_arns
from rollout.domain.policy.our_resources import Names
from rollout.domain.progress import channels
from rollout.domain.progress.channels import Channel
from rollout.domain.verdicts.verdict import Code, ReasonRow
from rollout.reporting import legend
from rollout.reporting.account_columns import ACCOUNTS
from rollout.reporting.change_columns import CHANGES
from rollout.reporting.controls import CONTROLS
from rollout.reporting.formats.report_formats import ReportFormat
from rollout.reporting.tables import Table
from rollout.reporting.user_columns import USERS
from rollout.settings import json_schema
from rollout.settings.keys import known_keys
from tests import licenses

DOCS = Path(__file__).parents[1] / "docs"
Row = tuple[str, ...]
KEY_HEAD = ("key", "default", "variable", "meaning")


def row(*cells: str) -> str:
    """One line of a Markdown table."""
    return f"| {' | '.join(cells)} |"


def table(head: Row, rows: Iterable[Row]) -> str:
    """Lay out a Markdown table."""
    return "\n".join([row(*head), f"|{'---|' * len(head)}", *(row(*cells) for cells in rows)])


def code(text: str) -> str:
    """Set commands in code font."""
    return re.sub(r"rollout [^;,:]+", lambda found: f"`{found[0]}`", text)


def gates(registry: Iterable[AnyGate] = GATES) -> str:
    """For each gate: when it is asked, what opens it, and how long an override holds."""
    head = ("gate", "asked for", "passes when", "set by", "cure", "an override holds for")
    return table(head, (_gate(gate) for gate in registry))


def _gate(gate: AnyGate) -> Row:
    return (
        f"`{gate.name}`",
        "notify, enforce" if gate.needs is Needs.PLAN else "enforce",
        gate.meaning,
        f"`gates.{gate.name}`" if gate.setting else "always",
        "wait: time alone opens it" if gate.opens_by_time else code(gate.cure.format(wave="W")),
        gate.override_holds,
    )


def gate_keys() -> str:
    """Every key below `gates:`."""
    known = [key for key in known_keys() if key.key[0] == "gates" and key.section is None]
    rows = (
        (f"`{key.name}`", f"`{_default(key.key)}`", f"`{key.variable}`", key.field.description or "")
        for key in known
    )
    return table(KEY_HEAD, rows)


def schema_at(key: tuple[str, ...]) -> dict[str, Any]:
    """The part of the JSON Schema about a key; of a section that may be written as one value, that of the section."""
    whole = json_schema()
    schema = whole
    for name in key:
        schema = schema["properties"][name]
        referred = [part["$ref"] for part in (schema, *schema.get("anyOf", ())) if "$ref" in part]
        if referred:
            schema = whole["$defs"][referred[0].rpartition("/")[2]]
    return schema


def _default(key: tuple[str, ...]) -> str:
    text = yaml.safe_dump(schema_at(key).get("default"), default_flow_style=True, width=1000)
    return text.removesuffix("...\n").strip()


def reasons(codes: Iterable[ReasonRow] = Code) -> str:
    """What each reason for a verdict means, and what cures it."""
    head = ("reason", "verdict", "what it means", "cure")
    return table(
        head, ((f"`{code}`", f"`{code.leads_to}`", code.meaning, code.cure or "–") for code in codes)
    )


def drift(kinds: Iterable[DriftKind] = Drifted) -> str:
    """What each kind of drift means, whether `--fix` repairs it, and what cures it."""
    head = ("drift", "what it means", "`--fix`", "cure")
    return table(head, ((f"`{kind}`", kind.meaning, kind.fix, _cure(kind)) for kind in kinds))


def _cure(kind: DriftKind) -> str:
    return code(kind.cure.format(who="ARN", account_id="ID", detail="…"))


def channel_table() -> str:
    """How each channel carries a notice, and what a message in it counts as."""
    return table(("channel", "how", "a message counts as"), map(_channel, channels.CHANNELS))


def _channel(channel: Channel) -> Row:
    vouched = f"; `delivered` with `notify.{channel.delivered_with}: true`" if channel.delivered_with else ""
    return f"`{channel.name}`", channel.meaning, f"`{channel.delivery}`{vouched}"


def channel_keys() -> str:
    """Every key below `notify:` that only one channel reads."""
    variables = {known.name: known.variable for known in known_keys()}
    rows = (
        (f"`{name}`", f"`{key.default_text}`", f"`{variables[name]}`", key.meaning)
        for channel in channels.CHANNELS
        for key in channel.keys
        for name in [f"notify.{key.name}"]
    )
    return table(KEY_HEAD, rows)


def checks(section: CheckSection) -> str:
    """What each check of the doctor asks, and when it fails."""
    listed: Mapping[CheckSection, Iterable[Any]] = {
        CheckSection.CALLER: caller_checks.CALLER_CHECKS,
        CheckSection.ORGANIZATION: organization_checks.ORGANIZATION_CHECKS,
        CheckSection.STORE: store_checks.STORE_CHECKS,
        CheckSection.ACCOUNT: account_checks.ACCOUNT_CHECKS,
    }
    rows = ((f"`{check.name}`", check.asks, check.fails_when) for check in listed[section])
    return table(("check", "asks", "fails when"), rows)


def columns(report: Table[Any]) -> str:
    """What each column of a report's table says."""
    return meanings("column", {column.name: column.meaning for column in report.columns})


def meanings(head: str, lines: Mapping[str, str]) -> str:
    """What each of some codes says."""
    return table((head, "what it says"), ((f"`{name}`", meaning) for name, meaning in lines.items())).replace(
        "` | `.", r"` \| `."
    )


def forms() -> str:
    """The forms of a report besides page and CSV."""
    rows = (
        (f"`{one}`", f"`{one.file}`", one.meaning, one.extra and f"`{one.extra}`") for one in ReportFormat
    )
    return table(("`--format`", "file", "what it is for", "extra"), rows)


def controls() -> str:
    """Which controls the figures of a report answer."""
    head = ("control", "asks for", "figure", "what the figure leaves open")
    rows = (
        (f"[{one.framework}]({one.source}) {one.number}", one.asks, f"`{one.figure}`", one.leaves_open)
        for one in CONTROLS
    )
    return table(head, rows)


def error_pages() -> str:
    """Every error with its exit code, its meaning and what ends it."""
    return "\n\n".join(
        f"## {error.code()}\n\n{' '.join((error.__doc__ or '').split())}\n\n"
        f"*Exit code {error.exit_code.value}: {error.exit_code.meaning}.*\n\n{_linked(error.advice)}"
        for error in errors()
    )


def _linked(advice: str) -> str:
    return re.sub(r"docs/([a-z-]+\.md)", r"[\1](\1)", advice)


ON = {
    On.ANYTHING: "",
    On.OUR_POLICIES: "our policies",
    On.OUR_GROUPS: "our groups",
    On.USER_BY_POLICY: "any user, our policies only",
    On.GROUP_BY_POLICY: "our groups, our policies only",
    On.PROOF: "what a proof has made",
}
# Where IAM and CloudTrail have another name for a service than botocore.
EVENT_SOURCES = {"accessanalyzer": "access-analyzer", "cloudcontrol": "cloudcontrolapi"}


def operations(listed: Iterable[Operation] = OPERATIONS) -> str:
    """Every operation, by what it is for and what it is about."""
    found: dict[tuple[Use, On], dict[str, list[str]]] = {}
    for one in listed:
        names = found.setdefault((one.use, one.on), {})
        names.setdefault(EVENT_SOURCES.get(one.service, one.service), []).append(f"`{one.name}`")
    rows = sorted(found.items(), key=lambda each: [*Use].index(each[0][0]))
    return table(
        ("for", "on", "events, by service"),
        ((str(use), ON[on], "; ".join(_events(names))) for (use, on), names in rows),
    )


def _events(names: Mapping[str, Iterable[str]]) -> Iterable[str]:
    return (f"{service}: {', '.join(sorted(of_it))}" for service, of_it in names.items())


def session_policies() -> str:
    """The session policies for reading and for writing, laid out."""
    ours = our_arns("aws", "111122223333", Names(), Made())
    found = {kind: session_policy(ours, writing=kind == "Writing") for kind in ("Reading", "Writing")}
    return "\n\n".join(f"{kind}:\n\n{_json_block(text)}" for kind, text in found.items())


def _json_block(text: str) -> str:
    statements = ",\n".join(_statement(one) for one in json.loads(text)["Statement"])
    return f"```json\n[\n{statements}\n]\n```"


def _statement(statement: Mapping[str, Any]) -> str:
    lines = (f"    {json.dumps(key)}: {json.dumps(value)}" for key, value in statement.items())
    return "  {\n" + ",\n".join(lines) + "\n  }"


PAGES: Mapping[str, Mapping[str, Callable[[], str]]] = {
    "doctor.md": {str(section): partial(checks, section) for section in CheckSection},
    "errors.md": {"errors": error_pages},
    "gates.md": {"gates": gates},
    "licenses.md": {"licenses": lambda: table(("package", "license", "needed for"), licenses.rows())},
    "reports.md": {
        **{report.file: partial(columns, report) for report in (USERS, ACCOUNTS, CHANGES)},
        "states of users": partial(meanings, "state", legend.STATES),
        "reasons": reasons,
        "states of accounts": partial(meanings, "state", legend.LISTED),
        "outcomes": partial(meanings, "outcome", legend.OUTCOMES),
        "forms": forms,
        "controls": controls,
    },
    "security.md": {"session policies": session_policies, "operations": operations},
    "settings.md": {"gate keys": gate_keys, "channels": channel_table, "channel keys": channel_keys},
    "undoing.md": {"drift": drift},
}
"""By page, then by the name in the markers of the table: `<!-- begin NAME -->` and `<!-- end NAME -->`."""


def filled(text: str, tables: Mapping[str, Callable[[], str]]) -> str:
    """Put each table between its markers. Raises ValueError where the page lacks them."""
    for name, write in tables.items():
        begin, end = f"<!-- begin {name} -->", f"<!-- end {name} -->"
        before, found, rest = text.partition(begin)
        _, found_too, after = rest.partition(end)
        if not found or not found_too:
            raise ValueError(f"no markers for {name}")
        text = f"{before}{begin}\n\n{write()}\n\n{end}{after}"
    return text


def main() -> None:
    """Write all of them."""
    for page, tables in PAGES.items():
        path = DOCS / page
        path.write_text(filled(path.read_text("utf-8"), tables), "utf-8")


if __name__ == "__main__":
    main()
