"""The registry of the hub's pages: the navigation of every page is made of it."""

from __future__ import annotations

from collections.abc import Sequence

from reports.dashboards.registry import DASHBOARDS
from reports.live.frame import Link
from reports.words import journey_title

OVERVIEW = Link(path="/", title="Overview")
BEFORE_JOURNEYS = (OVERVIEW, *(Link(path=one.path, title=one.title) for one in DASHBOARDS.values()))
AFTER_JOURNEYS = (
    Link(path="/alerts", title="Alerts"),
    Link(path="/sla", title="Targets"),
    Link(path="/reports", title="Reports"),
    Link(path="/jobs", title="Jobs"),
)


def links_of(journeys: Sequence[str], added: Sequence[Link] = ()) -> tuple[Link, ...]:
    """Return the links of the navigation: the dashboards, each journey, what fires and is judged, and those that are added."""
    of_journeys = (Link(path=f"/journeys/{name}", title=journey_title(name)) for name in journeys)
    return (*BEFORE_JOURNEYS, *of_journeys, *AFTER_JOURNEYS, *added)
