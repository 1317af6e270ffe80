"""`pytest journeys`: the very functions that the runner walks, on pytest-playwright's page."""

from __future__ import annotations

from collections.abc import Callable

from journeys.journey import Journey
from journeys.pytest_plugin import walk
from journeys.visit import Visit


def test_journey(journey: Journey, visit: Callable[[Journey], Visit]) -> None:
    """A buyer walks it to its end."""
    walk(visit(journey))
