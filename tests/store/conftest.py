"""One S3 on the loopback for all tests of a worker, and an empty bucket for each that asks for one."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.store.bucket import BucketServer
from tests.store.places import BucketPlace, FolderPlace, Place


@pytest.fixture(scope="session")
def _bucket_server() -> Iterator[BucketServer]:
    server = BucketServer()
    yield server
    server.stop()


@pytest.fixture
def bucket(_bucket_server: BucketServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[BucketServer]:
    """An S3 with one bucket, empty, that the store's own client finds."""
    for service in ("S3", "STS", "KMS"):
        monkeypatch.setenv(f"AWS_ENDPOINT_URL_{service}", _bucket_server.endpoint)
    with _bucket_server.bucket():
        yield _bucket_server


@pytest.fixture(params=["folder", "bucket"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """A store of each kind."""
    if request.param == "folder":
        return FolderPlace(tmp_path)
    return BucketPlace(request.getfixturevalue("bucket"))
