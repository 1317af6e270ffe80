"""Dashboards: pages of widgets, each computed by a pure function from the numbers that it asks for."""

from reports.dashboards.context import DashboardPage, dashboard_page, etag_of
from reports.dashboards.numbers import Goal, Need, Numbers
from reports.dashboards.registry import DASHBOARDS, WIDGETS, Dashboard, needs_of
from reports.dashboards.view import View, view_of
from reports.dashboards.widget import Widget, WidgetType
from reports.states import WidgetState

__all__ = [
    "DASHBOARDS",
    "WIDGETS",
    "Dashboard",
    "DashboardPage",
    "Goal",
    "Need",
    "Numbers",
    "View",
    "Widget",
    "WidgetState",
    "WidgetType",
    "dashboard_page",
    "etag_of",
    "needs_of",
    "view_of",
]
