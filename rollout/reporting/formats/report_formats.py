"""Every form of a report besides page and CSV: a row here is a form everywhere, its module writes it as a stream."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from enum import StrEnum
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Self

from rollout.errors import MissingExtra
from rollout.installation import how_to_add

if TYPE_CHECKING:
    from rollout.reporting.formats.written_report import WrittenReport


class ReportFormat(StrEnum):
    """A form: its name, its file, the extra and the module that it needs, if any, and what it is for.

    The function of the module of its name, or of `made_by`, takes a `WrittenReport` and yields text or bytes.
    """

    file: str
    meaning: str
    made_by: str
    extra: str
    needs: str

    def __new__(
        cls, name: str, file: str, meaning: str, made_by: str = "", extra: str = "", needs: str = ""
    ) -> Self:
        """Make a member from its row."""
        member = str.__new__(cls, name)
        member._value_ = name
        member.file, member.meaning, member.made_by = file, meaning, made_by or name
        member.extra, member.needs = extra, needs
        return member

    JSON = (
        "json",
        "report.json",
        "everything, with the totals, for programs; its schema ships with rollout",
        "report_json",
    )
    MARKDOWN = (
        "markdown",
        "summary.md",
        "a summary for pull requests and $GITHUB_STEP_SUMMARY",
        "report_summary",
    )
    OCSF = (
        "ocsf",
        "findings.ocsf.jsonl",
        "an OCSF Compliance Finding for each user",
        "",
        "ocsf",
        "py_ocsf_models",
    )
    ASFF = "asff", "findings.asff.jsonl", "a finding of AWS Security Hub for each user"
    JUNIT = "junit", "junit.xml", "a test for each user, for CI"
    PROMETHEUS = "prometheus", "rollout.prom", "the numbers, for node_exporter's textfile collector"
    PARQUET = "parquet", "users.parquet", "users.csv as Parquet", "users_parquet", "parquet", "pyarrow"

    def check(self) -> None:
        """Raise MissingExtra where what it needs is not installed."""
        if self.needs and find_spec(self.needs) is None:
            raise MissingExtra(
                f"--format {self} is written by {self.needs}, which is not installed",
                cure=f"{how_to_add(self.extra)}, or leave out --format {self}",
            )

    def write(self, report: WrittenReport) -> Iterator[str | bytes]:
        """Write the report as a stream."""
        module = import_module(f"rollout.reporting.formats.{self.made_by}")
        function: Callable[[WrittenReport], Iterator[str | bytes]] = getattr(module, self.made_by)
        return function(report)


def parts(report: WrittenReport, formats: Iterable[ReportFormat]) -> dict[str, Iterator[str | bytes]]:
    """Give the file of each form, with what is to be written into it."""
    return {one.file: one.write(report) for one in formats}
