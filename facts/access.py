"""Who may come in: people with a role, and the tokens of locations and sources."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

TOKEN_SHAPE = re.compile(r"sfb_([a-z0-9][a-z0-9-]{0,63})_([0-9a-f]{8})_([0-9a-f]{64})")
"""The text of a token: whose it is, its id, its secret. A name holds no underscore, so that its end is never in doubt."""


class Role(StrEnum):
    """What a person may do; each may what the ones before it may."""

    VIEWER = "viewer"
    """Reads."""
    OPERATOR = "operator"
    """Acknowledges, silences, reclassifies."""
    ADMIN = "admin"
    """Everything."""

    def may(self, needed: Role) -> bool:
        """Whether this role is enough where `needed` is asked for."""
        order = list(Role)
        return order.index(self) >= order.index(needed)


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """A person who logs in here. `changed_at` is when the password was set last."""

    name: str
    role: Role
    created_at: datetime
    changed_at: datetime


class TokenKind(StrEnum):
    """What a token speaks for."""

    LOCATION = "location"
    """A runner: it sends runs and evidence of its location and asks for its plan."""
    SOURCE = "source"
    """A program of the site's: it sends events."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A program's token, without its secret. `subject` is the location's or the source's name.

    `key` is the fingerprint of the server key it was made with: under another key nobody can check it. `last_used_at` is
    right to ten minutes.
    """

    id: str
    kind: TokenKind
    subject: str
    key: str
    created_at: datetime
    last_used_at: datetime | None = None
    revoked_at: datetime | None = None
