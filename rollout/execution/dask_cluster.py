"""Runs account tasks on the workers of a Dask cluster, on as many machines as it has (docs/cluster.md)."""

from __future__ import annotations

import logging
import pickle
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import copy_context
from dataclasses import dataclass, field
from hashlib import sha256
from queue import Empty, SimpleQueue
from threading import Event, Lock
from typing import Any, TypeVar

import cloudpickle
from distributed import Client, Future, KilledWorker

from rollout.errors import ClusterUnusable

Item = TypeVar("Item")
Answer = TypeVar("Answer")

CONNECT_WITHIN = 10.0
"""Seconds until the scheduler has to have answered."""
LOOK_EVERY = 5.0
"""Seconds without news after which the scheduler is asked for its workers."""
WITHOUT_WORKERS = 60.0
"""Seconds for which there may be no worker at all, while machines are replaced."""
SUBMISSIONS = 4
"""So often one item is given to the cluster, when the cluster loses it for other reasons than a worker's death."""


@dataclass(slots=True)
class DaskEngine:
    """Implements `Engine` on a Dask cluster: items and answers are pickled, and so is the task, once a worker.

    - As many items are under way as the workers have threads, and as many again wait there.
    - Where a worker is lost, its items are done again by others; an item during which several workers were lost in turn
      ends the command. So a task must be one that can be repeated.
    - Once `stop` is set, no further item starts; those under way finish, and their answers are yielded.
    - When a task raises, no further item starts either; the error is raised after those under way have finished.
    - When this process dies, the scheduler forgets what it had asked for.

    Every method raises ClusterUnusable when the cluster cannot be used.
    """

    scheduler: str
    stop: Event = field(default_factory=Event)
    workers: int = 1
    """The workers there were when the last `map` began."""

    def map(self, task: Callable[[Item], Answer], items: Iterable[Item]) -> Iterator[tuple[Item, Answer]]:
        """Yield each item with its result, in the order in which they finish. Raises the first error of a task."""
        with _client(self.scheduler) as client:
            self.workers = len(client.nthreads())
            run = _Mapping(client, cloudpickle.dumps(task), iter(items), self.stop)
            try:
                yield from run.answers()
            finally:
                client.cancel(run.running, force=True)
        if run.error is not None:
            raise run.error


class _Mapping:
    """One `map` under way."""

    def __init__(self, client: Client, packed: bytes, waiting: Iterator[Any], stop: Event) -> None:
        self._client, self._waiting, self._stop = client, waiting, stop
        self._packed, self._digest = packed, sha256(packed).hexdigest()
        self._shared: Future[Any] | None = None
        self._items: dict[str, tuple[Any, int]] = {}
        self._news: SimpleQueue[Future[Any]] = SimpleQueue()
        self._futures: dict[str, Future[Any]] = {}
        self._numbers = iter(range(2**62))
        self._room = 0
        self.error: BaseException | None = None

    @property
    def running(self) -> list[Future[Any]]:
        """What was given to the cluster and has not come back."""
        return list(self._futures.values())

    def answers(self) -> Iterator[tuple[Any, Any]]:
        """Yield the answers; afterwards `error` is the first error of a task."""
        self._look()
        while True:
            while self.error is None and len(self._futures) < self._room and not self._stop.is_set():
                try:
                    item = next(self._waiting)
                except StopIteration:
                    break
                self._submit(item, 1)
            if not self._futures:
                return
            done = self._awaited()
            if done.key not in self._futures:
                continue
            item, times = self._items.pop(done.key)
            del self._futures[done.key]
            match done.status:
                case "finished":
                    yield item, done.result()
                case "error":
                    self._failed(done.exception(), item)
                case _:  # the cluster has lost it
                    self._again(item, times)

    def _submit(self, item: Any, times: int) -> None:
        if self._shared is None:
            # Every worker keeps it: what one worker alone has is lost with it.
            self._shared = self._client.scatter(self._packed, broadcast=True, hash=False)
        key = f"account-{self._digest[:12]}-{next(self._numbers)}"
        future = self._client.submit(_do, self._shared, self._digest, item, key=key, pure=False)
        self._futures[key], self._items[key] = future, (item, times)
        future.add_done_callback(self._news.put)

    def _awaited(self) -> Future[Any]:
        """Wait for news. Raises ClusterUnusable where there is no worker for too long, or the scheduler is gone."""
        without = 0.0
        while True:
            try:
                return self._news.get(timeout=LOOK_EVERY)
            except Empty:
                without = without + LOOK_EVERY if self._look() == 0 else 0.0
                if without >= WITHOUT_WORKERS:
                    raise ClusterUnusable(
                        f"the cluster has had no worker for {without:.0f} seconds",
                        cure="start workers, then run the command again",
                    ) from None

    def _look(self) -> int:
        """Count the workers, and make room for twice as many items as they have threads."""
        try:
            threads = self._client.nthreads()
        except (OSError, RuntimeError, TimeoutError) as problem:
            raise _gone(problem) from problem
        self._room = max(self._room if not threads else 1, 2 * sum(threads.values()))
        return len(threads)

    def _failed(self, problem: BaseException | None, item: Any) -> None:
        if isinstance(problem, KilledWorker):
            number = problem.allowed_failures + 1
            problem = ClusterUnusable(
                f"{number} workers died one after the other while they worked on {item}",
                cure="look at the logs of the workers: they may lack memory",
            )
        if self.error is None:
            self.error = problem
        else:
            self.error.add_note(f"another task failed too: {problem!r}")

    def _again(self, item: Any, times: int) -> None:
        """Give an item to the cluster once more."""
        if self._client.status != "running":
            raise _gone(None)
        if times >= SUBMISSIONS:
            raise ClusterUnusable(
                f"the cluster lost {item} {times} times", cure="look at the logs of the scheduler"
            )
        if self._shared is not None and self._shared.status != "finished":
            self._shared = None  # it was lost with the last worker that had it
        self._submit(item, times + 1)


@contextmanager
def _client(scheduler: str) -> Iterator[Client]:
    """Connect to a scheduler, and let it forget everything afterwards. Raises ClusterUnusable."""
    logger = logging.getLogger("distributed")
    logger.handlers.clear()  # it would write to the terminal; what matters is raised
    logger.propagate = True
    try:
        client = Client(scheduler, timeout=CONNECT_WITHIN, set_as_default=False)
    except (OSError, ValueError, RuntimeError) as problem:
        raise ClusterUnusable(
            f"no Dask scheduler answers at {scheduler}: {problem}",
            cure="start one with `dask scheduler`, or correct --scheduler (engine.scheduler)",
        ) from problem
    try:
        yield client
    finally:
        client.close()


def _gone(problem: BaseException | None) -> ClusterUnusable:
    return ClusterUnusable(
        f"the Dask scheduler does not answer any more{f': {problem}' if problem else ''}",
        cure="start it again, then run the command again",
    )


class _Tasks:
    """What this worker has unpacked: a task has its connections, and they serve all its items."""

    def __init__(self, most: int = 2) -> None:
        self._most = most
        self._known: OrderedDict[str, Callable[[Any], Any]] = OrderedDict()
        self._lock = Lock()

    def get(self, packed: bytes, digest: str) -> Callable[[Any], Any]:
        """Unpack a task, or return it as it was unpacked for its first item."""
        with self._lock:
            if digest not in self._known:
                self._known[digest] = pickle.loads(packed)  # noqa: S301 - who may reach a Dask worker may run anything there
                while len(self._known) > self._most:
                    self._known.popitem(last=False)
            return self._known[digest]


_tasks = _Tasks()


def _do(packed: bytes, digest: str, item: Any) -> Any:
    """Do one item, in a worker; in its own context, as the threads of `ThreadEngine` do."""
    return copy_context().run(_tasks.get(packed, digest), item)
