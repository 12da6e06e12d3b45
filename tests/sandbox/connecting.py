"""Plain boto3 against a sandbox, as any client would use it: nothing here knows what answers."""

import csv
import io
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import boto3
import pyotp
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from rollout.sandbox.serving.server import Sandbox
from rollout.sandbox.world.identifiers import DESCRIBED_SEED

MANAGEMENT, HUB, STOREFRONT, PAYMENTS = "111122223333", "222233334444", "012345678901", "333344445555"
DEV, TEST, NETWORK, PLAYGROUND = "444455556666", "555566667777", "666677778888", "777788889999"
ARCHIVE, PARTNER, ACQUIRED, CLOSED, FROZEN = (
    "888899990000",
    "300040005000",
    "200030004000",
    "999900001111",
    "100020003000",
)
_SESSION = boto3.Session()


def client(service: str, environment: Mapping[str, str]) -> Any:
    """A client that tries once, with the endpoint and the credentials of an environment."""
    return _SESSION.client(
        service,  # type: ignore[call-overload]  # any service
        endpoint_url=environment["AWS_ENDPOINT_URL"],
        region_name=environment["AWS_REGION"],
        aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
        aws_session_token=environment.get("AWS_SESSION_TOKEN"),
        config=Config(retries={"total_max_attempts": 1, "mode": "standard"}),
    )


def as_operator(sandbox: Sandbox, service: str) -> Any:
    return client(service, sandbox.environment())


def entered(
    environment: Mapping[str, str], account: str, role: str = "OrganizationAccountAccessRole", **more: Any
) -> dict[str, str]:
    """The environment of a session of that role in that account."""
    arn = f"arn:aws:iam::{account}:role/{role}"
    answer = client("sts", environment).assume_role(RoleArn=arn, RoleSessionName="tests", **more)
    return with_credentials(environment, answer["Credentials"])


def with_credentials(environment: Mapping[str, str], credentials: Mapping[str, str]) -> dict[str, str]:
    return {
        **environment,
        "AWS_ACCESS_KEY_ID": credentials["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": credentials["SecretAccessKey"],
        "AWS_SESSION_TOKEN": credentials["SessionToken"],
    }


def iam_of(sandbox: Sandbox, account: str) -> Any:
    """IAM of an account, as a tool in the management account reaches it."""
    if account == MANAGEMENT:
        return as_operator(sandbox, "iam")
    role = "AWSControlTowerExecution" if account == NETWORK else "OrganizationAccountAccessRole"
    return client("iam", entered(sandbox.environment(), account, role))


def report_of(iam: Any) -> list[dict[str, str]]:
    """The rows of a credential report, generated if need be."""
    while iam.generate_credential_report()["State"] != "COMPLETE":
        pass
    return rows_of(iam.get_credential_report()["Content"])


def rows_of(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode())))


def code_of(sandbox: Sandbox, seed: str | bytes = DESCRIBED_SEED, later: int = 0) -> str:
    """The code that a device shows now, or some steps of 30 s later, by the clock of the sandbox."""
    text = seed if isinstance(seed, str) else seed.decode()
    return pyotp.TOTP(text).at(sandbox.now() + timedelta(seconds=30 * later))


def two_codes(sandbox: Sandbox, seed: str | bytes) -> dict[str, str]:
    """The last code and the present one, as EnableMFADevice takes them."""
    return {
        "AuthenticationCode1": code_of(sandbox, seed, -1),
        "AuthenticationCode2": code_of(sandbox, seed),
    }


def refused(code: str, status: int) -> Any:
    """Expect an answer that says no, by wire code and HTTP status."""
    return pytest.RaisesExc(ClientError, check=lambda error: _says(error, code, status))


def _says(error: ClientError, code: str, status: int) -> bool:
    answer = error.response
    headers = answer["ResponseMetadata"]["HTTPHeaders"]
    assert headers["x-amzn-requestid"], "every answer has a request id"
    return (answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"]) == (code, status)
