"""`evidence.import`: a file of what access keys call, as a query of CloudTrail Lake or Athena writes it."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from rollout.domain.people.key_use import UsedBy, use_of
from rollout.errors import BadEvidence
from rollout.store import imported_activity as module
from rollout.store.imported_activity import OPTIONAL, REQUIRED, imported_activity

KEY = "AKIAIOSFODNN7EXAMP3F"
HEAD = "access_key_id,since,until,calls,last_call_without_mfa,agents,addresses"
ROW = f"{KEY},2026-08-01,2026-11-23T22:00:00Z,12,2026-11-20 16:30:00,aws-cli=11;Boto3,203.0.113.24=12"
SPAN = "2026-08-01,2026-11-23"


def written(folder: Path, *lines: str, name: str = "lake.csv") -> Path:
    path = folder / name
    path.write_text("\n".join(lines) + "\n")
    return path


def test_a_row_is_what_the_calls_of_a_key_come_to(tmp_path: Path):
    [(key, found)] = imported_activity(written(tmp_path, HEAD, ROW)).items()
    assert (KEY, "key AKIA…3F", "lake.csv, line 2") == (key, found.key, found.source)
    assert datetime(2026, 8, 1, tzinfo=UTC) == found.since
    assert datetime(2026, 11, 23, 22, tzinfo=UTC) == found.read_at
    assert (12, datetime(2026, 11, 20, 16, 30, tzinfo=UTC)) == (found.calls, found.last)
    assert ((("aws-cli", 11), ("Boto3", 1)), (("203.0.113.24", 12),)) == (found.agents, found.addresses)
    assert ((), (), 0, None) == (found.days, found.hours, found.with_mfa, found.last_with_mfa)


def test_with_hours_and_days_it_tells_a_person(tmp_path: Path):
    days = ";".join(f"2026-11-{day}" for day in range(10, 21))
    more = f"{days},8=6;9=5,ec2:DescribeInstances=12,3,2026-11-22T08:00:00+01:00,"
    row = f"{ROW.replace(';Boto3', '')},{more}"
    found = imported_activity(written(tmp_path, f"{HEAD},{','.join(OPTIONAL)}", row))[KEY]
    assert UsedBy.PERSON == use_of(found, ("203.0.113.0/24",)).by
    assert (date(2026, 11, 10), 11, 3) == (found.days[0], len(found.days), found.with_mfa)
    assert datetime(2026, 11, 22, 7, tzinfo=UTC) == found.last_with_mfa


def test_a_key_without_calls_has_no_last_one(tmp_path: Path):
    found = imported_activity(written(tmp_path, HEAD, f"{KEY},{SPAN},0,,,", "", name="LAKE.CSV"))[KEY]
    assert (0, None, ()) == (found.calls, found.last, found.agents)


@pytest.mark.parametrize(
    ("row", "says"),
    [
        (f"{KEY},{SPAN},many,2026-11-20,,", '2: calls: "many" is not a number'),
        (f"{KEY},{SPAN},-1,2026-11-20,,", '2: calls: "-1" is not a number'),
        (f"{KEY},{SPAN},1,yesterday,,", '2: last_call_without_mfa: "yesterday" is not a time such as'),
        (f"{KEY},,2026-11-23,0,,,", '2: since: "" is not a time'),
        (f"{KEY},2026-11-24,2026-11-23,0,,,", "2: since: is later than until"),
        (f"{KEY},{SPAN},3,,,", "2: calls: must be 0 exactly where last_call_without_mfa is empty"),
        (f"{KEY},{SPAN},3,2026-11-20,aws-cli=x,", '2: agents: "x" is not a number'),
        (f"ASIA123,{SPAN},0,,,", "2: access_key_id: not the ID of a long-term access key"),
        (f"{KEY},{SPAN},0,,", "2: 6 cells, but 7 columns"),
        (f'{KEY},{SPAN},0,,,"', "unexpected end of data"),
        (f"{ROW}\n{ROW}", "3: access_key_id: key AKIA…3F has another row above"),
        ("\xff", "2: is not UTF-8"),
    ],
)
def test_a_row_that_cannot_be_read_is_named_with_its_line(tmp_path: Path, row: str, says: str):
    path = tmp_path / "lake.csv"
    path.write_bytes(f"{HEAD}\n{row}\n".encode("latin-1" if row == "\xff" else "utf-8"))
    with pytest.raises(BadEvidence) as refused:
        imported_activity(path)
    assert says in str(refused.value)
    assert str(path) in str(refused.value)
    assert "docs/key-evidence.md" in refused.value.cure


@pytest.mark.parametrize(
    ("head", "says"),
    [
        (HEAD.replace(",calls", ""), "1: lacks column calls"),
        (f"{HEAD},owner", "1: has unknown column owner"),
        (f"{HEAD},calls", "1: has more than once column calls"),
        ("", "1: lacks columns access_key_id, since"),
    ],
)
def test_the_columns_are_checked_before_any_row(tmp_path: Path, head: str, says: str):
    with pytest.raises(BadEvidence, match=says):
        imported_activity(written(tmp_path, head, ROW))


def test_a_file_that_is_not_there_or_too_large_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(BadEvidence, match="No such file") as refused:
        imported_activity(tmp_path / "none.csv")
    assert "evidence.import" in refused.value.cure
    with pytest.raises(BadEvidence, match="has a line of more than 1 MiB"):
        imported_activity(written(tmp_path, HEAD, "x" * (1 << 21)))
    monkeypatch.setattr(module, "MOST_ROWS", 1)
    with pytest.raises(BadEvidence, match="more than 1 rows"):
        imported_activity(written(tmp_path, HEAD, ROW, ROW.replace("3F", "4F")))


def test_parquet_has_the_same_columns_with_types_of_its_own(tmp_path: Path):
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    moment = datetime(2026, 11, 20, 16, 30, tzinfo=UTC)
    row = {
        "access_key_id": KEY,
        "since": date(2026, 8, 1),
        "until": datetime(2026, 11, 23, tzinfo=UTC),
        "calls": 12,
        "last_call_without_mfa": moment,
        "agents": ["aws-cli=11", "Boto3"],
        "addresses": "203.0.113.24",
        "days": [date(2026, 11, 20)],
        "calls_with_mfa": None,
    }
    path = tmp_path / "lake.parquet"
    parquet.write_table(pyarrow.Table.from_pylist([row]), path)
    found = imported_activity(path)[KEY]
    assert (12, moment, 0) == (found.calls, found.last, found.with_mfa)
    assert ((("aws-cli", 11), ("Boto3", 1)), (date(2026, 11, 20),)) == (found.agents, found.days)
    path.write_bytes(b"PAR1 no more")
    with pytest.raises(BadEvidence, match="is no Parquet file"):
        imported_activity(path)


def test_every_column_is_in_the_documentation():
    page = (Path(__file__).parents[2] / "docs/key-evidence.md").read_text()
    assert [] == [name for name in (*REQUIRED, *OPTIONAL) if f"`{name}`" not in page]
