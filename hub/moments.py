"""Defines the moments that the query of a request may name."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime

_FIRST, _LAST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)


def _of_this_time(at: datetime) -> datetime:
    """Return a moment in UTC. Raises ValueError where it is so far away that nothing can be reckoned from it."""
    try:
        moment = at.astimezone(UTC)
    except OverflowError:
        moment = None
    if moment is None or not _FIRST <= moment <= _LAST:
        raise ValueError("the moment is not between 1970 and 2200")
    return moment


Moment = Annotated[AwareDatetime, AfterValidator(_of_this_time)]
"""A moment of a query, with its zone, between the years 1970 and 2200."""
