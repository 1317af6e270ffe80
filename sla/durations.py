"""Lengths of time as sla.yaml writes them: `90s`, `5m`, `24h`, `30d`."""

from __future__ import annotations

from config.durations import seconds, words

__all__ = ["seconds", "words"]
