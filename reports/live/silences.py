"""Says by whom and until when an alert is silenced."""

from __future__ import annotations

from facts import Silence


def silenced_words(silence: Silence | None) -> str | None:
    """Return by whom and until when an alert is silenced; None if it is not silenced."""
    return f"silenced by {silence.by} until {silence.ends_at:%Y-%m-%d %H:%M} UTC" if silence is not None else None
