"""Which door wants whom. A door that is not named here is for people: reading for viewers, changing for operators."""

from __future__ import annotations

from enum import StrEnum

from facts import Role


class Need(StrEnum):
    """What a door asks of who comes."""

    NOBODY = "nobody"
    VIEWER = "viewer"
    OPERATOR = "operator"
    ADMIN = "admin"
    LOCATION = "location token"
    SOURCE = "source token"
    METRICS = "viewer or metrics token"

    @property
    def role(self) -> Role | None:
        """The role that the door is for; None where it is for no person."""
        return _ROLES.get(self)


_ROLES = {
    Need.VIEWER: Role.VIEWER,
    Need.OPERATOR: Role.OPERATOR,
    Need.ADMIN: Role.ADMIN,
    Need.METRICS: Role.VIEWER,
}
_READING = ("GET", "HEAD")

NAMED: tuple[tuple[str, str, Need], ...] = (
    ("GET", "/healthz", Need.NOBODY),
    ("GET", "/readyz", Need.NOBODY),
    ("GET", "/login", Need.NOBODY),
    ("POST", "/login", Need.NOBODY),
    ("GET", "/static/", Need.NOBODY),
    ("GET", "/openapi.json", Need.NOBODY),
    ("POST", "/logout", Need.VIEWER),
    ("POST", "/api/runs", Need.LOCATION),
    ("PUT", "/api/evidence/", Need.LOCATION),
    ("GET", "/api/plan", Need.LOCATION),
    ("POST", "/api/slots/claim", Need.LOCATION),
    ("POST", "/api/events", Need.SOURCE),
    ("GET", "/metrics", Need.METRICS),
)
"""Method, path (with a final slash: everything below it), and what it asks."""


def need(method: str, path: str) -> Need:
    """What the door at a path asks of who comes with a method."""
    reading = method in _READING
    for named_method, named_path, asked in NAMED:
        right_method = reading if named_method == "GET" else method == named_method
        right_path = path.startswith(named_path) if named_path.endswith("/") else path == named_path
        if right_method and right_path:
            return asked
    return Need.VIEWER if reading else Need.OPERATOR
