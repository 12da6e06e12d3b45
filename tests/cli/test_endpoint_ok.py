"""No command sends signed calls to an endpoint that is neither AWS nor this machine, unless that is said."""

from __future__ import annotations

import inspect

import pytest

from rollout.cli.app import app
from rollout.cli.commands import policy
from rollout.sandbox.serving.server import Sandbox
from tests.cli.shell import Shell, listening

EVIL = "https://sts.amazonaws.evil.example"
WORDS = {
    "inventory": ("--out", "users.csv"),
    "plan": (),
    "apply": (),
    "approve": ("--wave", "canary", "--reason", "CAB-1"),
    "verify": (),
    "release": ("--all", "--reason", "INC-1", "--yes"),
    "rollback": ("--all", "--dry-run"),
    "seal": (),
}
"""What these commands need to be told to call AWS, also with a store in a folder."""


def commands() -> list[str]:
    return [
        command.name or ""
        for command in app.registered_commands
        if command.callback and "profile" in inspect.signature(command.callback).parameters
    ]


def test_whoever_takes_a_profile_takes_the_option():
    assert {*WORDS} < {*commands()}
    callbacks = [command.callback for command in app.registered_commands]
    assert policy.app.registered_callback
    for callback in (*callbacks, policy.app.registered_callback.callback):
        assert callback
        names = inspect.signature(callback).parameters
        assert ("profile" in names) == ("endpoint_ok" in names), callback


@pytest.mark.parametrize("command", WORDS)
def test_a_foreign_endpoint_is_refused_without_a_call(command: str, rehearsed: Shell):
    with listening() as heard:
        said = rehearsed(command, *WORDS[command], env={"AWS_ENDPOINT_URL_STS": EVIL})
    assert 5 == said.code
    assert said.errors[0].startswith(f"Error: refusing to call sts at {EVIL}: this is not AWS, ")
    assert "--endpoint-ok" in said.errors[1]
    assert not heard


def test_doctor_gives_the_cure(rehearsed: Shell):
    with listening() as heard:
        said = rehearsed("doctor", env={"AWS_ENDPOINT_URL_STS": EVIL})
    assert 1 == said.code
    assert f"refusing to call sts at {EVIL}" in said.out
    assert "--endpoint-ok" in said.out
    assert not heard


@pytest.mark.parametrize("command", ["status", "show", "notices", "report", "unlock"])
def test_so_is_one_for_the_store(command: str, rehearsed: Shell):
    env = {"ROLLOUT_STORE": "s3://team/rollout", "AWS_ENDPOINT_URL_S3": "https://s3.amazonaws.evil.example"}
    said = rehearsed(command, env=env)
    assert 5 == said.code
    assert said.errors[0].startswith("Error: refusing to call s3 at https://s3.amazonaws.evil.example")


@pytest.mark.parametrize("command", ["plan", "inventory", "release"])
def test_an_endpoint_that_is_meant_is_called_and_told(
    command: str, rehearsed: Shell, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
):
    """The sandbox stands for it: it is taken for another machine here."""
    monkeypatch.setattr("rollout.awsapi.endpoints.is_loopback", lambda _: False)
    monkeypatch.setattr("rollout.awsapi.sessions.refuse_insecure", lambda *_: None)
    assert 5 == rehearsed(command, *WORDS[command]).code
    said = rehearsed(command, *WORDS[command], "--endpoint-ok")
    assert 5 != said.code
    assert sandbox.environment()["AWS_ENDPOINT_URL"] in said.err + said.out
    # It holds for one command.
    assert 5 == rehearsed(command, *WORDS[command]).code
