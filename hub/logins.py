"""Logs people in and out; password checks are deliberately slow, and sessions are stored on the server and expire."""

from __future__ import annotations

import hashlib
import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property

from facts import Role, User
from hub.devices import Devices
from hub.errors import HubError, TooManyError
from hub.guesses import Guesses, limits
from hub.passwords import Cost, accepted, hashed, is_right
from hub.server_key import ServerKey
from store import Store, sessions, users
from store.sessions import Session

IDLE, ABSOLUTE = timedelta(hours=12), timedelta(days=7)
_CLOCKS_APART = timedelta(minutes=5)
_COARSELY = timedelta(minutes=5)
_AT_ONCE = 2
_NOT_KNOWN = "this name and password are not known here"


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedIn:
    """Holds the cookies of a login: one for the session, and one that identifies the browser from now on."""

    session: str = field(repr=False)
    device: str = field(repr=False)


class Logins:
    """Manages users and their sessions.

    `check` compares a password with a stored hash. `key` signs the cookies of known browsers. `queues_s` is how long a
    login waits for a free slot, in seconds.
    """

    def __init__(
        self,
        store: Store,
        key: ServerKey,
        *,
        cost: Cost | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        check: Callable[[str, str], bool] = is_right,
        queues_s: float = 3.0,
        guesses: Guesses | None = None,
    ) -> None:
        self._store, self._clock = store, clock
        self._check, self._queues_s = check, queues_s
        self._cost = cost or Cost()
        self._guesses, self._devices = guesses or Guesses(store), Devices(key)
        # Known browsers have a separate slot, so that many unknown clients do not delay them.
        self._strangers, self._known = threading.BoundedSemaphore(_AT_ONCE), threading.BoundedSemaphore(1)

    def log_in(
        self, name: str, password: str, *, client: str, leaving: str | None = None, device: str | None = None
    ) -> LoggedIn:
        """Start a new session.

        `client` is the client's network. `leaving` is the cookie of the browser's previous session, which ends.
        `device` is the cookie that may identify a known browser.

        Raises:
            HubError: 401 the name or the password is wrong; the message does not say which.
            TooManyError: too many wrong guesses, or too many concurrent logins.
        """
        name, now, nobody = own_name(name), self._clock(), self._nobody
        with self._store.read() as connection:
            stored = users.find(connection, name)
        password_hash = stored.password if stored else nobody
        known = self._devices.known(device, name, password=password_hash, now=now)
        counted = limits(name, network=client, device=known)
        wait_s = self._guesses.count(counted, now=now)
        if wait_s > 0:
            raise TooManyError("too many wrong passwords", wait_s=wait_s)
        places = self._known if known else self._strangers
        try:
            is_right = self._is_right(password, password_hash, places)
        except TooManyError:
            self._guesses.take_back(counted)  # the password was not checked
            raise
        if not is_right or stored is None:
            raise HubError(401, _NOT_KNOWN)
        cookie = secrets.token_urlsafe(32)
        self._begin(name, stored.password, cookie, leaving)
        self._guesses.take_back(counted)
        browser = self._devices.cookie(name, password=stored.password, now=now, device=known)
        return LoggedIn(session=cookie, device=browser)

    def _is_right(self, password: str, stored: str, places: threading.BoundedSemaphore) -> bool:
        # Each check takes 32 MiB and a core, so the excess waits and is then refused.
        if not places.acquire(timeout=self._queues_s):
            raise TooManyError("too many people log in at once", wait_s=5)
        try:
            return self._check(password, stored)
        finally:
            places.release()

    @cached_property
    def _nobody(self) -> str:
        """A hash to compare with for an unknown name, so that the check takes equally long."""
        return hashed(secrets.token_hex(16), cost=self._cost)

    def _begin(self, name: str, password: str, cookie: str, leaving: str | None) -> None:
        now = self._clock()
        with self._store.write() as connection:
            sessions.sweep(connection, seen_before=now - IDLE, opened_before=now - ABSOLUTE)
            if leaving:
                sessions.close(connection, _name(leaving))
            # Read again with a lock: the password may have been changed while the check ran.
            stored = users.find(connection, name, hold=True)
            if stored is None or stored.password != password:
                raise HubError(401, _NOT_KNOWN)
            sessions.begin(connection, sha256=_name(cookie), name=name, at=now)

    def enter(self, name: str, role: Role, *, leaving: str | None = None) -> str:
        """Start the session of a person whom an identity provider logged in, and return its cookie."""
        now, cookie = self._clock(), secrets.token_urlsafe(32)
        with self._store.write() as connection:
            sessions.sweep(connection, seen_before=now - IDLE, opened_before=now - ABSOLUTE)
            if leaving:
                sessions.close(connection, _name(leaving))
            sessions.begin(connection, sha256=_name(cookie), name=name, at=now, role=role)
        return cookie

    def session(self, cookie: str, *, is_here: bool = True) -> Session | None:
        """Return the session of a cookie; None if there is none or it has expired. `is_here` extends its idle time."""
        now, name = self._clock(), _name(cookie)
        with self._store.read() as connection:
            found = sessions.find(connection, name)
        if found is None or now - found.seen_at > IDLE or now - found.opened_at > ABSOLUTE:
            return None
        if found.opened_at - now > _CLOCKS_APART:  # otherwise a session from a fast clock would last too long
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
        """Add a user.

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
        """Set a new password and end all sessions of that user; return False if there is no such user. Raises HubError 422."""
        kept = hashed(accepted(password), cost=self._cost)
        with self._store.write() as connection:
            return users.set_password(connection, name, password=kept, at=self._clock())


def own_name(name: str) -> str:
    """Return a user name in its stored form: trimmed, in lower case, at most 64 characters."""
    return name.strip().lower()[:64]


def _name(cookie: str) -> str:
    """Return the hash under which a session is stored, so that a stolen database contains no usable cookie."""
    return hashlib.sha256(cookie.encode("utf-8", "replace")).hexdigest()
