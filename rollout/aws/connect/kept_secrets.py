"""Reads a secret from AWS Secrets Manager, or from Parameter Store of Systems Manager."""

from __future__ import annotations

from typing import Any

from rollout.awsapi.attempts import CallCounts, CallRequest
from rollout.awsapi.failures import CallFailed, one_line
from rollout.awsapi.faults import Fault
from rollout.awsapi.operations import operation_named
from rollout.awsapi.retries import Retries
from rollout.awsapi.sessions import Connection
from rollout.errors import ChannelUnusable


def kept_secret(connection: Connection, retries: Retries, kind: str, name: str) -> str:
    """Read a secret with the caller's own credentials; `kind` is `secretsmanager` or `ssm`.

    By `GetSecretValue`, or `GetParameter` with decryption. Raises ChannelUnusable.
    """
    # The Region is that of the secret, where its ARN names one.
    region = name.split(":")[3] if name.startswith("arn:") and name.count(":") > 3 else ""
    client = connection.for_notices(kind, region)
    if kind == "secretsmanager":
        operation = operation_named(kind, "GetSecretValue")
        answer = _ask(lambda: client.get_secret_value(SecretId=name), operation, retries, kind, name)
        found = answer.get("SecretString")
    else:
        operation = operation_named(kind, "GetParameter")
        answer = _ask(
            lambda: client.get_parameter(Name=name, WithDecryption=True), operation, retries, kind, name
        )
        found = answer["Parameter"].get("Value")
    if not found:
        raise ChannelUnusable(f"the secret {kind}:{name} is no text", cure="store the password itself there")
    return str(found)


def _ask(make: Any, operation: Any, retries: Retries, kind: str, name: str) -> dict[str, Any]:
    request: CallRequest[dict[str, Any]] = CallRequest(
        make, operation, "", retries.pace(), CallCounts(), own_credentials=True
    )
    try:
        return retries.call(request).value
    except CallFailed as failed:
        cure = failed.cure or "correct the name, or the Region of AWS_REGION"
        if failed.fault is Fault.DENIED:
            cure = f"allow this identity {operation.actions[0]} on it, and kms:Decrypt on its key"
        why = f"{failed.code}: {one_line(failed.message)}"
        raise ChannelUnusable(f"the secret {kind}:{name} cannot be read: {why}", cure=cure) from None
