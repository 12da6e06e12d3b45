"""What is measured, one function a row or a few that share their preparation, with what is wanted of it."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from benchmarks import long_journal
from benchmarks.iam_answers import WRITES
from benchmarks.measuring import Cost, Place, place

TIMES, MILLISECONDS, MEGABYTES, SECONDS, CALLS = "×", "ms CPU", "MB", "s", "calls"


@dataclass(frozen=True)
class Row:
    """One figure: what was measured, and at most what is wanted. `calls`: by operation, for one user."""

    name: str
    unit: str
    wanted: float
    value: float
    said: str = ""
    calls: dict[str, float] = field(default_factory=dict)

    @property
    def good(self) -> bool:
        return self.value <= self.wanted


def said(cost: Cost) -> str:
    return f"{cost.seconds:.1f} s, {cost.cpu:.1f} s CPU, {cost.peak:.0f} MB"


def against_floor(
    there: Place, name: str, command: Callable[[], Cost], rounds: int
) -> tuple[float, str, list[Cost]]:
    """Run command and floor in turn, and return the ratio of the medians of their wall times."""
    ours, floors = [], []
    for _ in range(rounds):
        there.aws.control("forget", {})
        ours.append(command())
        there.aws.control("forget", {})
        floors.append(there.floor(name))
    middle = sorted(ours, key=lambda cost: cost.seconds)[rounds // 2]
    least = sorted(floors, key=lambda cost: cost.seconds)[rounds // 2]
    ratio = median(cost.seconds for cost in ours) / median(cost.seconds for cost in floors)
    return ratio, f"{said(middle)}; floor {said(least)}", ours


def inventory(
    accounts: int, users: int, latency: float, wanted: float, rounds: int, *options: str
) -> Iterator[Row]:
    """`inventory` against its floor."""
    with place(accounts, users, "--latency", str(latency), *options) as there:
        read = lambda: there.product("inventory", "--out", "users.csv")  # noqa: E731 - one line says it
        ratio, text, _ = against_floor(there, "inventory", read, rounds)
        without = ", without Paths" if "--no-paths" in options else ""
        name = f"`inventory`, {accounts:,} accounts × {users}, {latency * 1000:.0f} ms{without}: wall ÷ floor"
        yield Row(name, TIMES, wanted, ratio, text)


def stored_plan(accounts: int, users: int) -> Iterator[Row]:
    """`plan` of very many users, and the commands that read it."""
    total = accounts * users
    with place(accounts, users) as there:
        cost = there.product("plan")
        yield Row(f"`plan`, {total:,} users: memory", MEGABYTES, 300, cost.peak, said(cost))
        yield Row(
            f"`plan`, {total:,} users: CPU a user", MILLISECONDS, 0.8, cost.cpu / total * 1000, said(cost)
        )
        one = f"{100_000_000_000 + accounts // 2}"
        for words in (("status",), ("show", "--account", one)):
            cost = there.product(*words)
            shown = f"`{' '.join(words[:2])}`, plan of {total:,} users"
            yield Row(shown, SECONDS, 1.0, cost.seconds, said(cost))
            yield Row(f"{shown}: memory", MEGABYTES, 120, cost.peak, said(cost))
        cost = there.product("report")
        yield Row(f"`report`, {total:,} users", SECONDS, 20, cost.seconds, said(cost))
        yield Row(f"`report`, {total:,} users: memory", MEGABYTES, 300, cost.peak, said(cost))


def journey(accounts: int, users: int) -> Iterator[Row]:
    """The calls of a dry-run, an enforcement and a verification, for each user of the organization."""
    total = accounts * users
    with place(accounts, users) as there:
        there.product("plan")
        for words, wanted in (
            (("apply", "--stage", "dry-run"), 2.0),
            (("apply", "--stage", "notify", "--yes"), None),
            (("apply", "--stage", "enforce", "--yes"), 3.0),
            (("verify",), 0.5),
        ):
            there.aws.control("reset", {})
            cost = there.product(*words)
            calls = there.aws.calls()
            if wanted is not None:
                yield Row(
                    f"`{' '.join(words).removesuffix(' --yes')}`, {accounts} accounts × {users}: calls a user",
                    CALLS,
                    wanted,
                    calls.total() / total,
                    said(cost),
                    {name: count / total for name, count in calls.most_common()},
                )


def enforcing(accounts: int, users: int, latency: float, *options: str) -> Iterator[Row]:
    """`apply --stage enforce` of everybody against its floor, and what it writes."""
    with place(accounts, users, *options) as there:
        for words in (("plan",), ("apply", "--stage", "dry-run"), ("apply", "--stage", "notify", "--yes")):
            there.product(*words)
        there.aws.control("weather", {"latency": latency})
        there.aws.control("reset", {})
        ours = there.product("apply", "--stage", "enforce", "--yes")
        calls = there.aws.calls()
        there.aws.control("forget", {})
        least = there.floor("enforce")
        size = f"{accounts:,} accounts × {users}" + (", one × 5,000" if options else "")
        name = f"`apply --stage enforce`, {size}, {latency * 1000:.0f} ms"
        yield Row(
            f"{name}: wall ÷ floor",
            TIMES,
            1.3,
            ours.seconds / least.seconds,
            f"{said(ours)}; floor {said(least)}",
        )
        beyond = Counter({word: count for word, count in calls.items() if word in WRITES})
        moved = beyond.pop("AddUserToGroup", 0)
        yield Row(
            f"{name}: writes an account beyond its users",
            "writes",
            10,
            beyond.total() / accounts,
            f"{moved} users",
        )


def beginning(lines: int, people: int) -> Iterator[Row]:
    """How soon `apply` enters its first account, with a journal of very many lines that it has never read."""
    for name, cost in long_journal.costs(lines, people):
        if name.endswith("apply"):
            shown = f"`apply` begins, {lines:,} journal lines, {name.split()[0]} time"
            yield Row(shown, SECONDS, 5, cost.seconds, said(cost))
            yield Row(f"{shown}: memory", MEGABYTES, 200, cost.peak, said(cost))


def weather(accounts: int, users: int) -> Iterator[Row]:
    """The same inventory in calm and in bad weather."""
    with place(accounts, users, "--latency", "0.02") as there:
        calm = there.product("inventory", "--out", "calm.csv")
        there.aws.control("weather", {"throttled": 0.2, "failed": 0.05, "reset": 0.02})
        bad = there.product("inventory", "--out", "bad.csv")
        equal = users_in(there.folder / "calm.csv") == users_in(there.folder / "bad.csv")
        text = f"{said(bad)}; calm {said(calm)}; {'equal output' if equal else 'THE OUTPUT DIFFERS'}"
        name = f"throttled 20 %, failed 5 %, reset 2 %, {accounts} accounts × {users}: wall ÷ calm"
        yield Row(name, TIMES, 3.0, bad.seconds / calm.seconds if equal else float("inf"), text)


def users_in(path: Path) -> list[dict[str, str]]:
    """The rows of an inventory, without the times at which users were looked at."""
    with path.open(newline="") as lines:
        return [{**row, "observed_at": ""} for row in csv.DictReader(lines)]


def million(accounts: int, users: int) -> Iterator[Row]:
    """What is asked of the largest size: the plan against the floor's CPU, and the report."""
    total = accounts * users
    with place(accounts, users) as there:
        cost = there.product("plan")
        least = there.floor("inventory")
        text = f"{said(cost)}; floor {said(least)}"
        yield Row(f"`plan`, {total:,} users: memory", MEGABYTES, 600, cost.peak, text)
        yield Row(f"`plan`, {total:,} users: CPU ÷ floor", TIMES, 0.8, cost.cpu / least.cpu, text)
        cost = there.product("report")
        yield Row(f"`report`, {total:,} users", SECONDS, 300, cost.seconds, said(cost))
        yield Row(f"`report`, {total:,} users: memory", MEGABYTES, 1024, cost.peak, said(cost))


SIZES: dict[str, tuple[Callable[[], Iterator[Row]], ...]] = {
    "small": (
        lambda: inventory(10, 50, 0.05, 1.1, 2),
        lambda: journey(3, 20),
    ),
    "full": (
        lambda: inventory(10, 50, 0.05, 1.1, 3),
        lambda: inventory(10, 50, 0.05, 1.1, 3, "--no-paths"),
        lambda: inventory(100, 20, 0.05, 0.9, 3),
        lambda: inventory(100, 500, 0.05, 1.0, 1),
        lambda: inventory(1000, 100, 0.02, 0.6, 1),
        lambda: stored_plan(1000, 100),
        lambda: stored_plan(2000, 100),
        lambda: journey(20, 50),
        lambda: enforcing(200, 50, 0.02),
        lambda: enforcing(1, 50, 0.02, "--one-large", "5000"),
        lambda: weather(100, 20),
        lambda: beginning(200_000, 20_000),
    ),
    "million": (lambda: million(10_000, 100),),
}
"""The rows of each size. `small` is for CI; `million` takes long, and is run only when it is asked for."""
