"""Reads the moments that people write in options."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from cli.command_error import CommandError
from config.durations import seconds


def moment_of(text: str | None, option: str, now: datetime) -> datetime | None:
    """Return the moment that an option names, a time of UTC or a length of time before now; None for none. Raises CommandError."""
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    except ValueError:
        pass
    try:
        return now - timedelta(seconds=seconds(text))
    except (ValueError, OverflowError):
        raise CommandError(f"{option}: {text!r:.80} is no time; write it like 2026-11-30T14:00 (UTC) or 24h") from None
