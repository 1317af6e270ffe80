"""A source that answers as a test says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar

from facts import Event, Sample, labels
from sources import Collected, SourceError, SourceSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Bringing:
    """What one reading brings: samples get the moment of the reading."""

    values: Sequence[tuple[str, dict[str, str], float]] = ()
    events: Sequence[Event] = ()
    cursor: Any = None


@dataclass
class ScriptedSource:
    """Answers each reading with the next of its `answers`, and notes which cursor it was asked from."""

    answers: list[Bringing | SourceError]
    asked: list[Any] = field(default_factory=list)
    name: ClassVar[str] = "inventory"
    every_s: ClassVar[float] = 60.0
    site_requests: ClassVar[int] = 1

    @staticmethod
    def configured(settings: SourceSettings) -> str | None:
        """Always."""
        return None

    def collect(self, cursor: Any, now: datetime) -> Collected:
        """The next answer."""
        self.asked.append(cursor)
        answer = self.answers.pop(0)
        if isinstance(answer, SourceError):
            raise answer
        samples = [Sample(metric=m, at=now, value=v, labels=labels(**its)) for m, its, v in answer.values]
        return Collected(samples=samples, events=answer.events, cursor=answer.cursor)

    def close(self) -> None:
        """Nothing is open."""


def a_source(*answers: Bringing | SourceError) -> ScriptedSource:
    """A source with these answers, one after the other."""
    return ScriptedSource(list(answers))


def some_samples(remaining: float = 12.0, *, cursor: Any = None) -> Bringing:
    """An inventory of one tier."""
    place = {"city": "dallas", "tier": "ga"}
    values = [("inventory_remaining_tickets", place, remaining), ("inventory_seats", place, 35.0)]
    return Bringing(values=values, cursor=cursor)
