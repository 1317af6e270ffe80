"""Measures everything besides the journeys: one file for each service, read on a schedule."""

from sources.registry import EVENT_COUNTS, SOURCES, configured_sources
from sources.source import Collected, Source, SourceError, SourceSettings

__all__ = [
    "EVENT_COUNTS",
    "SOURCES",
    "Collected",
    "Source",
    "SourceError",
    "SourceSettings",
    "configured_sources",
]
