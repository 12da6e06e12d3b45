"""Console authorization on the embedded organization: whom it holds, what is told of it, and what ends that."""

from __future__ import annotations

from rollout.sandbox.serving.server import Sandbox
from tests.cli.shell import Shell
from tests.interventions import at_call

ACCOUNT = "network-hub"
OPERATION = "GetConsoleAuthorizationConfiguration"


def verdicts(shell: Shell, *more: str) -> dict[str, tuple[str, list[str]]]:
    (account,) = shell("show", "--account", ACCOUNT, *more, "--json").json["accounts"]
    return {user["arn"].rpartition("/")[2]: (user["verdict"], user["because"]) for user in account["users"]}


def test_people_with_a_password_are_held_and_nobody_else(planned: Shell):
    found = verdicts(planned)
    for name in (
        "kofi.mensah",
        "ida.nilsen",
        "zoe.martin",
        "goran.maric",
    ):  # no device, TOTP, keys too, a passkey
        assert ("hold", ["console-authorization"]) == found[name]
    assert "enforce" == found["uma.patel"][0], "no password, so no sign-in"
    assert ("hold", ["machine"]) == found["vpn-provisioner"]


def test_one_person_is_told_why_and_what_to_do(planned: Shell):
    said = planned("show", "--account", ACCOUNT, "--user", "kofi.mensah", "--evidence").out
    for words in (
        "console authorization is on",
        "no session in which to enrol a device",
        "rules.console_authorization: proved",
        "At the sign-in to the console, with ForceMFA added",
        "signin:CreateOAuth2Token",
    ):
        assert words in said


def test_the_account_is_a_finding_with_all_that_is_weighed_there(bare: Shell):
    said = bare("plan", "--account", ACCOUNT)
    assert "Sign-In's resource policy: Deny signin:Authenticate if NotIpAddress aws:SourceIp" in said.out


def test_the_owners_word_lets_them_go_on(bare: Shell):
    proved = {"ROLLOUT_RULES__CONSOLE_AUTHORIZATION": "proved", "ROLLOUT_EXEMPTIONS": "[]"}
    assert 0 == bare("plan", "--account", ACCOUNT, env=proved).code
    found = {name: verdict for name, (verdict, _) in verdicts(bare).items()}
    assert "enforce" == found["kofi.mensah"] == found["ida.nilsen"]


def test_what_may_not_be_read_is_not_taken_for_off(bare: Shell, sandbox: Sandbox):
    with at_call(sandbox, OPERATION, refuse="AccessDenied", times=2) as calls:
        bare("plan", "--account", "storefront-dev", env={"ROLLOUT_EXEMPTIONS": "[]"})
    assert 2 == calls.counted, "the organization, and the account"
    (account,) = bare("show", "--account", "storefront-dev", "--json").json["accounts"]
    because = {user["arn"].rpartition("/")[2]: user["because"] for user in account["users"]}
    assert ["unknown"] == because["elif.demir"], "a password"
    assert "unknown" not in because["pavel.horak"], "none"
