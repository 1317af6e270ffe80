"""What costs little more for many than for one, such as waiting for a disk: of the threads that want it, one does it for all."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")
_PATIENCE, _LONGEST_S = 0.25, 0.01
"""For how long a group waits for those who were in the last one: as a part of what that took, and at most."""


def _closed() -> threading.Lock:
    # A bare lock wakes a thread at a tenth of what an event costs.
    lock = threading.Lock()
    lock.acquire()
    return lock


@dataclass(slots=True, eq=False)
class _Pending(Generic[Item, Result]):
    """One thread's. Its `ready` comes when it is over, or when this thread has to do it: for all who wait, or `alone`."""

    item: Item
    ready: threading.Lock = field(default_factory=_closed)
    is_called: bool = False
    results: list[Result] | None = None
    alone: bool = False

    def call(self) -> None:
        """Let its thread go on; for who holds the door."""
        if not self.is_called:
            self.is_called = True
            self.ready.release()


class GroupCommit(Generic[Item, Result]):
    """Group commit: what comes while some of it is done is done together, next. Safe from any thread.

    `do_all` gets the items of one or more threads, the longest waiting first, and gives a result for each. It is called in one of
    these threads, for one group at a time. Where it fails for several, it must leave nothing half done: each thread then has
    its own item done by itself, beside others. `most` is how large the sizes of a group's items may be together; a larger item goes
    alone.

    Threads that come again and again stay together: a group waits, for a quarter of what the last one took, until it is as many
    as that was. Whoever is back first would otherwise do its own item alone, and all others wait for that.
    """

    def __init__(
        self,
        do_all: Callable[[Sequence[Item]], Sequence[Result]],
        *,
        most: float = float("inf"),
        size: Callable[[Item], int] = lambda _: 1,
    ) -> None:
        self._do_all, self._most, self._size = do_all, most, size
        self._door = threading.Lock()
        self._waiting: list[_Pending[Item, Result]] = []
        """Whoever stands first does it for all, when no other group is being done."""
        self._is_busy = False
        self._enough, self._are_enough = 1, _closed()
        """How many a group waits for, and how it hears that they are there."""
        self._patience_s = 0.0

    def submit(self, item: Item) -> Result:
        """Have an item done, with those of other threads. Raises what `do_all` raises for this item alone."""
        mine = _Pending[Item, Result](item)
        with self._door:
            self._waiting.append(mine)
            self._call_first()
            if len(self._waiting) == self._enough and self._are_enough.locked():
                self._are_enough.release()
        try:
            mine.ready.acquire()
            if mine.results is None and not mine.alone:
                self._do_group()
        except BaseException:
            self._give_up(mine)
            raise
        (result,) = self._do_all([item]) if mine.results is None else mine.results
        return result

    def _call_first(self) -> None:
        if self._waiting and not self._is_busy:
            self._is_busy = True
            self._waiting[0].call()

    def _do_group(self) -> None:
        self._wait_for_enough()
        group = self._take_group()
        began = time.perf_counter()
        try:
            results = self._do_all([one.item for one in group])
            for one, result in zip(group, results, strict=True):
                one.results = [result]
        except Exception:
            if len(group) == 1:
                raise
        finally:
            with self._door:
                self._patience_s = min(_PATIENCE * (time.perf_counter() - began), _LONGEST_S)
                self._is_busy = False
                for one in group:
                    one.alone = one.results is None
                    one.call()
                self._call_first()

    def _wait_for_enough(self) -> None:
        with self._door:
            if len(self._waiting) >= self._enough:
                return
            self._are_enough.acquire(blocking=False)
        self._are_enough.acquire(timeout=self._patience_s)

    def _take_group(self) -> list[_Pending[Item, Result]]:
        with self._door:
            group, left = self._waiting[:1], self._most - self._size(self._waiting[0].item)
            for one in self._waiting[1:]:
                left -= self._size(one.item)
                if left < 0:
                    break
                group.append(one)
            del self._waiting[: len(group)]
            self._enough = len(group)
        return group

    def _give_up(self, wish: _Pending[Item, Result]) -> None:
        """Of a thread that is told to end while it waits, by an exception from outside: another must stand first."""
        with self._door:
            if wish not in self._waiting:
                return
            self._is_busy = self._is_busy and not wish.is_called
            self._waiting.remove(wish)
            self._call_first()
