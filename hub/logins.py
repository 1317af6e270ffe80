"""People log in and out: passwords are checked slowly, sessions live on the server and end by themselves."""

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
    """The cookies of a login: of its session, and of the browser, which is known from now on."""

    session: str = field(repr=False)
    device: str = field(repr=False)


class Logins:
    """The users and their sessions. `check` compares a password with a stored hash; `key` signs the cookies of known browsers."""

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
        # Known browsers have a place of their own: a crowd of strangers does not keep them waiting.
        self._strangers, self._known = threading.BoundedSemaphore(_AT_ONCE), threading.BoundedSemaphore(1)

    def log_in(
        self, name: str, password: str, *, client: str, leaving: str | None = None, device: str | None = None
    ) -> LoggedIn:
        """Begin a session, which is new whatever the browser brought. `client` is the network that asks, `leaving` the cookie of
        the session that the browser had, `device` the one by which it may be known.

        Raises:
            HubError: 401 the name or the password is wrong, and nobody learns which.
            TooManyError: too many wrong guesses, or too many people at once.
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
            self._guesses.take_back(counted)  # nobody looked at it
            raise
        if not is_right or stored is None:
            raise HubError(401, _NOT_KNOWN)
        cookie = secrets.token_urlsafe(32)
        self._begin(name, stored.password, cookie, leaving)
        self._guesses.take_back(counted)
        browser = self._devices.cookie(name, password=stored.password, now=now, device=known)
        return LoggedIn(session=cookie, device=browser)

    def _is_right(self, password: str, stored: str, places: threading.BoundedSemaphore) -> bool:
        # Each check takes 32 MiB and a core: a crowd waits, and then is sent away.
        if not places.acquire(timeout=self._queues_s):
            raise TooManyError("too many people log in at once", wait_s=5)
        try:
            return self._check(password, stored)
        finally:
            places.release()

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


def own_name(name: str) -> str:
    """The name of a person as it is kept, whatever was typed."""
    return name.strip().lower()[:64]


def _name(cookie: str) -> str:
    """Sessions are kept under a hash: a stolen database opens none."""
    return hashlib.sha256(cookie.encode("utf-8", "replace")).hexdigest()
