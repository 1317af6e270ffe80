"""People log in and out: passwords are checked slowly, sessions live on the server and end by themselves."""

from __future__ import annotations

import hashlib
import secrets
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cached_property

from facts import Role, User
from hub.errors import HubError, TooManyError
from hub.passwords import Cost, accepted, hashed, is_right
from hub.rates import Guesses, Patience
from store import Store, sessions, users
from store.sessions import Session

IDLE, ABSOLUTE = timedelta(hours=12), timedelta(days=7)
_CLOCKS_APART = timedelta(minutes=5)
_COARSELY = timedelta(minutes=5)
_AT_ONCE = 2
_NOT_KNOWN = "this name and password are not known here"


class Logins:
    """The users and their sessions. `monotonic` counts seconds for the waits between guesses; `check` compares a password with
    a stored hash."""

    def __init__(
        self,
        store: Store,
        *,
        cost: Cost | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        monotonic: Callable[[], float] = time.monotonic,
        check: Callable[[str, str], bool] = is_right,
        queues_s: float = 3.0,
    ) -> None:
        self._store, self._clock, self._monotonic = store, clock, monotonic
        self._check, self._queues_s = check, queues_s
        self._cost = cost or Cost()
        # A name is not locked for longer than a minute: whoever knows it could keep its owner out.
        self._of_name = Guesses(Patience(longest_s=60.0))
        self._of_client = Guesses(Patience(free=10, longest_s=900.0))
        self._checking = threading.BoundedSemaphore(_AT_ONCE)

    def log_in(self, name: str, password: str, *, client: str, leaving: str | None = None) -> str:
        """Begin a session; its cookie, which is new whatever the browser brought. `leaving` is the cookie it had.

        Raises:
            HubError: 401 the name or the password is wrong, and nobody learns which.
            TooManyError: too many wrong guesses of this name or from this client.
        """
        name = name.strip().lower()[:64]
        for guesses, key in ((self._of_client, client), (self._of_name, name)):
            wait_s = guesses.guess(key, self._monotonic())
            if wait_s > 0:
                raise TooManyError("too many wrong passwords", wait_s=wait_s)
        with self._store.read() as connection:
            stored = users.find(connection, name)
        if not self._is_right(password, stored.password if stored else self._nobody) or stored is None:
            raise HubError(401, _NOT_KNOWN)
        cookie = secrets.token_urlsafe(32)
        self._begin(name, stored.password, cookie, leaving)
        self._of_name.was_right(name, all_forgiven=True)
        self._of_client.was_right(client, all_forgiven=False)
        return cookie

    def _is_right(self, password: str, stored: str) -> bool:
        # Each check takes 32 MiB and a core: a crowd waits, and then is sent away.
        if not self._checking.acquire(timeout=self._queues_s):
            raise TooManyError("too many people log in at once", wait_s=5)
        try:
            return self._check(password, stored)
        finally:
            self._checking.release()

    @cached_property
    def _nobody(self) -> str:
        """What the password of somebody unknown is compared with, so that it takes as long."""
        return hashed(secrets.token_hex(16), cost=self._cost)

    def _begin(self, name: str, password: str, cookie: str, leaving: str | None) -> None:
        now = self._clock()
        with self._store.write() as connection:
            sessions.sweep(connection, seen_before=now - IDLE, opened_before=now - ABSOLUTE)
            if leaving:
                sessions.close(connection, _name(leaving))
            stored = users.find(connection, name, hold=True)
            if stored is None or stored.password != password:
                raise HubError(401, _NOT_KNOWN)
            sessions.begin(connection, sha256=_name(cookie), name=name, at=now)

    def session(self, cookie: str, *, is_here: bool = True) -> Session | None:
        """The session of a cookie; None where there is none or it is over. `is_here` counts against its idling."""
        now, name = self._clock(), _name(cookie)
        with self._store.read() as connection:
            found = sessions.find(connection, name)
        if found is None or now - found.seen_at > IDLE or now - found.opened_at > ABSOLUTE:
            return None
        if found.opened_at - now > _CLOCKS_APART:  # a clock that was ahead would keep it open for as long
            return None
        if is_here and abs(now - found.seen_at) > _COARSELY:
            with self._store.write() as connection:
                sessions.note_seen(connection, name, at=now)
        return found

    def log_out(self, cookie: str) -> None:
        """End a session."""
        with self._store.write() as connection:
            sessions.close(connection, _name(cookie))

    def add(self, name: str, role: Role, password: str) -> User:
        """Add a person.

        Raises:
            HubError: 409 the name is taken, 422 the password is too short or too long.
        """
        now = self._clock()
        user = User(name=name, role=role, created_at=now, changed_at=now)
        kept = hashed(accepted(password), cost=self._cost)
        with self._store.write() as connection:
            if not users.add(connection, user, password=kept):
                raise HubError(
                    409, f"there is a user {name!r} already; `sixfb user passwd {name}` sets another password"
                )
        return user

    def set_password(self, name: str, password: str) -> bool:
        """Set another password and end every session of that person; False where there is none. Raises HubError 422."""
        kept = hashed(accepted(password), cost=self._cost)
        with self._store.write() as connection:
            return users.set_password(connection, name, password=kept, at=self._clock())


def _name(cookie: str) -> str:
    """Sessions are kept under a hash: a stolen database opens none."""
    return hashlib.sha256(cookie.encode("utf-8", "replace")).hexdigest()
