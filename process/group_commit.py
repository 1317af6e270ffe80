"""Combines work that costs little more for many items than for one, such as waiting for a disk: one thread does it for all."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")
_PATIENCE, _LONGEST_S = 0.25, 0.01
"""How long a group waits for the members of the last one: as a fraction of that group's time, and at most, in seconds."""


def _closed() -> threading.Lock:
    # A plain lock wakes a thread at a tenth of the cost of an Event.
    lock = threading.Lock()
    lock.acquire()
    return lock


@dataclass(slots=True, eq=False)
class _Pending(Generic[Item, Result]):
    """Holds one caller's pending item.

    `ready` is released when its result is set, or when this caller must commit: the group, or only its own item if
    `alone`.
    """

    item: Item
    ready: threading.Lock = field(default_factory=_closed)
    is_called: bool = False
    results: list[Result] | None = None
    alone: bool = False

    def call(self) -> None:
        """Release the caller's thread once; the lock of the group must be held."""
        if not self.is_called:
            self.is_called = True
            self.ready.release()


class GroupCommit(Generic[Item, Result]):
    """Combines items of several threads: items that arrive during a commit are committed together, next. Thread-safe.

    `do_all` gets the items of one or more threads, the longest waiting first, and returns a result for each. It is
    called in one of these threads, for one group at a time. If it raises for several items, it must leave nothing half
    done: each thread then commits its own item alone, in parallel with others. `most` limits the total size of a
    group's items; a larger item is committed alone.

    Threads that submit repeatedly stay together: a group waits, for a quarter of the last group's time, until it is as
    large as the last one. Otherwise the first thread to return would commit its item alone, and all others would wait
    for that.
    """

    def __init__(
        self,
        do_all: Callable[[Sequence[Item]], Sequence[Result]],
        *,
        most: float = float("inf"),
        size: Callable[[Item], int] = lambda _: 1,
    ) -> None:
        self._do_all, self._most, self._size = do_all, most, size
        self._lock = threading.Lock()
        self._waiting: list[_Pending[Item, Result]] = []
        """The first caller in this list commits the group once no other group is being committed."""
        self._is_busy = False
        self._enough, self._are_enough = 1, _closed()
        """The size that a group waits for, and the lock that is released when it is reached."""
        self._patience_s = 0.0

    def submit(self, item: Item) -> Result:
        """Commit an item together with those of other threads, and return its result.

        Raises what `do_all` raises for this item alone.
        """
        mine = _Pending[Item, Result](item)
        with self._lock:
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
            # After a failure each member commits alone, so that only the thread with the bad item gets the error.
            if len(group) == 1:
                raise
        finally:
            with self._lock:
                self._patience_s = min(_PATIENCE * (time.perf_counter() - began), _LONGEST_S)
                self._is_busy = False
                for one in group:
                    one.alone = one.results is None
                    one.call()
                self._call_first()

    def _wait_for_enough(self) -> None:
        with self._lock:
            if len(self._waiting) >= self._enough:
                return
            self._are_enough.acquire(blocking=False)
        self._are_enough.acquire(timeout=self._patience_s)

    def _take_group(self) -> list[_Pending[Item, Result]]:
        with self._lock:
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
        """Remove the item of a thread that was interrupted while it waited, and let another thread commit."""
        with self._lock:
            if wish not in self._waiting:
                return
            self._is_busy = self._is_busy and not wish.is_called
            self._waiting.remove(wish)
            self._call_first()
