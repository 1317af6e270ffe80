"""Finds what a reader types into the search box: runs, journeys, alerts, incidents, locations, endpoints and rules."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import timedelta

from sqlalchemy import Connection

from facts import Alert
from hub.context import HubContext
from reports.live.search import Hit
from reports.words import journey_title
from store import alerts, runs

LONGEST = 200
_MOST_EACH = 10
_RECENT_ALERTS = 200
_ENDPOINTS_OF = timedelta(minutes=30)


def find(context: HubContext, asked: str) -> list[Hit]:
    """Return what matches, at most ten of each kind; what is named exactly comes alone. Nothing is found for an empty text."""
    text = asked.strip()[:LONGEST]
    if not text:
        return []
    with context.store.read() as connection:
        hits = [
            hit
            for kind in (
                _runs(connection, text),
                _journeys(context, text),
                _alerts(connection, text),
                _locations(context, text),
                _rules(context, text),
                _endpoints(connection, context, text),
            )
            for hit in _first(kind)
        ]
    exact = [hit for hit in hits if hit.title.lower() == text.lower() or hit.name.lower() == text.lower()]
    return exact[:1] if len({hit.path for hit in exact}) == 1 else hits


def _first(hits: Iterable[Hit]) -> list[Hit]:
    found: list[Hit] = []
    for hit in hits:
        if len(found) == _MOST_EACH:
            break
        if hit not in found:
            found.append(hit)
    return found


def _has(text: str, *where: str) -> bool:
    return any(text.lower() in one.lower() for one in where)


def _runs(connection: Connection, text: str) -> Iterator[Hit]:
    for run_id in runs.ids_beginning_with(connection, text, limit=_MOST_EACH):
        yield Hit(kind="Run", name=run_id, title=run_id, path=f"/runs/{run_id}")


def _journeys(context: HubContext, text: str) -> Iterator[Hit]:
    for name in context.watched.schedules():
        if _has(text, name, journey_title(name)):
            yield Hit(kind="Journey", name=name, title=journey_title(name), path=f"/journeys/{name}")


def _alerts(connection: Connection, text: str) -> Iterator[Hit]:
    """Yield the incidents and the alerts, those that fire before those that are over."""
    found = {alert.id: alert for alert in alerts.standing(connection)}
    found |= {alert.id: alert for alert in alerts.listed(connection, limit=_RECENT_ALERTS) if alert.id not in found}
    for alert in found.values():
        if alert.incident and alert.incident.lower().startswith(text.lower()):
            path = f"/incidents/{alert.incident}"
            yield Hit(kind="Incident", name=alert.incident, title=alert.incident, path=path)
    for alert in found.values():
        if _has(text, alert.id, alert.key, alert.title):
            yield Hit(
                kind="Alert",
                name=alert.id,
                title=alert.title or alert.key,
                path=f"/alerts#{alert.id}",
                detail=f"{alert.id}, {_state(alert)}",
            )


def _state(alert: Alert) -> str:
    return alert.state.value if alert.acked_by is None else f"{alert.state.value}, acknowledged by {alert.acked_by}"


def _locations(context: HubContext, text: str) -> Iterator[Hit]:
    for name in context.watched.locations.locations:
        if _has(text, name):
            yield Hit(kind="Location", name=name, title=name, path="/#h-locations")


def _rules(context: HubContext, text: str) -> Iterator[Hit]:
    for name, rule in context.targets.rules().items():
        if _has(text, name, rule.title):
            yield Hit(kind="Target", name=name, title=rule.title or name, path=f"/sla#{name}", detail=name)


def _endpoints(connection: Connection, context: HubContext, text: str) -> Iterator[Hit]:
    """Yield the site's own addresses that runs asked for lately."""
    now = context.clock()
    found = runs.outcomes(connection, since=now - _ENDPOINTS_OF, until=now)
    names = sorted({a.endpoint for outcome in found for a in outcome.requests if a.party == "first"})
    for name in names:
        if _has(text, name):
            yield Hit(kind="Endpoint", name=name, title=name, path="/operations#h-response_times")
