"""The store's own way to the bucket of a test; nothing here needs moto, so that other processes start fast."""

from collections.abc import Callable
from functools import cache
from typing import Any

from rollout.awsapi.retries import Patience, Retries
from rollout.awsapi.sessions import Connection
from rollout.store.s3.object_failures import Place
from rollout.store.s3.objects import S3Objects

BUCKET, OWNER = "state-of-rollout", "123456789012"


@cache
def connection() -> Connection:
    """One for all tests: making it takes longer than most of them."""
    return Connection(region="us-east-1", timeouts=(10, 5))


def objects(
    *,
    attempts: int = 12,
    sleep: Callable[[float], None] = lambda _: None,
    by: Connection | None = None,
    **place: Any,
) -> S3Objects:
    """The store's objects, as wiring would make them but for waits; AWS_ENDPOINT_URL_S3 names the server."""
    client = (by or connection()).s3()
    where = Place(**({"bucket": BUCKET, "prefix": "team"} | place))
    return S3Objects(client, where, Retries(Patience(attempts=attempts), sleep=sleep))
