"""Keeps the verdicts of the last tick as they were read: every page shows them, and they change with a tick alone."""

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


class KeptVerdicts:
    """Reads the verdicts of the last tick, and decodes them once. Thread-safe: a thread that reads an older text decodes it again."""

    def __init__(self) -> None:
        self._kept: tuple[str, JudgedVerdicts] | None = None

    def read(self, connection: Connection) -> JudgedVerdicts:
        """Return the verdicts that the store has now."""
        text = meta.get_text(connection, VERDICTS)
        if text is None:
            return JudgedVerdicts(None, ())
        kept = self._kept
        if kept is not None and kept[0] == text:
            return kept[1]
        told = from_json_text(text)
        found = JudgedVerdicts(
            datetime.fromisoformat(told["at"]), tuple(from_wire(Verdict, one) for one in told["verdicts"])
        )
        self._kept = text, found
        return found
