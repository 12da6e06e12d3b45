"""The users alone, as `rollout inventory` writes them: the columns of users.csv, in CSV or Parquet."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import PurePath
from typing import Any

import pytest

from rollout.domain.plan.entries import AccountPlan
from rollout.errors import MissingExtra, WrongUsage
from rollout.installation import how_to_add
from rollout.reporting import ReportFiles
from rollout.reporting.report_data import gather
from rollout.reporting.user_columns import USERS
from rollout.reporting.users_file import UsersFormat, format_of, write_users
from tests.builders import NOTIFIED, NOW, a_header, a_progress, an_account_plan, an_entry
from tests.reporting.examples import SMALL_NOW, small_accounts, small_header, small_progress


def small_users(kind: UsersFormat) -> bytes:
    stream = io.BytesIO()
    accounts = small_accounts()
    write_users(stream, kind, small_header(accounts), accounts, small_progress(), SMALL_NOW, NOTIFIED)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("name", "kind"),
    [("users.csv", UsersFormat.CSV), ("a.b/USERS.CSV", UsersFormat.CSV), (".x.csv", UsersFormat.CSV)],
)
def test_the_ending_says_the_format(name: str, kind: UsersFormat):
    assert kind is format_of(PurePath(name))


@pytest.mark.parametrize("name", ["users", "users.txt", "users.csv.gz", ".csv", "csv", "users."])
def test_another_ending_is_wrong_usage(name: str):
    with pytest.raises(WrongUsage, match=r"neither \.csv nor \.parquet") as refused:
        format_of(PurePath(name))
    assert (2, "give --out a file with one of these endings") == (refused.value.exit_code, refused.value.cure)


def test_parquet_without_its_extra_is_refused_with_the_cure(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingExtra) as refused:
        format_of(PurePath("users.parquet"))
    assert f"{how_to_add('parquet')}, or give --out a file that ends in .csv" == refused.value.cure


def test_csv_is_users_csv_to_the_byte(small_report: ReportFiles):
    assert small_report.users.read_bytes() == small_users(UsersFormat.CSV)


def test_csv_needs_no_pandas_and_no_pyarrow(monkeypatch: pytest.MonkeyPatch):
    for name in ("pandas", "pyarrow"):
        monkeypatch.setitem(sys.modules, name, None)
    assert small_users(UsersFormat.CSV).startswith(b'"account_id"')


# --- Parquet ---


def read_parquet(data: bytes) -> Any:
    parquet = pytest.importorskip("pyarrow.parquet", reason="Parquet is in the extra `parquet`")
    return parquet.read_table(io.BytesIO(data))


def small_table() -> Any:
    pytest.importorskip("pyarrow", reason="Parquet is in the extra `parquet`")
    return read_parquet(small_users(UsersFormat.PARQUET))


def test_parquet_has_the_same_columns_and_the_same_users():
    table = small_table()
    assert [column.name for column in USERS.columns] == table.column_names
    accounts = small_accounts()
    rows = gather(small_header(accounts), accounts, small_progress(), SMALL_NOW, notified=NOTIFIED).users
    for row, line in zip(rows, table.to_pylist(), strict=True):
        expected = USERS.row(row)
        assert expected == {
            name: tuple(cell) if isinstance(cell, list) else cell for name, cell in line.items()
        }


def test_parquet_knows_types_so_that_ids_keep_their_zeros_and_names_are_not_touched():
    table = small_table()
    types = {field.name: str(field.type) for field in table.schema}
    assert ("string", "bool", "int64") == (types["account_id"], types["enforced"], types["active_keys"])
    assert ("timestamp[us, tz=UTC]", "date32[day]") == (types["observed_at"], types["exempt_until"])
    assert {"=cmd|'/c calc'!A1", "+plus", "@at"} <= set(table.column("user_name").to_pylist())


def test_parquet_of_nobody_has_its_columns():
    pytest.importorskip("pyarrow", reason="Parquet is in the extra `parquet`")
    stream = io.BytesIO()
    write_users(stream, UsersFormat.PARQUET, a_header(), (), a_progress(), NOW, NOTIFIED)
    assert (0, len(USERS.columns)) == read_parquet(stream.getvalue()).shape


def test_parquet_is_the_same_to_the_byte_and_takes_any_text():
    pytest.importorskip("pyarrow", reason="Parquet is in the extra `parquet`")
    part = an_account_plan(replace(an_entry("alice"), address="\udc80 <名前>"))
    streams = [io.BytesIO(), io.BytesIO()]
    for stream in streams:
        write_users(stream, UsersFormat.PARQUET, a_header(part), (part,), a_progress(), NOW, NOTIFIED)
    first, second = (stream.getvalue() for stream in streams)
    assert first == second
    assert ["\\udc80 <名前>"] == read_parquet(first).column("address").to_pylist()


@pytest.mark.parametrize("kind", UsersFormat)
def test_users_are_written_as_they_come_and_not_all_held(kind: UsersFormat, monkeypatch: pytest.MonkeyPatch):
    """There may be a million of them."""
    monkeypatch.setattr("rollout.reporting.users_file._LINES_AT_ONCE", 500)
    monkeypatch.setattr("rollout.reporting.tables._LINES_AT_ONCE", 500)
    stream, written = io.BytesIO(), []

    def accounts() -> Iterator[AccountPlan]:
        for number in range(4):
            written.append(stream.tell())
            account_id = f"{number:012}"
            users = (an_entry(f"user-{user}", account_id=account_id) for user in range(600))
            yield an_account_plan(*users, account_id=account_id)

    write_users(stream, kind, a_header(), accounts(), a_progress(), NOW, NOTIFIED)
    assert sorted(set(written)) == written
