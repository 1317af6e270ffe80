"""Defines who may access the hub: people with a role, and the tokens of locations and sources."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

TOKEN_SHAPE = re.compile(r"sfb_([a-z0-9][a-z0-9-]{0,63})_([0-9a-f]{8})_([0-9a-f]{64})")
"""The text of a token: its subject, id and secret. A subject contains no underscore, so that its end is never ambiguous."""


class Role(StrEnum):
    """A person's role; each includes the rights of those before it."""

    VIEWER = "viewer"
    """May read."""
    OPERATOR = "operator"
    """May acknowledge, silence and reclassify."""
    ADMIN = "admin"
    """May do everything."""

    def may(self, needed: Role) -> bool:
        """Return whether this role includes the rights of `needed`."""
        order = list(Role)
        return order.index(self) >= order.index(needed)


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """Holds a user of the hub. `changed_at` is when the password was last set."""

    name: str
    role: Role
    created_at: datetime
    changed_at: datetime


class TokenKind(StrEnum):
    """What a token represents."""

    LOCATION = "location"
    """A runner: it sends runs and evidence of its location and requests its plan."""
    SOURCE = "source"
    """A program of the site: it sends events."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """Holds a program's token, without its secret. `subject` is the location's or the source's name.

    `key` is the fingerprint of the server key it was made with; with another key it cannot be verified. `last_used_at`
    is accurate to ten minutes.
    """

    id: str
    kind: TokenKind
    subject: str
    key: str
    created_at: datetime
    last_used_at: datetime | None = None
    revoked_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """Holds a share link: one page that it shows to people without an account, without the signature that opens it.

    `path` is the page's path with its query, without the hub's prefix. `key` is the fingerprint of the server key the link
    was signed with; with another key it opens nothing. `by` made it, and `last_opened_at` is accurate to ten minutes.
    """

    id: str
    path: str
    key: str
    by: str
    created_at: datetime
    expires_at: datetime
    last_opened_at: datetime | None = None
    revoked_at: datetime | None = None
    revoked_by: str | None = None

    def state(self, now: datetime) -> str:
        """Return `active`, `expired` or `revoked`."""
        if self.revoked_at is not None:
            return "revoked"
        return "active" if now < self.expires_at else "expired"
