"""Reads the verdicts of the last tick from the store: the only reader of that form, which `hub.cycle` writes."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection

from facts import Verdict, from_wire
from hub.cycle import VERDICTS
from store import meta
from store.json_text import from_json_text


class JudgedVerdicts(NamedTuple):
    """Holds the time and the verdicts of the last tick; no time and no verdicts before the first one."""

    at: datetime | None
    verdicts: tuple[Verdict, ...]


def read_verdicts(connection: Connection) -> JudgedVerdicts:
    """Return the verdicts that the store has now."""
    return _decoded(meta.get_text(connection, VERDICTS))


def _decoded(text: str | None) -> JudgedVerdicts:
    if text is None:
        return JudgedVerdicts(None, ())
    told = from_json_text(text)
    return JudgedVerdicts(
        datetime.fromisoformat(told["at"]), tuple(from_wire(Verdict, one) for one in told["verdicts"])
    )


class KeptVerdicts:
    """Reads the verdicts of the last tick and keeps them decoded until the next tick, because every page shows them.

    Thread-safe: a thread that reads an older text decodes it again.
    """

    def __init__(self) -> None:
        self._kept: tuple[str, JudgedVerdicts] | None = None

    def read(self, connection: Connection) -> JudgedVerdicts:
        """Return the verdicts that the store has now."""
        text = meta.get_text(connection, VERDICTS)
        kept = self._kept
        if text is not None and kept is not None and kept[0] == text:
            return kept[1]
        found = _decoded(text)
        if text is not None:
            self._kept = text, found
        return found
