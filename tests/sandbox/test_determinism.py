"""One instance is one organization; another is another. And the clock: what it moves, and what it does not."""

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
from moto.iam import models

from rollout.sandbox.serving.server import Sandbox, SandboxAlreadyRuns
from rollout.sandbox.world.sandbox_clock import SandboxClock
from tests.sandbox.conftest import NOW
from tests.sandbox.connecting import HUB, MANAGEMENT, STOREFRONT, as_operator, iam_of, report_of


def everything(instance: str | None) -> dict[str, Any]:
    with Sandbox.start(NOW, instance=instance, ticking=False) as sandbox:
        found: dict[str, Any] = {"organization": sandbox.organization_id, "settings": sandbox.settings()}
        environment = sandbox.environment()
        found["key"] = environment["AWS_ACCESS_KEY_ID"], environment["AWS_SECRET_ACCESS_KEY"]
        for account in (MANAGEMENT, HUB, STOREFRONT):
            iam = iam_of(sandbox, account)
            report_of(iam)
            found[f"report {account}"] = iam.get_credential_report()["Content"]
            found[f"details {account}"] = [
                {key: value for key, value in page.items() if key != "ResponseMetadata"}
                for page in iam.get_paginator("get_account_authorization_details").paginate()
            ]
            keys = iam.list_users()["Users"]
            found[f"ids {account}"] = [user["UserId"] for user in keys]
        organizations = as_operator(sandbox, "organizations")
        found["roots"] = organizations.list_roots()["Roots"]
        found["accounts"] = organizations.list_accounts()["Accounts"]
        return found


def test_the_same_instance_is_the_same_organization_to_the_byte():
    assert everything("equal") == everything("equal")


def test_without_an_instance_every_start_is_another_organization():
    one, other = everything(None), everything(None)
    assert one["organization"] != other["organization"]
    assert one["key"] != other["key"]
    assert not set(one[f"ids {HUB}"]) & set(other[f"ids {HUB}"])
    assert one[f"report {HUB}"] == other[f"report {HUB}"], "names and dates are described, not drawn"


def test_request_ids_repeat_with_the_script():
    def script() -> list[str]:
        with Sandbox.start(NOW, instance="equal") as sandbox:
            iam = as_operator(sandbox, "iam")
            answers = [iam.get_user(), iam.get_user(), iam.get_account_summary()]
        return [answer["ResponseMetadata"]["RequestId"] for answer in answers]

    first = script()
    assert 3 == len(set(first))
    assert first == script()


def test_there_is_one_sandbox_to_a_process():
    with Sandbox.start(NOW), pytest.raises(SandboxAlreadyRuns, match="stop it first"):
        Sandbox.start(NOW)
    Sandbox.start(NOW).stop()


def test_a_stopped_sandbox_leaves_moto_as_it_was():
    before = vars(models)["utcnow"]
    sandbox = Sandbox.start(NOW)
    assert vars(models)["utcnow"] is not before
    sandbox.stop()
    sandbox.stop()
    assert vars(models)["utcnow"] is before
    assert not models.iam_backends


def test_every_answer_is_dated_by_the_sandbox_clock():
    with Sandbox.start(NOW) as sandbox:
        iam = as_operator(sandbox, "iam")

        def date() -> datetime:
            header = iam.get_account_summary()["ResponseMetadata"]["HTTPHeaders"]["date"]
            return parsedate_to_datetime(header)

        assert timedelta(0) <= date() - NOW < timedelta(minutes=1)
        sandbox.advance(timedelta(days=14))
        assert timedelta(days=14) <= date() - NOW < timedelta(days=14, minutes=1)
        assert date() == sandbox.now()


def test_refusals_are_dated_too():
    with Sandbox.start(NOW) as sandbox:
        sandbox.advance(timedelta(days=30))
        iam = as_operator(sandbox, "iam")
        with pytest.raises(iam.exceptions.NoSuchEntityException) as refusal:
            iam.get_user(UserName="nobody")
        header = refusal.value.response["ResponseMetadata"]["HTTPHeaders"]["date"]
        assert sandbox.now() - parsedate_to_datetime(header) < timedelta(minutes=1)


def test_a_clock_that_does_not_tick_moves_only_when_told():
    with Sandbox.start(NOW, ticking=False) as sandbox:
        assert NOW == sandbox.now()
        assert NOW + timedelta(hours=12) == sandbox.advance(timedelta(hours=12)) == sandbox.now()


def test_the_clock_never_goes_back():
    with pytest.raises(ValueError, match="forward"):
        SandboxClock(NOW).advance(timedelta(seconds=-1))


def test_a_clock_knows_its_zone():
    assert UTC == SandboxClock(NOW.astimezone()).now().tzinfo
