"""Everything we measure beside the journeys: one file a service, each bringing numbers in on a schedule."""

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
