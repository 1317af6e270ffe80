"""Watches the processes of an attempt while it runs, and examines them closely once it has passed its deadline."""

from __future__ import annotations

import os
import time
from pathlib import Path

from facts import Request
from runner.attempt.hang import BUSY, HangSnapshot, StackLocation
from runner.attempt.limits import MEMORY_MB, Finding, is_driver, told_too_much, too_much_disk, too_much_memory
from runner.attempt.orphans import SeenProcesses
from runner.attempt.process_tree import Process, below, busy_s, words_of

_DISK_EVERY = 4
_LOOKS_FOR_S = 1.0
_KEPT = 8
_LOOKS_BACK_S = 1.5
NEVER_RESTED = 0.85
"""The share of that time a page's thread must be busy to count as never resting; a page that can still be read stays below."""
_ROLE = {"browser": "the browser", "driver": "its driver", "attempt": "the attempt"}


class Watch:
    """Watches the attempt with this process id and every process below it."""

    def __init__(self, attempt: int, folder: Path, *, memory_mb: int = MEMORY_MB) -> None:
        self._attempt, self._folder, self._memory_mb = attempt, folder, memory_mb
        self._seen_processes = SeenProcesses(folder)
        self._looks = 0
        self._roles: set[str] = set()
        self._pages: set[int] = set()
        self._busy: list[tuple[float, dict[int, float | None]]] = []

    def check(self, *, flooded: bool = False) -> Finding | None:
        """Record the current processes, and return a finding if the attempt uses more than allowed."""
        members = self._members()
        self._seen_processes.record(members)
        self._roles |= {role for p in members if (role := self._role(p))}
        self._looks += 1
        self._busy = [*self._busy[-_KEPT:], (time.monotonic(), {pid: busy_s(pid) for pid in self._pages_of(members)})]
        if flooded:
            return told_too_much()
        finding = too_much_memory(self._attempt, members, limit_mb=self._memory_mb)
        # Walking the folder costs more than reading the process table, so it is done less often.
        if finding is None and self._looks % _DISK_EVERY == 0:
            finding = too_much_disk(self._folder)
        return finding

    def page_never_rested(self) -> bool:
        """Return whether a page's first thread has not rested since the newest sample that is at least 1.5 seconds old."""
        long_ago = [sample for sample in self._busy if time.monotonic() - sample[0] >= _LOOKS_BACK_S]
        if not long_ago:
            return False
        since, before = long_ago[-1]
        took = time.monotonic() - since
        return any(
            then is not None and (now := busy_s(pid)) is not None and now - then >= NEVER_RESTED * took
            for pid, then in before.items()
        )

    def _pages_of(self, members: list[Process]) -> list[int]:
        """Return the ids of the processes that run pages.

        A process can become one later, because it starts as a fork of another kind.
        """
        self._pages |= {p.pid for p in members if p.pid not in self._pages and "--type=renderer" in words_of(p.pid)}
        return [p.pid for p in members if p.pid in self._pages]

    def last_look(self, place: StackLocation | None, pending: Request | None) -> HangSnapshot:
        """Return the state of an attempt that has passed its deadline; takes one second."""
        members = self._members()
        pages = self._pages_of(members)
        busy = _busy([self._attempt, *pages], _LOOKS_FOR_S)
        there = {role for p in members if (role := self._role(p))}
        stopped = {self._role(p) or "browser" for p in self._members() if p.is_stopped}
        return HangSnapshot(
            stopped=tuple(words for role, words in _ROLE.items() if role in stopped),
            gone=tuple(words for role, words in _ROLE.items() if role in self._roles - there),
            place=place,
            attempt_busy=self._attempt in busy,
            page_busy=any(pid in busy for pid in pages),
            pending=pending,
        )

    def _members(self) -> list[Process]:
        # Descendants of the supervisor: if the attempt's own process was killed, its children were adopted by the supervisor.
        return below(os.getpid())

    def _role(self, p: Process) -> str | None:
        """Return the role of a process; None for the browser's helpers."""
        if p.pid == self._attempt:
            return "attempt"
        if is_driver(p):
            return "driver"
        words = words_of(p.pid)
        return "browser" if "--user-data-dir=" in words and "--type=" not in words else None


def _busy(pids: list[int], seconds: float) -> set[int]:
    """Return which processes never rested for that many seconds."""
    began, before = time.monotonic(), {pid: busy_s(pid) for pid in pids}
    time.sleep(seconds)
    after = {pid: busy_s(pid) for pid in pids}
    took = time.monotonic() - began
    return {
        pid for pid in pids if (a := after[pid]) is not None and (b := before[pid]) is not None and a - b >= BUSY * took
    }
