"""The message that somebody gets, as `rollout notices --preview` shows it: its language, and its commands, typed."""

from __future__ import annotations

from rollout.sandbox.serving.server import Sandbox
from tests.cli.shell import Shell
from tests.notify.test_commands import commands_in, options_of
from tests.sandbox.connecting import HUB, client, code_of, iam_of, two_codes, with_credentials


def test_a_language_without_words_is_an_error_with_its_cure(planned: Shell):
    arn = "arn:aws:iam::222233334444:user/chen.wei"
    said = planned("notices", "--preview", arn, env={"ROLLOUT_NOTIFY__LANGUAGE": "fr"})
    assert 2 == said.code
    assert 'no words for messages in the language "fr"' in said.err
    german = planned("notices", "--preview", arn, "--json", env={"ROLLOUT_NOTIFY__LANGUAGE": "de"}).json
    assert german["subject"].startswith("Bitte handeln")
    assert '<html lang="de">' in german["html"]


def test_the_commands_of_a_preview_enrol_a_device_and_open_a_session(planned: Shell, sandbox: Sandbox):
    """What somebody with access keys reads is typed as it stands, but for the codes."""
    name, arn = "adam.kowalski", f"arn:aws:iam::{HUB}:user/adam.kowalski"
    body = planned("notices", "--preview", arn, "--json").json["body"]
    copied = tuple(line.removeprefix("    ") for line in body.splitlines() if line.startswith("    "))
    copied = tuple(
        line for line in copied if not line[:1].isupper()
    )  # the steps on the console are indented, too
    typed = {tuple(one[1:3]): options_of(one) for one in commands_in(copied) if one[:1] == ["aws"]}
    key = iam_of(sandbox, HUB).create_access_key(UserName=name)["AccessKey"]
    mine = {
        **sandbox.environment(),
        "AWS_ACCESS_KEY_ID": key["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"],
    }
    iam = client("iam", mine)

    made = typed["iam", "create-virtual-mfa-device"]
    device = iam.create_virtual_mfa_device(VirtualMFADeviceName=made["--virtual-mfa-device-name"])[
        "VirtualMFADevice"
    ]
    enabled, session = typed["iam", "enable-mfa-device"], typed["sts", "get-session-token"]
    assert device["SerialNumber"] == enabled["--serial-number"] == session["--serial-number"]
    seed = device["Base32StringSeed"]
    iam.enable_mfa_device(
        UserName=enabled["--user-name"], SerialNumber=enabled["--serial-number"], **two_codes(sandbox, seed)
    )
    answer = client("sts", mine).get_session_token(
        SerialNumber=session["--serial-number"], TokenCode=code_of(sandbox, seed, 1)
    )
    with_mfa = client("iam", with_credentials(mine, answer["Credentials"]))
    assert [device["SerialNumber"]] == [
        one["SerialNumber"] for one in with_mfa.list_mfa_devices(UserName=name)["MFADevices"]
    ]
    login = typed["configure", "mfa-login"]
    assert (device["SerialNumber"], f"mfa-{name}-{HUB}") == (
        login["--serial-number"],
        login["--update-profile"],
    )
