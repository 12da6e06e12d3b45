"""The kinds of place that a store can be, for tests that hold all of them to the same."""

import json
import os
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from rollout.files.private_files import FolderStore
from rollout.store.files import NamedFiles
from rollout.store.folder.lock_file import FolderLock
from rollout.store.folder.segments import FolderJournal
from rollout.store.kinds import StoreJournal
from rollout.store.lock_holder import Holder
from rollout.store.plan_files import FolderPlans, Plans
from rollout.store.processes import process_start
from rollout.store.s3.bucket_files import S3Files, S3Plans
from rollout.store.s3.bucket_journal import S3Journal
from rollout.store.s3.bucket_lock import S3Lock
from rollout.workflows.ports import Lock
from tests.builders import NOW, ORGANIZATION
from tests.store.reaching import objects

if TYPE_CHECKING:
    from tests.store.bucket import BucketServer

PURPOSE = "apply --stage enforce"


class BreakableLock(Lock, Protocol):
    """What `rollout unlock` needs of a lock, too."""

    def holder(self, organization_id: str) -> Holder | None: ...

    def break_open(self, organization_id: str) -> Holder | None: ...


class Place(Protocol):
    """A store, from inside as the product uses it and from outside as others may meddle with it."""

    lock_name: str

    def files(self) -> NamedFiles: ...

    def plans(self) -> Plans: ...

    def journal(self, run: str) -> StoreJournal: ...

    def lock(self, **who: Any) -> BreakableLock: ...

    def segment(self, run: str) -> str:
        """The name of the file that the first records of a run are in."""

    def names(self) -> list[str]: ...

    def content(self, name: str) -> bytes: ...

    def put(self, name: str, content: bytes) -> None: ...

    def remove(self, name: str) -> None: ...


class Clock:
    """Fills `Clock`."""

    def now(self) -> datetime:
        return NOW


def me(**who: Any) -> dict[str, Any]:
    this = {"owner": "ana", "host": "laptop", "pid": os.getpid()}
    return this | {"process_start": process_start(os.getpid()), "clock": Clock()} | who


class FolderPlace:
    """Fills `Place`."""

    lock_name = f".rollout/locks/{ORGANIZATION}.lock"

    def __init__(self, root: Path) -> None:
        self.root = root

    def files(self) -> NamedFiles:
        return FolderStore(self.root)

    def plans(self) -> Plans:
        return FolderPlans(self.root)

    def journal(self, run: str) -> StoreJournal:
        return FolderJournal(self.root, run)

    def lock(self, **who: Any) -> BreakableLock:
        return FolderLock(self.root, **me(**who))

    def segment(self, run: str) -> str:
        return f"journal/{run}.jsonl"

    def names(self) -> list[str]:
        return sorted(str(path.relative_to(self.root)) for path in self.root.rglob("*") if path.is_file())

    def content(self, name: str) -> bytes:
        return (self.root / name).read_bytes()

    def put(self, name: str, content: bytes) -> None:
        (self.root / name).parent.mkdir(parents=True, exist_ok=True)
        (self.root / name).write_bytes(content)

    def remove(self, name: str) -> None:
        (self.root / name).unlink()


class BucketPlace:
    """Fills `Place`."""

    lock_name = f"locks/{ORGANIZATION}.json"

    def __init__(self, server: "BucketServer | None") -> None:
        self._server = server

    @property
    def server(self) -> "BucketServer":
        """The server; it can be told only where it runs."""
        assert self._server
        return self._server

    def files(self) -> NamedFiles:
        return S3Files(objects())

    def plans(self) -> Plans:
        return S3Plans(objects())

    def journal(self, run: str) -> StoreJournal:
        return S3Journal(objects(), run)

    def lock(self, **who: Any) -> BreakableLock:
        return S3Lock(objects(), **me(**who))

    def segment(self, run: str) -> str:
        return f"journal/{run}/00000001.jsonl"

    def names(self) -> list[str]:
        return [key.removeprefix("team/") for key in self.server.keys()]  # noqa: SIM118 - no mapping

    def content(self, name: str) -> bytes:
        return self.server.content(f"team/{name}")

    def put(self, name: str, content: bytes) -> None:
        self.server.put(f"team/{name}", content)

    def remove(self, name: str) -> None:
        self.server.delete(f"team/{name}")


def reopened(root: str) -> Place:
    """Open the place of a test in another process: its folder, or the bucket that the environment names."""
    return FolderPlace(Path(root)) if "AWS_ENDPOINT_URL_S3" not in os.environ else BucketPlace(None)


def left_behind(place: Place, **content: Any) -> None:
    """A lock as a process leaves it that was killed."""
    here = process_start(os.getpid()).partition(" / ")[2]
    known = {
        "owner": "bob",
        "host": "laptop",
        "pid": a_dead_pid(),
        "process_start": f"1 / {here}",
        "since": NOW.isoformat(),
        "purpose": "apply --stage notify",
        "token": "bob-1",
    }
    place.put(place.lock_name, json.dumps(known | content).encode())


def a_dead_pid() -> int:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    return gone.pid
