"""Authenticates and authorizes every request before an endpoint's own code runs."""

from __future__ import annotations

import hmac
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from starlette.requests import Request

from facts import Role, Token, TokenKind
from hub.access import Access, is_local_host
from hub.errors import HubError, LoginNeededError, TooManyError
from hub.logins import Logins
from hub.oidc import Oidc
from hub.permissions import Requirement, need
from hub.rates import Buckets, Rate
from hub.server_key import ServerKey
from hub.shares import Shares
from hub.signed_links import ActionLinks
from hub.tokens import Tokens, bearer
from store import Store, tokens, users

SESSION_COOKIE = "sixfb_session"
_LONGEST_NAME = 80
_OPEN_DOORS = (
    "Nobody needs to log in, and runners need no token: this hub is open to everybody on this machine "
    "(`sixfb user add`, `sixfb token create`)."
)
_NO_LOGIN = "Nobody needs to log in: pages and acknowledging are open to everybody on this machine (`sixfb user add`)."
_BEHIND_PROXY = "Nobody needs to log in: this hub is open to everybody whom the proxy of SIXFB_TRUSTED_PROXIES lets in."
_TO_OPEN = (
    "to let others in, add a user (`sixfb user add NAME --role admin`) and a token for each runner "
    "(`sixfb token create --location NAME`), or name the proxy in SIXFB_TRUSTED_PROXIES"
)
_NO_TOKENS = "Runners need no token: everybody who reaches this hub can send runs (`sixfb token create`)."
_PROVEN_BY_REQUEST = (Requirement.SIGNATURE, Requirement.ADDRESS)
"""Requirements that the endpoint checks itself, such as a webhook's signature; the guard lets every client through."""
_KINDS = {Requirement.LOCATION: TokenKind.LOCATION, Requirement.SOURCE: TokenKind.SOURCE}


@dataclass(frozen=True, slots=True, kw_only=True)
class Visitor:
    """Holds a logged-in person.

    `csrf` is the token that their forms must carry. `session` is the cookie of the session, None without one. `known`
    is false if no login is set up: then every client has all rights, under a name of its own choice.
    """

    name: str
    role: Role
    csrf: str = field(repr=False)
    session: str | None = field(default=None, repr=False)
    known: bool = True


class Guard:
    """Admits or refuses requests. `monotonic` returns seconds for the rate limits."""

    def __init__(
        self,
        store: Store,
        key: ServerKey,
        access: Access,
        *,
        logins: Logins | None = None,
        rate: Rate | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.access = access
        self.logins = logins or Logins(store, key, clock=clock)
        self._store, self._key, self._clock, self.monotonic = store, key, clock, monotonic
        self.shares = Shares(store, key)
        self.oidc = Oidc(access.oidc, key, clock=clock) if access.oidc is not None else None
        self._tokens = Tokens(store, key)
        self.action_links = ActionLinks(key)
        self._buckets = Buckets(rate or Rate())
        # New at each start: without logins there is no session that a token could be bound to.
        self._open_csrf = key.sign("csrf of the open hub", secrets.token_hex(16))

    def check_way(self, request: Request) -> None:
        """Refuse a request with a foreign host name, from a foreign page, or through an unknown proxy.

        An unknown proxy is refused only if the endpoint requires no authentication.

        Raises:
            HubError: 400 the name, 403 the page or the proxy; the message says what to do.
        """
        hosts = request.headers.getlist("Host")
        host = hosts[0] if len(hosts) == 1 else None
        if not self.access.answers_to(host) and not (self.access.is_linked(host) and self.login_needed()):
            raise HubError(400, "the hub does not answer to this name; SIXFB_HOSTS lists those that it has")
        self._refuse_other_sites(request)
        header = self.access.forwarding_header(request)
        if header is None and (is_local_host(host) or self.access.is_proxy(request)):
            return
        if self._asks_who(request):
            return
        # A forwarded request looks like one from this machine, for which the endpoints are open.
        if header is None:
            raise HubError(400, f"this hub is open to this machine alone, and answers to localhost; {_TO_OPEN}")
        raise HubError(
            403,
            f"this hub is open to this machine alone, and {header:.40} says that a proxy passed this on; {_TO_OPEN}",
        )

    def _asks_who(self, request: Request) -> bool:
        """Return whether the endpoint currently requires a token or a login."""
        asked = need(request.method, request.scope["path"])
        if asked in _PROVEN_BY_REQUEST:
            return True
        if asked in _KINDS:
            return bearer(request.headers.get("Authorization")) is not None or self.tokens_needed()
        return (asked is Requirement.METRICS and self._has_metrics_token(request)) or self.login_needed()

    def _refuse_other_sites(self, request: Request) -> None:
        """Refuse a changing request from another site's page.

        Browsers name the page in `Sec-Fetch-Site` over https and on this machine, otherwise in `Origin`, or in
        `Referer` if they are old. Programs send none of these.
        """
        if request.method in ("GET", "HEAD"):
            return
        site = request.headers.get("Sec-Fetch-Site")
        if site is not None:
            own = site in ("same-origin", "none")
        else:
            page = request.headers.get("Origin") or request.headers.get("Referer")
            # Our own forms send "null", because our pages send no referrer; their CSRF token is checked later.
            own = page is None or (is_form(request) if page == "null" else self.access.is_own_origin(page, request))
        if not own:
            raise HubError(403, "this came from another site's page; use the hub's own")

    def admit(self, request: Request) -> None:
        """Admit a request and store its identity in its state: `visitor` for a person, or `token` for a program.

        Raises:
            HubError: 401 not authenticated, 403 not allowed, 429 too fast.
        """
        asked = need(request.method, request.scope["path"])
        request.state.visitor = request.state.token = None
        if asked in _KINDS:
            request.state.token = self._program(request, _KINDS[asked])
        elif asked is Requirement.METRICS and self._has_metrics_token(request):
            return
        elif asked.role is not None:
            request.state.visitor = self._person(request, asked.role)

    def _program(self, request: Request, kind: TokenKind) -> Token | None:
        text = bearer(request.headers.get("Authorization"))
        if text is None:
            if self.tokens_needed():
                what = f"send a {kind.value}'s token: `Authorization: Bearer sfb_...` (`sixfb token create`)"
                raise HubError(401, what, headers={"WWW-Authenticate": "Bearer"})
            return None
        token = self._tokens.known(text, now=self._clock())
        if token.kind is not kind:
            raise HubError(403, f"{token.id} is a {token.kind.value}'s token; this door is for a {kind.value}'s")
        wait_s = self._buckets.take(token.id, self.monotonic())
        if wait_s > 0:
            raise TooManyError(f"{token.subject} asks too fast", wait_s=wait_s)
        return token

    def _person(self, request: Request, needed: Role) -> Visitor:
        visitor = self.visitor(request)
        if visitor is None:
            raise LoginNeededError
        if not visitor.role.may(needed):
            raise HubError(403, f"{visitor.name} is {visitor.role}; this needs {needed}")
        return visitor

    def visitor(self, request: Request) -> Visitor | None:
        """Return the person behind a request; None if they must log in first. Raises HubError 401 if a proxy's name is ambiguous."""
        if not self.login_needed():
            name = _printable(request.headers.get("X-Sixfb-Person", ""))
            return Visitor(name=name or "the dashboard", role=Role.ADMIN, csrf=self._open_csrf, known=False)
        return self._from_proxy(request) or self._from_session(request)

    def _from_proxy(self, request: Request) -> Visitor | None:
        login = self.access.proxy_login
        if login is None or not self.access.is_proxy(request):
            return None
        names = request.headers.getlist(login.header)
        if not names:
            return None
        name = _printable(names[0])
        # A proxy that appends to the header instead of replacing it would let clients choose their own name.
        if len(names) > 1 or not name:
            raise HubError(401, f"{login.header}: expected one name from the proxy, got {len(names)} headers")
        return Visitor(
            name=name, role=_role(request, login.role_header) or login.role, csrf=self._key.sign("csrf", name)
        )

    def _from_session(self, request: Request) -> Visitor | None:
        cookie = request.cookies.get(self.access.cookie_name(SESSION_COOKIE, request))
        # A page that refreshes itself does not prove that a person is present.
        in_the_background = request.headers.get("Sec-Fetch-Dest") == "empty" and request.method == "GET"
        session = self.logins.session(cookie, is_here=not in_the_background) if cookie else None
        if session is None or cookie is None:
            return None
        return Visitor(name=session.name, role=session.role, csrf=self._key.sign("csrf", cookie), session=cookie)

    def _has_metrics_token(self, request: Request) -> bool:
        told, wanted = bearer(request.headers.get("Authorization")), self.access.metrics_token
        if told is None or wanted is None:
            return False
        return hmac.compare_digest(told.encode("utf-8", "replace"), wanted.reveal().encode())

    def login_needed(self) -> bool:
        """Return whether people must log in: users, a proxy login or an identity provider exist, or other machines reach the hub."""
        if self.access.public or self.access.proxy_login is not None or self.access.oidc is not None:
            return True
        with self._store.read() as connection:
            return users.count(connection) > 0

    def tokens_needed(self) -> bool:
        """Return whether runners need a token: one was ever issued, the settings require it, or other machines reach the hub."""
        if self.access.public or self.access.require_tokens:
            return True
        with self._store.read() as connection:
            return tokens.any_issued(connection)

    def notices(self) -> tuple[str, ...]:
        """Return the notices for every page about missing authentication and about tokens that cannot be verified."""
        login, token = self.login_needed(), self.tokens_needed()
        said = {(False, False): _OPEN_DOORS, (False, True): _NO_LOGIN, (True, False): _NO_TOKENS}.get((login, token))
        lost = [t.id for t in self._tokens.of_another_key()]
        what = f"Tokens made with another server key are refused: {', '.join(lost)}. Set that key, or issue them anew."
        behind = [_BEHIND_PROXY] if not login and self.access.proxies else []
        return (*([said] if said else []), *behind, *([what] if lost else []))

    def sign_form(self, nonce: str) -> str:
        """Return the signature that the login form must carry, for the nonce in its cookie."""
        return self._key.sign("login form", nonce)

    def signed_form(self, nonce: str, signature: str) -> bool:
        """Return whether a login form was issued by this hub."""
        return bool(nonce) and self._key.signed("login form", nonce, signature)


def is_form(request: Request) -> bool:
    """Return whether the request body is a browser's form."""
    return content_type(request) == "application/x-www-form-urlencoded"


def content_type(request: Request) -> str:
    """Return the media type of the body without parameters; "" if there is none."""
    return request.headers.get("Content-Type", "").partition(";")[0].strip().lower()


def visitor_of(request: Request) -> Visitor:
    """Return the person whom the guard admitted, at an endpoint for people."""
    visitor = request.state.visitor
    assert isinstance(visitor, Visitor)
    return visitor


def token_of(request: Request) -> Token | None:
    """Return the token of a program; None if the hub requires none."""
    token: Token | None = request.state.token
    return token


def _role(request: Request, header: str | None) -> Role | None:
    told = request.headers.getlist(header) if header else []
    name = told[0].strip().lower() if len(told) == 1 else ""
    return Role(name) if name in list(Role) else None


def _printable(name: str) -> str:
    return "".join(c for c in name if c.isprintable()).strip()[:_LONGEST_NAME]
