"""What many threads want at once is done for all by one of them, and each gets its own result."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from process.group_commit import GroupCommit


class Slow:
    """Doubles numbers; the first group takes until the test lets it end. `groups` are those it got, `bad` one that fails."""

    def __init__(self, *, bad: int | None = None) -> None:
        self.groups: list[list[int]] = []
        self.works, self.may_end = threading.Event(), threading.Event()
        self._bad = bad

    def __call__(self, numbers: Sequence[int]) -> list[int]:
        self.groups.append(list(numbers))
        if len(self.groups) == 1:
            self.works.set()
            assert self.may_end.wait(30)
        if self._bad in numbers:
            raise ValueError(f"{self._bad} among {len(numbers)}")
        return [2 * number for number in numbers]


@contextmanager
def at_once(slow: Slow, do: Callable[[int], int], numbers: Sequence[int]) -> Iterator[list[Future[int]]]:
    """The first keeps it busy, the others come meanwhile and in order."""
    first, *others = numbers
    with ThreadPoolExecutor(len(numbers)) as pool:
        futures = [pool.submit(do, first)]
        assert slow.works.wait(30)
        for number in others:
            futures.append(pool.submit(do, number))
            time.sleep(0.05)
        slow.may_end.set()
        yield futures


def test_what_comes_meanwhile_is_done_in_one_go_and_each_gets_its_own() -> None:
    slow = Slow()
    with at_once(slow, GroupCommit(slow).submit, range(8)) as futures:
        assert [future.result(30) for future in futures] == [2 * n for n in range(8)]
    assert slow.groups == [[0], [1, 2, 3, 4, 5, 6, 7]]


def test_a_group_is_no_larger_than_it_may_be_and_what_is_larger_goes_alone() -> None:
    slow = Slow()
    with at_once(slow, GroupCommit(slow, most=5, size=lambda n: n).submit, [1, 2, 3, 1, 9, 5]) as futures:
        assert [future.result(30) for future in futures] == [2, 4, 6, 2, 18, 10]
    assert slow.groups == [[1], [2, 3], [1], [9], [5]]


def test_one_that_fails_takes_no_other_along() -> None:
    slow = Slow(bad=3)
    with at_once(slow, GroupCommit(slow).submit, [1, 2, 3, 4]) as futures:
        assert [futures[n].result(30) for n in (0, 1, 3)] == [2, 4, 8]
        with pytest.raises(ValueError, match="3 among 1"):
            futures[2].result(30)
    assert slow.groups[:2] == [[1], [2, 3, 4]]
    assert sorted(slow.groups[2:]) == [[2], [3], [4]]


def test_after_a_failure_it_goes_on() -> None:
    slow = Slow(bad=1)
    slow.may_end.set()
    together = GroupCommit(slow)
    with pytest.raises(ValueError, match="1 among 1"):
        together.submit(1)
    assert together.submit(2) == 4


def test_threads_that_come_again_and_again_stay_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("process.group_commit._PATIENCE", 1_000_000.0)
    monkeypatch.setattr("process.group_commit._LONGEST_S", 30.0)
    slow = Slow()
    together = GroupCommit(slow)

    def again_and_again(number: int) -> list[int]:
        return [together.submit(number) for _ in range(5)]

    with ThreadPoolExecutor(5) as pool:
        first = pool.submit(together.submit, 9)
        assert slow.works.wait(30)
        others = [pool.submit(again_and_again, number) for number in range(4)]
        time.sleep(0.3)
        slow.may_end.set()
        assert [other.result(60) for other in others] == [[2 * n] * 5 for n in range(4)]
        assert first.result(30) == 18
    assert [sorted(group) for group in slow.groups] == [[9], *[[0, 1, 2, 3]] * 5]


def test_nobody_is_waited_for_who_stays_away() -> None:
    slow = Slow()
    together = GroupCommit(slow)
    with at_once(slow, together.submit, range(8)) as futures:
        assert [future.result(30) for future in futures] == [2 * n for n in range(8)]
    began = time.perf_counter()
    assert together.submit(9) == 18
    assert time.perf_counter() - began < 5


class InterruptedByTestError(Exception):
    """What a signal's handler raises in the main thread, wherever that is."""


@contextmanager
def interrupted_after(seconds: float) -> Iterator[None]:
    """Of the main thread, which alone can be."""

    def interrupt(_number: int, _frame: object) -> None:
        raise InterruptedByTestError

    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        with pytest.raises(InterruptedByTestError):
            yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_who_is_interrupted_while_waiting_holds_nobody_up() -> None:
    slow = Slow()
    together = GroupCommit(slow)
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(together.submit, 1)
        assert slow.works.wait(30)
        with interrupted_after(0.2):
            together.submit(2)
        other = pool.submit(together.submit, 3)
        slow.may_end.set()
        assert (first.result(30), other.result(30)) == (2, 6)
    assert slow.groups == [[1], [3]]


def test_who_is_interrupted_while_waiting_for_others_lets_one_of_them_do_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("process.group_commit._PATIENCE", 1_000_000.0)
    monkeypatch.setattr("process.group_commit._LONGEST_S", 2.0)
    slow = Slow()
    together = GroupCommit(slow)

    def later(number: int) -> int:
        time.sleep(0.2)
        return together.submit(number)

    with ThreadPoolExecutor(4) as pool:
        told = [pool.submit(together.submit, 1)]
        assert slow.works.wait(30)
        told += [pool.submit(together.submit, number) for number in (2, 3, 4)]
        time.sleep(0.3)
        slow.may_end.set()
        assert [one.result(30) for one in told] == [2, 4, 6, 8]
        other = pool.submit(later, 6)
        with interrupted_after(0.5):
            together.submit(5)  # stands first, and waits until they are three
        assert other.result(30) == 12
    assert slow.groups[0] == [1]
    assert sorted(slow.groups[1]) == [2, 3, 4]
    assert slow.groups[2:] == [[6]]
