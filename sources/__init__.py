"""Measures everything besides the journeys: one file for each service, read on a schedule."""

from sources.registry import EVENT_COUNTS, SOURCES, WITHOUT_PAST, configured_sources
from sources.source import Collected, Past, PastSource, Source, SourceError, SourceSettings

__all__ = [
    "EVENT_COUNTS",
    "SOURCES",
    "WITHOUT_PAST",
    "Collected",
    "Past",
    "PastSource",
    "Source",
    "SourceError",
    "SourceSettings",
    "configured_sources",
]
