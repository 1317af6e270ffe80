"""Logs people in by an OpenID Connect provider: discovery, the code flow with PKCE, and the checks of what comes back.

https://openid.net/specs/openid-connect-core-1_0.html#CodeFlowAuth. Signatures are checked by `joserfc`, which the extra `oidc` brings;
it is imported only when somebody logs in this way.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx

from config import Secret
from facts import Role
from hub.errors import HubError, TooManyError
from hub.server_key import ServerKey
from process.bounded_http import bounded_client
from process.logs import get_logger

_log = get_logger("sixfb.hub")
STARTED_LASTS = timedelta(minutes=10)
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
"""The signatures that are believed. `none` is not among them, nor is any that the client's own secret could make."""
_WITHIN_S, _LARGEST = 10.0, 256 * 1024
_KEPT = timedelta(hours=1)
_KEYS_AGAIN = timedelta(minutes=1)
_LEEWAY = timedelta(seconds=60)
_AT_ONCE = 4
_LONGEST_NAME = 64
_MOST_GROUPS = 2000
_PURPOSE = "oidc login"


@dataclass(frozen=True, slots=True, kw_only=True)
class OidcSettings:
    """Holds the provider and what is believed of it.

    `redirect` is the hub's own address to which the provider sends people back. `roles` maps a value of the claim `roles_claim` to a
    role; `*` is for everybody whom the provider lets in. `name_claim` names the claim with the person's name.
    """

    issuer: str
    client_id: str
    redirect: str
    client_secret: Secret | None = field(default=None, repr=False)
    scopes: tuple[str, ...] = ("openid", "profile", "email")
    name_claim: str = "preferred_username"
    roles_claim: str = "groups"
    roles: Mapping[str, Role] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """Holds a login that has begun: where the browser goes, and the cookie that it keeps meanwhile."""

    address: str
    cookie: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Holds who has logged in, their role, and the path that they wanted to open."""

    name: str
    role: Role
    after: str


class Oidc:
    """Talks with one provider. Thread-safe. `clock` tells the time, and `client` sends requests; a bounded one, if none is given."""

    def __init__(
        self,
        settings: OidcSettings,
        key: ServerKey,
        *,
        clock: Callable[[], datetime],
        client: httpx.Client | None = None,
    ) -> None:
        self.settings, self._key, self._clock = settings, key, clock
        self._client = client or bounded_client(timeout_s=_WITHIN_S, most_bytes=_LARGEST)
        self._places = threading.BoundedSemaphore(_AT_ONCE)
        self._known: tuple[datetime, dict[str, Any]] | None = None
        self._keys: tuple[datetime, dict[str, Any]] | None = None

    def start(self, after: str) -> Started:
        """Begin a login that leads to the path `after`. Raises HubError 502 if the provider does not say how."""
        endpoint = self._endpoint("authorization_endpoint")
        begun = {
            "state": secrets.token_urlsafe(24),
            "nonce": secrets.token_urlsafe(24),
            "verifier": secrets.token_urlsafe(48),
            "after": after,
            "ends": int((self._clock() + STARTED_LASTS).timestamp()),
        }
        challenge = (
            base64.urlsafe_b64encode(hashlib.sha256(str(begun["verifier"]).encode()).digest()).rstrip(b"=").decode()
        )
        query = {
            "response_type": "code",
            "client_id": self.settings.client_id,
            "redirect_uri": self.settings.redirect,
            "scope": " ".join(self.settings.scopes),
            "state": begun["state"],
            "nonce": begun["nonce"],
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        text = base64.urlsafe_b64encode(json.dumps(begun).encode()).decode()
        separator = "&" if urlsplit(endpoint).query else "?"
        return Started(
            address=f"{endpoint}{separator}{urlencode(query)}", cookie=f"{text}.{self._key.sign(_PURPOSE, text)}"
        )

    def finish(self, asked: Mapping[str, str], cookie: str | None) -> Person:
        """Return who has come back from the provider, by the query of the address and the cookie of `start`.

        Raises:
            HubError: 400 it was not begun here, 401 the provider's word is not believed, 403 the person has no role here, 502 the
                provider does not answer as it should.
        """
        begun = self._begun(cookie)
        if not hmac.compare_digest(asked.get("state", "").encode(), str(begun["state"]).encode()):
            raise HubError(400, "this login was not begun in this browser, or in another tab; please try again")
        if "iss" in asked and asked["iss"] != self.settings.issuer:
            raise HubError(401, "another identity provider answered than was asked")
        if "error" in asked:
            raise HubError(401, f"the identity provider refused: {_printable(asked['error'], 60)}")
        if not asked.get("code"):
            raise HubError(400, "the identity provider sent no code; please try again")
        if not self._places.acquire(timeout=3.0):
            raise TooManyError("too many people log in at once", wait_s=5)
        try:
            told = self._tokens(asked["code"], str(begun["verifier"]))
            claims = self._claims(told.get("id_token"), nonce=str(begun["nonce"]))
            claims = self._with_user_info(claims, told.get("access_token"))
        finally:
            self._places.release()
        return Person(name=self._name_in(claims), role=self._role_in(claims), after=str(begun["after"]))

    def _begun(self, cookie: str | None) -> dict[str, Any]:
        text, _, signature = (cookie or "").partition(".")
        if not self._key.signed(_PURPOSE, text, signature):
            raise HubError(400, "this login was not begun in this browser; please try again")
        found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(text))
        if found["ends"] < self._clock().timestamp():
            raise HubError(400, "this login took too long; please try again")
        return found

    def _endpoint(self, name: str) -> str:
        value = self._configuration().get(name)
        if not isinstance(value, str) or not is_safe_address(value, like=self.settings.issuer):
            raise HubError(502, f"the identity provider names no {name} that could be used")
        return value

    def _configuration(self) -> dict[str, Any]:
        now = self._clock()
        if self._known is not None and now - self._known[0] < _KEPT:
            return self._known[1]
        found = self._ask("GET", f"{self.settings.issuer.rstrip('/')}/.well-known/openid-configuration")
        if found.get("issuer") != self.settings.issuer:
            raise HubError(
                502, "the identity provider calls itself otherwise than SIXFB_OIDC_ISSUER; write it exactly as it does"
            )
        self._known = (now, found)
        return found

    def _tokens(self, code: str, verifier: str) -> dict[str, Any]:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.settings.redirect,
            "code_verifier": verifier,
            "client_id": self.settings.client_id,
        }
        if self.settings.client_secret is not None:
            form["client_secret"] = self.settings.client_secret.reveal()
        return self._ask("POST", self._endpoint("token_endpoint"), data=form)

    def _claims(self, token: object, *, nonce: str) -> dict[str, Any]:
        """Return the claims of an id token whose signature, issuer, audience, times and nonce are right. Raises HubError 401."""
        from joserfc.errors import JoseError

        if not isinstance(token, str) or len(token) > _LARGEST:
            raise HubError(401, "the identity provider sent no id token")
        try:
            claims = self._verified(token)
        except (JoseError, ValueError, TypeError, KeyError) as error:
            _log.warning("oidc_token_refused", error=type(error).__name__)
            raise HubError(401, "the identity provider's id token is not signed by it") from None
        settings, now = self.settings, self._clock()
        audience = claims.get("aud")
        audiences = audience if isinstance(audience, list) else [audience]
        if claims.get("iss") != settings.issuer:
            raise HubError(401, "the id token is of another issuer")
        if settings.client_id not in audiences or claims.get("azp", settings.client_id) != settings.client_id:
            raise HubError(401, "the id token is for another client")
        if len(audiences) > 1 and "azp" not in claims:
            raise HubError(401, "the id token is for several clients, and does not say for which it was made")
        at, leeway = now.timestamp(), _LEEWAY.total_seconds()
        begins = max(_time_in(claims, "iat"), _time_in(claims, "nbf") if "nbf" in claims else 0.0)
        if not (begins - leeway <= at < _time_in(claims, "exp") + leeway):
            raise HubError(401, "the id token has expired, or is not valid yet; are the clocks right?")
        if not hmac.compare_digest(str(claims.get("nonce", "")).encode(), nonce.encode()):
            raise HubError(401, "the id token belongs to another login")
        if not isinstance(claims.get("sub"), str) or not claims["sub"]:
            raise HubError(401, "the id token names nobody")
        return claims

    def _verified(self, token: str) -> dict[str, Any]:
        from joserfc import jws, jwt
        from joserfc.errors import InvalidKeyIdError
        from joserfc.jwk import KeySet

        told = self._configuration().get("id_token_signing_alg_values_supported", ["RS256"])
        allowed = [one for one in ALGORITHMS if isinstance(told, list) and one in told]
        registry = jws.JWSRegistry(algorithms=allowed)
        for again in (False, True):
            keys = KeySet.import_key_set(self._key_set(again=again))  # type: ignore[arg-type]
            try:
                return jwt.decode(token, keys, algorithms=allowed, registry=registry).claims
            except (InvalidKeyIdError, ValueError):
                # A provider that changes its keys signs with one that was not there an hour ago.
                if again:
                    raise
        raise AssertionError

    def _key_set(self, *, again: bool) -> dict[str, Any]:
        now = self._clock()
        if self._keys is not None and now - self._keys[0] < (_KEYS_AGAIN if again else _KEPT):
            return self._keys[1]
        found = self._ask("GET", self._endpoint("jwks_uri"))
        # Keys that are the same on both sides are nobody's proof.
        keys = [
            one for one in found.get("keys", []) if isinstance(one, dict) and one.get("kty") in ("RSA", "EC", "OKP")
        ]
        self._keys = (now, {"keys": keys})
        return self._keys[1]

    def _with_user_info(self, claims: dict[str, Any], access_token: object) -> dict[str, Any]:
        """Return the claims with those of the user info endpoint, where the id token lacks the name or the groups."""
        wanted = {self.settings.name_claim, *([self.settings.roles_claim] if set(self.settings.roles) - {"*"} else [])}
        if (
            wanted <= set(claims)
            or not isinstance(access_token, str)
            or "userinfo_endpoint" not in self._configuration()
        ):
            return claims
        more = self._ask(
            "GET", self._endpoint("userinfo_endpoint"), headers={"Authorization": f"Bearer {access_token}"}
        )
        if more.get("sub") != claims["sub"]:
            raise HubError(401, "the identity provider told of another person than who logged in")
        return {**more, **claims}

    def _name_in(self, claims: Mapping[str, Any]) -> str:
        found = (claims.get(key) for key in (self.settings.name_claim, "email", "sub"))
        name = next(
            (printed for one in found if isinstance(one, str) and (printed := _printable(one, _LONGEST_NAME))), ""
        )
        if not name:
            raise HubError(401, "the identity provider named nobody")
        return name

    def _role_in(self, claims: Mapping[str, Any]) -> Role:
        """Return the highest role that the person's groups have. Raises HubError 403 if they have none."""
        told = claims.get(self.settings.roles_claim, [])
        groups = told if isinstance(told, list) else [told]
        found = [
            self.settings.roles[one]
            for one in ["*", *groups[:_MOST_GROUPS]]
            if isinstance(one, str) and one in self.settings.roles
        ]
        if not found:
            raise HubError(
                403, "your account has no role here; who runs the hub gives one to a group in SIXFB_OIDC_ROLES"
            )
        return max(found, key=list(Role).index)

    def _ask(self, method: str, address: str, **more: Any) -> dict[str, Any]:
        """Return the object in the provider's answer. Raises HubError 502, with nothing of the answer but its status."""
        try:
            answer = self._client.request(method, address, **more, timeout=_WITHIN_S)
            found = answer.json() if answer.is_success else None
        except httpx.TimeoutException:
            raise HubError(
                502, f"the identity provider did not answer within {_WITHIN_S:g} s; please try again"
            ) from None
        except (httpx.HTTPError, ValueError) as error:
            _log.warning("oidc_provider_failed", error=type(error).__name__)
            raise HubError(502, "the identity provider cannot be reached, or did not answer in JSON") from None
        if answer.is_success and isinstance(found, dict):
            return found
        raise HubError(502, f"the identity provider answered {answer.status_code}; please try again")


def is_safe_address(address: str, *, like: str = "https://") -> bool:
    """Return whether an address may be asked: https, or http on this machine where the issuer is there as well."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return False
    if parts.scheme == "https":
        return bool(parts.hostname)
    return (
        parts.scheme == "http"
        and parts.hostname in ("127.0.0.1", "localhost", "::1")
        and urlsplit(like).scheme == "http"
    )


def _time_in(claims: Mapping[str, Any], key: str) -> float:
    """Return a time in claims, as seconds since 1970. Raises HubError 401 if it is missing or no number."""
    found = claims.get(key)
    if isinstance(found, bool) or not isinstance(found, int | float):
        raise HubError(401, "the id token does not say how long it holds")
    return float(found)


def _printable(text: str, most: int) -> str:
    return "".join(one for one in text if one.isprintable()).strip()[:most]
