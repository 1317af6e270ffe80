"""Registers dashboards and their widgets: a new widget is a file beside the others and a line here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from reports.dashboards.numbers import Key, Need
from reports.dashboards.view import View
from reports.dashboards.widget import WidgetType
from reports.dashboards.widgets.channels import CHANNELS
from reports.dashboards.widgets.conversion import CONVERSION
from reports.dashboards.widgets.customer_journey import CUSTOMER_JOURNEY
from reports.dashboards.widgets.database import DATABASE
from reports.dashboards.widgets.endpoint_errors import ENDPOINT_ERRORS
from reports.dashboards.widgets.members import MEMBERS
from reports.dashboards.widgets.peak_traffic import PEAK_TRAFFIC
from reports.dashboards.widgets.response_times import RESPONSE_TIMES
from reports.dashboards.widgets.revenue_today import REVENUE_TODAY
from reports.dashboards.widgets.sales_by_city import SALES_BY_CITY
from reports.dashboards.widgets.satisfaction import SATISFACTION
from reports.dashboards.widgets.system_health import SYSTEM_HEALTH
from reports.dashboards.widgets.text_messages import TEXT_MESSAGES
from reports.dashboards.widgets.ticket_types import TICKET_TYPES
from reports.dashboards.widgets.tickets_left import TICKETS_LEFT
from reports.dashboards.widgets.tickets_sold import TICKETS_SOLD
from reports.dashboards.widgets.webhooks import WEBHOOKS
from reports.dashboards.widgets.workshops import WORKSHOPS


@dataclass(frozen=True, slots=True, kw_only=True)
class Dashboard:
    """Holds a page of widgets: its path, its title, how often it is refreshed, and its default view."""

    path: str
    title: str
    refresh_s: int
    usual_range: str
    usual_alerts: str
    widgets: tuple[WidgetType, ...]


DASHBOARDS: Mapping[str, Dashboard] = {
    one.path: one
    for one in (
        Dashboard(
            path="/executive",
            title="Executive",
            refresh_s=30,
            usual_range="24h",
            usual_alerts="critical",
            widgets=(REVENUE_TODAY, TICKETS_SOLD, SYSTEM_HEALTH, CONVERSION, WORKSHOPS, SATISFACTION),
        ),
        Dashboard(
            path="/operations",
            title="Operations",
            refresh_s=10,
            usual_range="6h",
            usual_alerts="all",
            widgets=(RESPONSE_TIMES, ENDPOINT_ERRORS, TICKETS_LEFT, WEBHOOKS, TEXT_MESSAGES, DATABASE),
        ),
        Dashboard(
            path="/business",
            title="Business",
            refresh_s=300,
            usual_range="30d",
            usual_alerts="business",
            widgets=(SALES_BY_CITY, TICKET_TYPES, MEMBERS, PEAK_TRAFFIC, CHANNELS, CUSTOMER_JOURNEY),
        ),
    )
}
"""Every dashboard by its path, in the order of the navigation."""
WIDGETS: Mapping[str, WidgetType] = {kind.name: kind for one in DASHBOARDS.values() for kind in one.widgets}
"""Every widget by its name."""


def needs_of(dashboard: Dashboard, view: View) -> list[Need]:
    """Return what the widgets of a dashboard read: of each metric and width once, from the earliest moment that is asked for."""
    found: dict[Key, Need] = {}
    for kind in dashboard.widgets:
        for need in kind.needs(view):
            known = found.get(need.key)
            if known is None or need.since < known.since:
                found[need.key] = need
    return list(found.values())
