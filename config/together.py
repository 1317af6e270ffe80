"""What costs little more for many than for one, such as waiting for a disk: of the threads that want it, one does it for all."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def _closed() -> threading.Lock:
    # A bare lock wakes a thread at a tenth of what an event costs.
    lock = threading.Lock()
    lock.acquire()
    return lock


@dataclass(slots=True, eq=False)
class _Wish(Generic[Item, Result]):
    """One thread's. Its `turn` comes when it is over, or when this thread has to do it: for all who wait, or `alone`."""

    item: Item
    turn: threading.Lock = field(default_factory=_closed)
    is_called: bool = False
    results: list[Result] | None = None
    alone: bool = False

    def call(self) -> None:
        """Let its thread go on; for who holds the door."""
        if not self.is_called:
            self.is_called = True
            self.turn.release()


class Together(Generic[Item, Result]):
    """Group commit: what comes while some of it is done is done together, next. Safe from any thread.

    `do_all` gets the items of one or more threads, the longest waiting first, and gives a result for each. It is called in one of
    these threads, for one group at a time. Where it fails for several, it must leave nothing half done: each thread then has
    its own item done by itself, beside others. `most` is how large the sizes of a group's items may be together; a larger item goes
    alone.
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
        self._waiting: list[_Wish[Item, Result]] = []
        """Whoever stands first does it for all."""

    def do(self, item: Item) -> Result:
        """Have an item done, with those of other threads. Raises what `do_all` raises for this item alone."""
        mine = _Wish[Item, Result](item)
        with self._door:
            self._waiting.append(mine)
            self._waiting[0].call()
        try:
            mine.turn.acquire()
            if mine.results is None and not mine.alone:
                self._do_group()
        except BaseException:
            self._leave([mine])
            raise
        (result,) = self._do_all([item]) if mine.results is None else mine.results
        return result

    def _do_group(self) -> None:
        group = self._next()
        try:
            results = self._do_all([one.item for one in group])
        except Exception:
            if len(group) == 1:
                raise
            for one in group:
                one.alone = True
        else:
            for one, result in zip(group, results, strict=True):
                one.results = [result]
        self._leave(group)

    def _next(self) -> list[_Wish[Item, Result]]:
        with self._door:
            first, *others = self._waiting
        group, left = [first], self._most - self._size(first.item)
        for one in others:
            left -= self._size(one.item)
            if left < 0:
                break
            group.append(one)
        return group

    def _leave(self, wishes: Sequence[_Wish[Item, Result]]) -> None:
        with self._door:
            self._waiting = [one for one in self._waiting if one not in wishes]
            for one in (*wishes, *self._waiting[:1]):
                one.call()
