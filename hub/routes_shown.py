"""Tells when each route was last used and last tested, and when each rule last fired: what was never tested may not work."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse
from sqlalchemy import Connection

from alerts.policy import Policy
from alerts.reach import reach
from facts import Alert, AlertState, Severity, to_wire
from hub.answers import answering
from hub.context import HubContext
from sla.targets import Targets
from store import alerts as alert_rows
from store import outbox, trials


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteShown:
    """One name that a severity calls: its destinations, when one of them last took an alert's message, and when all of them last
    took a test message; null where that never was."""

    severity: Severity
    when: str
    name: str
    destinations: tuple[str, ...]
    last_told: datetime | None
    last_tested: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleShown:
    """Holds one rule: when it last fired, where its alerts are routed first, and when a test last reached all of these."""

    rule: str
    severity: Severity
    destinations: tuple[str, ...]
    last_fired: datetime | None
    last_tested: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RoutesShown:
    """Every route and every enabled rule."""

    routes: list[RouteShown]
    rules: list[RuleShown]


def shown_routes(connection: Connection, policy: Policy, targets: Targets, now: datetime) -> RoutesShown:
    """Return every route and every enabled rule, with when they were last used and tested."""
    told, tested = outbox.last_delivered(connection), trials.last_taken(connection)
    fired = alert_rows.last_fired(connection)
    routes = [
        RouteShown(
            severity=row.severity,
            when=row.when,
            name=row.name,
            destinations=row.destinations,
            last_told=max((told[name] for name in row.destinations if name in told), default=None),
            last_tested=_all_tested(row.destinations, tested),
        )
        for row in reach(policy, now)
    ]
    rules = []
    for name, rule in targets.rules().items():
        if not rule.enabled:
            continue
        ways = policy.receivers([_example(name, rule.severity, targets, now)], rule.severity, now)
        rules.append(
            RuleShown(
                rule=name,
                severity=rule.severity,
                destinations=ways,
                last_fired=fired.get(name),
                last_tested=_all_tested(ways, tested),
            )
        )
    return RoutesShown(routes=routes, rules=rules)


def _all_tested(names: Iterable[str], tested: Mapping[str, datetime]) -> datetime | None:
    """Return when the destination of some that was tested longest ago was; None where one was never."""
    found = [tested.get(name) for name in names]
    known = [at for at in found if at is not None]
    return min(known) if known and len(known) == len(found) else None


def _example(rule: str, severity: Severity, targets: Targets, now: datetime) -> Alert:
    """Return an alert of a rule, to see where it would go."""
    return Alert(
        id=f"{rule}.1",
        key=rule,
        rule=rule,
        severity=severity,
        state=AlertState.FIRING,
        episode=1,
        pending_since=now,
        summary="",
        traits=targets.traits_of(rule, None),
    )


def add_route_endpoint(router: APIRouter, context: HubContext) -> None:
    """Add `GET /api/routes`."""

    @router.get("/api/routes", **answering(RoutesShown, "The routes and the rules."))
    def list_routes() -> Response:
        """Return when each route was last told of an alert and last tested, and when each rule last fired."""
        with context.store.read() as connection:
            found = shown_routes(connection, context.policy, context.targets, context.clock())
        return JSONResponse(to_wire(found))
