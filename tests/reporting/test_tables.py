"""Tables: every form of a report follows from their columns."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollout.reporting import write_report
from rollout.reporting.account_columns import ACCOUNTS
from rollout.reporting.cells import COUNT, FLAG, LIST, TEXT, restore
from rollout.reporting.change_columns import CHANGES
from rollout.reporting.frames import frame
from rollout.reporting.tables import Column, OnPage, Table
from rollout.reporting.user_columns import USERS
from rollout.reporting.users_file import UsersFormat, write_users
from rollout.visible_text import visible
from tests.builders import NOTIFIED, NOW, a_header, a_progress, an_account_plan, an_entry
from tests.docs import columns

DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n")

texts = st.one_of(st.text(), st.text(alphabet="=+-@\t\r\n'\",;a"))


@dataclass(frozen=True)
class ARow:
    name: str
    words: tuple[str, ...]
    flag: bool
    number: int | None


A_TABLE: Table[ARow] = Table(
    "things.csv",
    (
        Column("name", TEXT, "Its name.", lambda row: row.name),
        Column("words", LIST, "Its words.", lambda row: row.words),
        Column("flag", FLAG, "Whether it is.", lambda row: row.flag),
        Column("number", COUNT, "How many, if known.", lambda row: row.number),
    ),
)


@given(
    st.lists(st.builds(ARow, texts, st.lists(texts).map(tuple), st.booleans(), st.none() | st.integers(0)))
)
def test_a_table_reads_back_equal_but_for_what_is_hidden(rows):
    table = "".join(A_TABLE.csv(rows))
    lines = list(csv.DictReader(io.StringIO(table, newline="")))
    assert [visible(row.name) for row in rows] == [restore(line["name"]) for line in lines]
    assert [visible("; ".join(row.words)) for row in rows] == [restore(line["words"]) for line in lines]
    assert [row.flag for row in rows] == [line["flag"] == "true" for line in lines]
    assert [row.number for row in rows] == [int(line["number"]) if line["number"] else None for line in lines]
    assert not any(value.startswith(DANGEROUS) for line in lines for value in line.values())


def test_every_cell_is_quoted_and_lines_end_with_lf():
    assert '"name","words","flag","number"\n"a","b","true",""\n' == "".join(
        A_TABLE.csv([ARow("a", ("b",), True, None)])
    )


def test_a_long_table_comes_in_pieces():
    pieces = list(A_TABLE.csv([ARow("a", (), False, 1)] * 5_000))
    assert 1 < len(pieces) < 10
    assert 5_001 == "".join(pieces).count("\n")


# --- The exercise: a new column is one row ---


def test_a_column_is_one_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Appended to its table, it is in CSV, data frame, page and docs; nothing else was touched."""
    made_up: Column[Any] = Column(
        "name_length",
        COUNT,
        "The number of signs in `user_name`.",
        lambda user: len(user.entry.user.name),
        OnPage("Length of name", 16),
    )
    monkeypatch.setattr(USERS, "columns", (*USERS.columns, made_up))
    account = an_account_plan(an_entry("alice"))
    files = write_report(tmp_path, a_header(account), (account,), a_progress(), NOW, notified=NOTIFIED)
    header, line = csv.reader(io.StringIO(files.users.read_text()))
    assert ("name_length", "5") == (header[-1], line[-1])
    assert "Int64" == frame(USERS, ())["name_length"].dtype
    page = files.html.read_text()
    assert "<dt>name_length</dt><dd>The number of signs in <code>user_name</code>.</dd>" in page
    assert ">Length of name</th>" in page
    assert '{"name":"name_length","label":"Length of name","numbers":[5],"unit":""}' in page
    assert "| `name_length` | The number of signs in `user_name`. |" in columns(USERS)


def test_a_column_is_in_parquet_too(monkeypatch: pytest.MonkeyPatch):
    parquet = pytest.importorskip("pyarrow.parquet", reason="Parquet is in the extra `parquet`")
    made_up: Column[Any] = Column(
        "vowels", LIST, "Vowels.", lambda user: sorted({*user.entry.user.name} & {*"aeiou"})
    )
    monkeypatch.setattr(USERS, "columns", (*USERS.columns, made_up))
    stream, account = io.BytesIO(), an_account_plan(an_entry("alice"))
    write_users(stream, UsersFormat.PARQUET, a_header(account), (account,), a_progress(), NOW, NOTIFIED)
    table = parquet.read_table(stream)
    assert ("list<element: string>", [["a", "e", "i"]]) == (
        str(table.schema.field("vowels").type),
        table.column("vowels").to_pylist(),
    )


@pytest.mark.parametrize("table", [USERS, ACCOUNTS, CHANGES], ids=lambda table: table.file)
def test_columns_have_names_of_their_own_and_one_line_of_meaning(table: Table[Any]):
    assert len(table.columns) == len({column.name for column in table.columns})
    for column in table.columns:
        assert column.meaning.endswith((".", "…"))
        assert "\n" not in column.meaning
        assert "|" not in column.meaning.replace("` | `", "")
