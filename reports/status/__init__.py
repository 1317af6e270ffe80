"""The public status page: static files that say whether the shop works, without anything internal."""

from reports.status.badge import badge
from reports.status.feed import feed
from reports.status.files import LOGO_TYPES, STATUS_FILES, Look, status_files
from reports.status.summary import (
    DAYS,
    Component,
    ComponentState,
    PublicIncident,
    PublicMaintenance,
    StatusSummary,
    incidents_of,
    state_of,
)

__all__ = [
    "DAYS",
    "LOGO_TYPES",
    "STATUS_FILES",
    "Component",
    "ComponentState",
    "Look",
    "PublicIncident",
    "PublicMaintenance",
    "StatusSummary",
    "badge",
    "feed",
    "incidents_of",
    "state_of",
    "status_files",
]
