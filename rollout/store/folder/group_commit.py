"""Lets threads share a flush: nobody goes on before his own lines are safe, and no two write at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from threading import Condition

from rollout.errors import RolloutError, Unwritable

START_AGAIN = "run the command again; it goes on where this run stopped"


class GroupCommit:
    """Gathers lines from several threads into batches for one writer.

    Whoever finds the writer idle writes for all who wait. After a write that failed, nobody knows what is stored:
    nothing more is taken then, and everybody who waits is told. `where` names the place for such a message.
    """

    def __init__(self, write: Callable[[Sequence[bytes]], None], where: str) -> None:
        """Hand batches to `write`, which returns when they are safe or raises a RolloutError."""
        self._write = write
        self._where = where
        self._turn = Condition()
        self._waiting: list[bytes] = []
        self._taken = 0  # lines handed over so far
        self._safe = 0  # how many of those are safe
        self._busy = False
        self._broken: RolloutError | None = None

    @property
    def taken(self) -> int:
        """How many lines were handed over so far."""
        return self._taken

    def add(self, lines: Sequence[bytes]) -> None:
        """Hand lines over; they are safe when this returns. Raises what the writer raised, for whomever it wrote."""
        with self._turn:
            self._waiting += lines
            self._taken += len(lines)
            mine = self._taken
            while self._safe < mine:
                if self._broken:
                    raise self._broken
                if self._busy:
                    self._turn.wait()
                else:
                    self._write_waiting()

    def close(self) -> None:
        """Take no more lines, once what is being written is written."""
        with self._turn:
            while self._busy:
                self._turn.wait()
            self._broken = self._broken or Unwritable(f"{self._where} is closed", cure=START_AGAIN)

    def _write_waiting(self) -> None:
        batch, self._waiting = self._waiting, []
        upto = self._taken
        self._busy = True
        self._turn.release()
        # A write that was interrupted half-way is as bad as one that failed, so trouble is assumed until it is over.
        outcome: RolloutError | None = Unwritable(
            f"writing to {self._where} was interrupted", cure=START_AGAIN
        )
        try:
            self._write(batch)
            outcome = None
        except RolloutError as problem:
            outcome = problem
        finally:
            self._turn.acquire()
            self._busy = False
            self._broken = self._broken or outcome
            if outcome is None:
                self._safe = upto
            self._turn.notify_all()
