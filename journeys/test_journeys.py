"""`pytest journeys`: the very functions that the runner walks, on pytest-playwright's page."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from journeys.journey import Journey
from journeys.visit import Visit, VisitFailed


def test_journey(journey: Journey, visit: Callable[[Journey], Visit]) -> None:
    """A buyer walks it to its end."""
    try:
        visit(journey).walk()
    except VisitFailed as failed:
        pytest.fail(failed.failure.sentence, pytrace=False)
