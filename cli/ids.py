"""Finds the run or the alert that a person means by an id or its beginning."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Connection

from cli.command_error import CommandError
from process.visible import visible
from store import alerts, runs

_LISTED = 5


def run_id(connection: Connection, wanted: str) -> str:
    """Return the id of the one run whose id is, or begins with, what was written. Raises CommandError."""
    return _the_one(connection, wanted, runs.ids_beginning_with, noun="run", command="sixfb runs list")


def alert_id(connection: Connection, wanted: str) -> str:
    """Return the id of the one alert whose id is, or begins with, what was written. Raises CommandError."""
    return _the_one(connection, wanted, alerts.ids_beginning_with, noun="alert", command="sixfb alerts list --all")


def _the_one(
    connection: Connection,
    wanted: str,
    find: Callable[..., list[str]],
    *,
    noun: str,
    command: str,
) -> str:
    # No id holds a character that is not visible, and PostgreSQL takes no NUL in a question.
    found = find(connection, wanted, limit=_LISTED + 1) if wanted and visible(wanted) == wanted else []
    if wanted in found or len(found) == 1:
        return wanted if wanted in found else found[0]
    if not found:
        raise CommandError(f"no {noun} {wanted!r}; `{command}` shows the latest")
    more = " and others" if len(found) > _LISTED else ""
    raise CommandError(
        f"more than one {noun} begins with {wanted!r}: {', '.join(found[:_LISTED])}{more}; write more of the id"
    )
