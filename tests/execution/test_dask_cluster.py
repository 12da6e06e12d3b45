"""Accounts on the workers of a cluster: the same answers as here, whoever of the cluster dies."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Event

import pytest
from distributed import LocalCluster

from benchmarks.stand_in import Answering
from rollout.errors import ClusterUnusable
from rollout.execution import dask_cluster
from rollout.execution.dask_cluster import DaskEngine
from tests.cli.shell import ROOT, Shell
from tests.stand_in import serving, shell_in

# Each of the two workers is an interpreter that imports Dask, which takes seconds.
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("default")]

ACCOUNTS, USERS = 8, 3


@pytest.fixture(scope="module")
def aws() -> Iterator[Answering]:
    with serving(ACCOUNTS, USERS) as answering:
        yield answering


@pytest.fixture(scope="module")
def cluster(aws: Answering) -> Iterator[LocalCluster]:
    """Two workers, in processes of their own, with the variables of the stand-in in their environment."""
    with LocalCluster(n_workers=2, threads_per_worker=2, dashboard_address=None) as cluster:
        yield cluster


@pytest.fixture
def shell(aws: Answering, tmp_path: Path) -> Shell:
    return shell_in(tmp_path)


def on(cluster: LocalCluster) -> tuple[str, ...]:
    return ("--engine", "dask", "--scheduler", cluster.scheduler_address)


def accounts_in(plan: Path) -> str:
    """The documents of a plan but for the first, which has its ID and time."""
    header, mark, accounts = plan.read_text().partition("\n---\n")
    assert header
    return mark + accounts


def test_the_plan_is_the_same_as_by_threads(cluster: LocalCluster, shell: Shell):
    shell("inventory", "--out", "here.csv")
    assert 0 == shell("inventory", "--out", "there.csv", *on(cluster)).code
    assert (shell.folder / "here.csv").read_bytes() == (shell.folder / "there.csv").read_bytes()
    shell("plan", "--out", "here.yaml")
    shell("plan", "--out", "there.yaml", *on(cluster))
    here, there = (accounts_in(shell.folder / name) for name in ("here.yaml", "there.yaml"))
    assert here == there
    assert ACCOUNTS == here.count("\n---\n")


def test_a_worker_that_is_killed_costs_no_account(cluster: LocalCluster, shell: Shell, aws: Answering):
    shell("inventory", "--out", "calm.csv")
    before = aws.calls["GetAccountAuthorizationDetails"]
    victim = next(iter(cluster.workers.values())).process.pid  # its nanny starts another

    def kill() -> None:
        while aws.calls["GetAccountAuthorizationDetails"] <= before:
            time.sleep(0.001)
        os.kill(victim, signal.SIGKILL)

    killer = threading.Thread(target=kill)
    killer.start()
    assert 0 == shell("inventory", "--out", "killed.csv", *on(cluster)).code
    killer.join()
    assert (shell.folder / "calm.csv").read_bytes() == (shell.folder / "killed.csv").read_bytes()


def test_a_client_that_is_killed_leaves_nothing_that_the_next_run_minds(
    cluster: LocalCluster, shell: Shell, aws: Answering
):
    before = aws.calls["GetAccountAuthorizationDetails"]
    words = [sys.executable, "-m", "rollout", "plan", *on(cluster)]
    environment = {**os.environ, **shell.environment, "PYTHONPATH": str(ROOT)}
    client = subprocess.Popen(words, cwd=shell.folder, env=environment, stderr=subprocess.DEVNULL)
    while aws.calls["GetAccountAuthorizationDetails"] <= before:
        time.sleep(0.001)
    client.kill()
    client.wait()
    assert not list((shell.folder / "plans").glob("*.yaml"))
    assert 0 == shell("plan", *on(cluster)).code
    assert 1 == len(list((shell.folder / "plans").glob("*.yaml")))
    assert not list((shell.folder / "plans").glob(".parts-*"))


def test_every_item_is_answered_once(cluster: LocalCluster):
    answers = list(DaskEngine(cluster.scheduler_address).map(lambda item: item * 2, range(50)))
    assert sorted(answers) == [(item, item * 2) for item in range(50)]


def test_the_first_error_is_raised_after_the_answers_under_way(cluster: LocalCluster):
    def task(item: int) -> int:
        if item == 3:
            raise ClusterUnusable("no", cure="none")
        return item

    answers: list[tuple[int, int]] = []
    with pytest.raises(ClusterUnusable, match="no") as raised:
        answers += DaskEngine(cluster.scheduler_address).map(task, range(10_000))
    assert raised.value.cure == "none"


def test_once_it_is_stopped_nothing_more_begins(cluster: LocalCluster):
    stop, answers = Event(), []
    for item, _ in DaskEngine(cluster.scheduler_address, stop).map(lambda item: item, range(10_000)):
        answers.append(item)
        stop.set()
    assert 0 < len(answers) < 100


def test_without_a_scheduler_it_says_so(shell: Shell, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(dask_cluster, "CONNECT_WITHIN", 0.2)
    said = shell("inventory", "--out", "users.csv", "--engine", "dask", "--scheduler", "tcp://127.0.0.1:9")
    assert 1 == said.code
    assert "no Dask scheduler answers at tcp://127.0.0.1:9" in said.errors[0]


def test_a_cluster_has_to_be_named(shell: Shell):
    said = shell("plan", "--engine", "dask")
    assert 2 == said.code
    assert "--scheduler" in said.errors[0]


def test_a_file_of_this_machine_is_refused(shell: Shell):
    (shell.folder / "keys.csv").write_text("")
    variables = {"ROLLOUT_EVIDENCE__IMPORT": "keys.csv"}
    said = shell("plan", "--engine", "dask", "--scheduler", "tcp://127.0.0.1:9", env=variables)
    assert 2 == said.code
    assert "evidence.import" in said.errors[0]


def test_workers_of_another_account_are_refused(cluster: LocalCluster, shell: Shell):
    elsewhere = {"AWS_ACCESS_KEY_ID": "AKIA100000000003ROLL"}
    said = shell("inventory", "--out", "users.csv", *on(cluster), env=elsewhere)
    assert 1 == said.code
    assert "has credentials of account 100000000000" in said.errors[0]
