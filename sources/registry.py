"""Registers the sources: a new source is a file beside this one and a line here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from facts import Event, Sample
from sources import stripe_events
from sources.database import DatabaseSource
from sources.endpoints import EndpointsSource
from sources.inventory import InventorySource
from sources.logs import LogsSource
from sources.sms import SmsSource
from sources.source import Source, SourceSettings
from sources.stripe import StripeSource


class SourceType(Protocol):
    """A class of sources: it says whether one is configured, and makes it."""

    @property
    def name(self) -> str:
        """The name of the source in feeds, cursors and metrics."""
        ...

    @staticmethod
    def configured(settings: SourceSettings) -> str | None:
        """Return None where the source is configured, else why it is not, as half a sentence."""
        ...

    def __call__(self, settings: SourceSettings) -> Source:
        """Make one."""
        ...


SOURCES: tuple[SourceType, ...] = (
    InventorySource,
    EndpointsSource,
    StripeSource,
    SmsSource,
    LogsSource,
    DatabaseSource,
)
EVENT_COUNTS: Mapping[str, Callable[[Sequence[Event]], list[Sample]]] = {
    stripe_events.SOURCE: stripe_events.count_events,
}
"""By source, the function that makes the samples of some seconds out of all its stored events of these seconds."""

WITHOUT_PAST: Mapping[str, str] = {
    InventorySource.name: "the site tells what is left now, and nothing of before",
    EndpointsSource.name: "an endpoint that was not asked gave no answer",
    LogsSource.name: "a file is read from its beginning when it is first followed, and what was rotated away before is not followed",
    DatabaseSource.name: "PostgreSQL keeps counters, and not when they grew",
}
"""The reason why a source cannot be asked for its past, by the source's name; every other source is a `PastSource`."""


def configured_sources(settings: SourceSettings) -> list[Source]:
    """Return the sources that are configured, ready to be read."""
    return [kind(settings) for kind in SOURCES if kind.configured(settings) is None]
