"""Manages tokens of locations and sources: `sfb_<name>_<id>_<secret>`, of which only a MAC is stored."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from facts import Token, TokenKind
from facts.access import TOKEN_SHAPE
from hub.errors import HubError
from hub.server_key import ServerKey
from store import Store
from store import tokens as rows

_COARSELY = timedelta(minutes=10)
_PURPOSE = "token"
_ASK = {"WWW-Authenticate": "Bearer"}


class Tokens:
    """Issues, verifies and revokes tokens."""

    def __init__(self, store: Store, key: ServerKey) -> None:
        self._store = store
        self._key = key

    def issue(self, kind: TokenKind, subject: str, *, now: datetime) -> tuple[Token, str]:
        """Return a new token and its text, which is shown once and stored nowhere.

        Raises:
            HubError: 409 two active tokens exist already, named in the message; 422 the subject is not a valid name.
        """
        token_id = secrets.token_hex(4)
        text = f"sfb_{subject}_{token_id}_{secrets.token_hex(32)}"
        if not TOKEN_SHAPE.fullmatch(text):
            raise HubError(422, f"{subject!r}: small letters, digits and hyphens only, 64 at most")
        token = Token(id=token_id, kind=kind, subject=subject, key=self._key.fingerprint, created_at=now)
        with self._store.write() as connection:
            if rows.add(connection, token, mac=self._key.sign(_PURPOSE, text)):
                return token, text
            active = [t for t in rows.listed(connection) if (t.kind, t.subject) == (kind, subject) and not t.revoked_at]
        named = " and ".join(f"{t.id} ({_use(t)})" for t in active)
        raise HubError(
            409,
            f"{subject} has two active tokens, {named}; revoke the one that is no longer in use: `sixfb token revoke ID`",
        )

    def known(self, text: str, *, now: datetime) -> Token:
        """Return the token of a text, and record its use to within ten minutes.

        Raises:
            HubError: 401 it is unknown or revoked.
        """
        match = TOKEN_SHAPE.fullmatch(text)
        with self._store.read() as connection:
            stored = rows.find(connection, match[2]) if match else None
        # Every refusal takes equally long, so that timing does not reveal what is wrong with a token.
        genuine = self._key.signed(_PURPOSE, text, stored.mac if stored else "0" * 64)
        if stored is None or not genuine:
            raise HubError(401, "the token is not known here; make one with `sixfb token create`", headers=_ASK)
        if stored.token.revoked_at is not None:
            raise HubError(401, f"the token {stored.token.id} is revoked; use the new one", headers=_ASK)
        used = stored.token.last_used_at
        if used is None or now - used > _COARSELY:
            with self._store.write() as connection:
                rows.note_use(connection, stored.token.id, at=now)
        return stored.token

    def revoke(self, token_id: str, *, now: datetime) -> bool:
        """Revoke a token; return False if no active token has that id."""
        with self._store.write() as connection:
            return rows.revoke(connection, token_id, at=now)

    def of_another_key(self) -> list[Token]:
        """Return the active tokens that cannot be verified, because they were made with another server key."""
        with self._store.read() as connection:
            return [t for t in rows.listed(connection) if not t.revoked_at and t.key != self._key.fingerprint]


def bearer(authorization: str | None) -> str | None:
    """Return the token after `Bearer`; None if there is none."""
    scheme, _, text = (authorization or "").partition(" ")
    return text.strip() or None if scheme.lower() == "bearer" else None


def _use(token: Token) -> str:
    return f"last used {token.last_used_at:%Y-%m-%d %H:%M} UTC" if token.last_used_at else "never used"
