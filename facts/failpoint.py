"""Defines failpoints: named points between two steps that must not lose data; a test passes a function that kills the process there."""

from __future__ import annotations

from collections.abc import Callable

Failpoint = Callable[[str], None]


def go_on(_name: str) -> None:
    """Do nothing; the product uses this at every failpoint."""
