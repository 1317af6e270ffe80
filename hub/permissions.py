"""Defines what each endpoint requires. An endpoint not listed here is for people: reading for viewers, changing for operators."""

from __future__ import annotations

from enum import StrEnum

from facts import Role


class Requirement(StrEnum):
    """What an endpoint requires of the client."""

    NOBODY = "nobody"
    VIEWER = "viewer"
    OPERATOR = "operator"
    ADMIN = "admin"
    LOCATION = "location token"
    SOURCE = "source token"
    METRICS = "viewer or metrics token"
    SIGNATURE = "signature"
    ADDRESS = "the address itself"

    @property
    def role(self) -> Role | None:
        """The role that the endpoint requires; None if it is not for people."""
        return _ROLES.get(self)


_ROLES = {
    Requirement.VIEWER: Role.VIEWER,
    Requirement.OPERATOR: Role.OPERATOR,
    Requirement.ADMIN: Role.ADMIN,
    Requirement.METRICS: Role.VIEWER,
}
_READING = ("GET", "HEAD")

NAMED: tuple[tuple[str, str, Requirement], ...] = (
    ("GET", "/healthz", Requirement.NOBODY),
    ("GET", "/readyz", Requirement.NOBODY),
    ("GET", "/login", Requirement.NOBODY),
    ("POST", "/login", Requirement.NOBODY),
    ("GET", "/login/oidc", Requirement.NOBODY),
    ("GET", "/login/oidc/callback", Requirement.NOBODY),
    ("GET", "/static/", Requirement.NOBODY),
    ("GET", "/openapi.json", Requirement.NOBODY),
    ("POST", "/logout", Requirement.VIEWER),
    ("POST", "/api/runs", Requirement.LOCATION),
    ("PUT", "/api/evidence/", Requirement.LOCATION),
    ("GET", "/api/plan", Requirement.LOCATION),
    ("POST", "/api/slots/claim", Requirement.LOCATION),
    ("POST", "/api/run-requests/", Requirement.LOCATION),
    ("POST", "/api/events", Requirement.SOURCE),
    ("POST", "/api/deploys", Requirement.SOURCE),
    ("POST", "/api/webhooks/stripe", Requirement.SIGNATURE),
    ("POST", "/api/webhooks/pagerduty", Requirement.SIGNATURE),
    ("POST", "/api/webhooks/twilio", Requirement.SIGNATURE),
    ("GET", "/links/", Requirement.SIGNATURE),
    ("POST", "/links/", Requirement.SIGNATURE),
    ("GET", "/share/", Requirement.ADDRESS),
    ("GET", "/shares", Requirement.OPERATOR),
    ("GET", "/api/shares", Requirement.OPERATOR),
    ("GET", "/ping/", Requirement.ADDRESS),
    ("POST", "/ping/", Requirement.ADDRESS),
    ("POST", "/v1/logs", Requirement.SOURCE),
    ("GET", "/metrics", Requirement.METRICS),
)
"""Method, path (with a final slash: everything below it), and requirement."""


def need(method: str, path: str) -> Requirement:
    """Return the requirement of a method and path."""
    reading = method in _READING
    for named_method, named_path, asked in NAMED:
        right_method = reading if named_method == "GET" else method == named_method
        right_path = path.startswith(named_path) if named_path.endswith("/") else path == named_path
        if right_method and right_path:
            return asked
    return Requirement.VIEWER if reading else Requirement.OPERATOR
