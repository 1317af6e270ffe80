"""The registry of sources: adding one is a file beside this one and a line here."""

from __future__ import annotations

from typing import Protocol

from sources.endpoints import EndpointsSource
from sources.inventory import InventorySource
from sources.logs import LogsSource
from sources.source import Source, SourceSettings


class SourceType(Protocol):
    """A class of sources: it says whether one is configured, and makes it."""

    @property
    def name(self) -> str:
        """The name by which feeds, cursors and metrics know it."""
        ...

    @staticmethod
    def configured(settings: SourceSettings) -> str | None:
        """Return None where the source is configured, else why it is not, as half a sentence."""
        ...

    def __call__(self, settings: SourceSettings) -> Source:
        """Make one."""
        ...


SOURCES: tuple[SourceType, ...] = (InventorySource, EndpointsSource, LogsSource)


def configured_sources(settings: SourceSettings) -> list[Source]:
    """Return the sources that are configured, ready to be read."""
    return [kind(settings) for kind in SOURCES if kind.configured(settings) is None]
