"""Continues a list at a place in its order, so that a page begins after the last row of the page before."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, or_


def follows(at: Any, name: Any, place: tuple[datetime, str]) -> ColumnElement[bool]:
    """Return the condition that a row comes after a place where the newest come first, and of one time the greatest names.

    The time is compared a second time on its own, because an index is found only by a condition that stands alone.
    """
    when, last = place
    return and_(at <= when, or_(at < when, name < last))
