"""Answers the supervisor, in a thread beside a walk that may be stuck, with the walk's location and its observations so far."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import IO, Any

from greenlet import getcurrent

import journeys
from journeys.visit import Visit
from runner.attempt.hang import ASK, StackLocation

_ROOM = Path(journeys.__file__).resolve().parent
_HOUSE = _ROOM.parent
_PAGES = _ROOM / "pages"
_LOOKS, _APART_S = 3, 0.1


class StackSampler:
    """Samples the stack of the thread that creates it; costs nothing until it is asked."""

    def __init__(self, questions: IO[bytes], answer: Callable[[str, dict[str, Any]], None], own: Path | None) -> None:
        self.visit: Visit | None = None
        self._questions, self._answer = questions, answer
        self._own = own.resolve() if own else None
        # Playwright runs the journey in a greenlet, whose frames are not on the thread's stack while it waits.
        self._walk = getcurrent()
        self._thread = threading.get_ident()
        threading.Thread(target=self._listen, name="witness", daemon=True).start()

    def _listen(self) -> None:
        for question in self._questions:
            if question == ASK:
                self._answer("asked", {"place": self._place(), **self._seen()})

    def _seen(self) -> dict[str, Any]:
        visit = self.visit
        if visit is None:
            return {}
        recorder = visit.recorder
        return {"seen": recorder.nouns(), "notes": visit.notes, "page_text": visit.page_text}

    def _place(self) -> StackLocation:
        """Return the location of the walk from several samples, because code that is only passing through is not where it is stuck."""
        looks: list[tuple[StackLocation, FrameType | None]] = []
        for _ in range(_LOOKS):
            looks.append(self._look())
            time.sleep(_APART_S)
        waiting = next((place for place, _ in looks if place.running is None), None)
        if waiting:
            return waiting
        place, call = looks[-1]
        # One call of the product's code in every sample is a loop of ours; a new call each time means that the journey loops.
        stays = call is not None and all(other is call for _, other in looks)
        return replace(place, running="ours" if stays else "journey")

    def _look(self) -> tuple[StackLocation, FrameType | None]:
        """Return the current location of the walk, and the frame of the product's code that the journey has called, if any."""
        running = list(_outward(sys._current_frames().get(self._thread)))
        own = next((f for f in running if self._is_journey(f)), None)
        if own is None:
            waiting = list(_outward(self._walk.gr_frame))
            own = next((f for f in waiting if self._is_journey(f)), None)
            return StackLocation(at=_at(own), call=_call(waiting)), None
        called = [f for f in running[: running.index(own)] if _is_house(f)]
        return StackLocation(running="journey", at=_at(own)), called[-1] if called else None

    def _is_journey(self, frame: FrameType) -> bool:
        file = Path(frame.f_code.co_filename)
        known = self.visit.journey.file if self.visit else None
        return str(file) == known or file.is_relative_to(_PAGES) or bool(self._own and file.is_relative_to(self._own))


def _outward(frame: FrameType | None) -> Iterator[FrameType]:
    while frame is not None:
        yield frame
        frame = frame.f_back


def _is_house(frame: FrameType) -> bool:
    file = Path(frame.f_code.co_filename)
    return any(file.is_relative_to(_HOUSE / room) for room in ("journeys", "runner", "redact", "process"))


def _at(frame: FrameType | None) -> str | None:
    if frame is None:
        return None
    file = Path(frame.f_code.co_filename)
    shown = file.relative_to(_HOUSE) if file.is_relative_to(_HOUSE) else file
    return f"{shown}:{frame.f_lineno}"


def _call(frames: list[FrameType]) -> str | None:
    """Return the Playwright method that is being called; None if there is none."""
    called = [f for f in frames if f.f_code.co_filename.endswith("_generated.py")]
    return called[-1].f_code.co_name if called else None
