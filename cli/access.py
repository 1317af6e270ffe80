"""Reads from the environment how the hub is reached: names, proxies, login and tokens."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from cli import hub_config
from cli.command_error import CommandError, without_store, writable_folder
from config import Complaint, ConfigError, Secret, read_secret
from facts import Role

if TYPE_CHECKING:
    from hub.access import Access, Network, ProxyLogin
    from hub.logins import Logins
    from hub.oidc import OidcSettings
    from hub.server_key import ServerKey
    from store import Store

_HOST = re.compile(r"(\*\.)?[a-z0-9]([a-z0-9.-]*[a-z0-9])?|[0-9a-f:]+")
_HEADER = re.compile(r"[A-Za-z][A-Za-z0-9-]*")
_YES, _NO = ("1", "true", "yes", "on"), ("", "0", "false", "no", "off")


def read_access(host: str, base_url: str | None = None, environment: Mapping[str, str] = os.environ) -> Access:
    """What the settings say of a hub that listens at `host` and whose links lead to `base_url`. Raises ConfigError.

    It is public where others than this machine can reach it: at an address that is not loopback, or by a name that is not
    this machine's (a proxy in front of it).
    """
    from hub.access import Access, is_local_name, is_loopback

    hosts = tuple(_hosts(environment))
    public = not is_loopback(host) or any(not is_local_name(name) for name in hosts)
    linked = urlsplit(base_url).hostname if base_url else None
    proxies = _listed("SIXFB_TRUSTED_PROXIES", environment)
    return Access(
        public=public,
        require_tokens=_flag("SIXFB_REQUIRE_TOKENS", environment),
        hosts=(*hosts, *([linked] if linked and public else [])),
        proxies=_networks(proxies),
        proxy_login=_proxy_login(environment, proxies),
        oidc=read_oidc(base_url, environment),
        metrics_token=read_secret("SIXFB_METRICS_TOKEN", environment),
        linked=linked,
        prefix=_prefix(base_url),
    )


def secret_key(environment: Mapping[str, str] = os.environ) -> Secret | None:
    """Return the hub's key if it is configured. Raises ConfigError."""
    return read_secret("SIXFB_SECRET_KEY", environment)


def must_have_a_login(host: str, access: Access, users: int) -> None:
    """Refuse to serve other machines while no login is required. Raises CommandError."""
    from hub.access import is_loopback

    if not access.public or users or access.proxy_login is not None or access.oidc is not None:
        return
    how = f"--host {host}" if not is_loopback(host) else f"SIXFB_HOSTS={','.join(access.hosts)}"
    raise CommandError(
        f"{how}: anybody who reaches that address could read everything and acknowledge alerts; add a user first "
        "(`sixfb user add NAME --role admin`), or name the header of a proxy that logs people in "
        "(SIXFB_TRUSTED_PROXY_HEADER, SIXFB_TRUSTED_PROXIES) or an identity provider (SIXFB_OIDC_ISSUER)"
    )


def own_database() -> Store:
    """Open the hub's own database, or create it, because users are added before the first start. Raises CommandError."""
    from store import StoreError

    store = hub_config.open_database(writable_folder(hub_config.hub_folder(), option="SIXFB_VAR"))
    try:
        store.migrate()
    except StoreError as error:
        raise without_store(error) from None
    return store


def own_key() -> ServerKey:
    """Return the hub's key. Raises ConfigError, CommandError."""
    from hub.errors import HubError
    from hub.server_key import server_key

    folder: Path = hub_config.hub_folder()
    try:
        return server_key(folder, secret_key())
    except HubError as error:
        raise CommandError(str(error)) from None


def logins(store: Store) -> Logins:
    """Return the users of a database, to add and change; nothing is signed with the hub's key, because nobody logs in here."""
    from hub.logins import Logins
    from hub.server_key import ServerKey

    return Logins(store, ServerKey(secrets.token_bytes(32)))


def _hosts(environment: Mapping[str, str]) -> list[str]:
    found = [host.strip("[]").lower() for host in _listed("SIXFB_HOSTS", environment)]
    for host in found:
        if not _HOST.fullmatch(host):
            raise _wrong("SIXFB_HOSTS", f"{host!r} is no host's name", "write them like hub.example.com,*.example.net")
    return found


def _proxy_login(environment: Mapping[str, str], proxies: list[str]) -> ProxyLogin | None:
    from hub.access import ProxyLogin

    header = environment.get("SIXFB_TRUSTED_PROXY_HEADER", "").strip()
    role_header = environment.get("SIXFB_TRUSTED_PROXY_ROLE_HEADER", "").strip() or None
    role = _role("SIXFB_TRUSTED_PROXY_ROLE", environment)
    if not header:
        if role_header or environment.get("SIXFB_TRUSTED_PROXY_ROLE"):
            what = "is not set, and a role of the proxy's people is"
            raise _wrong("SIXFB_TRUSTED_PROXY_HEADER", what, "name the header, like X-Forwarded-User")
        return None
    for name, value in (("SIXFB_TRUSTED_PROXY_HEADER", header), ("SIXFB_TRUSTED_PROXY_ROLE_HEADER", role_header)):
        if value is not None and not _HEADER.fullmatch(value):
            raise _wrong(name, f"{value!r} is no header's name", "write it like X-Forwarded-User")
    if not proxies:
        what = "is not set: nobody would be believed"
        raise _wrong("SIXFB_TRUSTED_PROXIES", what, "name the proxy's networks, like 127.0.0.1/32,10.0.0.0/8")
    return ProxyLogin(header=header, role_header=role_header, role=role)


_OIDC_NAMES = ("CLIENT_ID", "CLIENT_SECRET", "CLIENT_SECRET_FILE", "SCOPES", "NAME_CLAIM", "ROLES_CLAIM", "ROLES")
_CLAIM = re.compile(r"[A-Za-z0-9_:./-]{1,200}")


def read_oidc(
    base_url: str | None, environment: Mapping[str, str] = os.environ, *, has_extra: bool | None = None
) -> OidcSettings | None:
    """The identity provider that logs people in; None if none is set. `has_extra` says whether the extra `oidc` is installed; looked
    up if None. Raises ConfigError."""
    from hub.oidc import OidcSettings, is_safe_address

    def told(name: str) -> str:
        return environment.get(f"SIXFB_OIDC_{name}", "").strip()

    issuer, client_id = told("ISSUER"), told("CLIENT_ID")
    if not issuer:
        if lonely := next((name for name in _OIDC_NAMES if told(name)), None):
            what = f"is not set, and SIXFB_OIDC_{lonely} is"
            raise _wrong(
                "SIXFB_OIDC_ISSUER", what, "name the identity provider, like https://id.example.com/realms/shop"
            )
        return None
    parts = urlsplit(issuer)
    if not is_safe_address(issuer, like=issuer) or parts.query or parts.fragment or parts.username is not None:
        hint = "write it as the provider does, like https://id.example.com/realms/shop"
        raise _wrong("SIXFB_OIDC_ISSUER", "is no https address without user, ? and #", hint)
    if not client_id:
        raise _wrong("SIXFB_OIDC_CLIENT_ID", "is not set", "it is what the provider calls this hub")
    if base_url is None:
        hint = "write base_url in alerts.yaml, and register BASE_URL/login/oidc/callback at the provider"
        raise _wrong("SIXFB_OIDC_ISSUER", "is set, and the hub does not know its own address", hint)
    if not (find_spec("joserfc") is not None if has_extra is None else has_extra):
        what = "is set, and the packages that check its signatures are not installed"
        raise _wrong("SIXFB_OIDC_ISSUER", what, "pip install 'sixfb[oidc]'")
    claims = {
        name: told(name) or usual for name, usual in (("NAME_CLAIM", "preferred_username"), ("ROLES_CLAIM", "groups"))
    }
    for name, claim in claims.items():
        if not _CLAIM.fullmatch(claim):
            raise _wrong(f"SIXFB_OIDC_{name}", f"{claim!a:.40} is no claim's name", "write it like groups")
    scopes = tuple(told("SCOPES").replace(",", " ").split()) or ("openid", "profile", "email")
    return OidcSettings(
        issuer=issuer,
        client_id=client_id,
        client_secret=read_secret("SIXFB_OIDC_CLIENT_SECRET", environment),
        redirect=f"{base_url.rstrip('/')}/login/oidc/callback",
        scopes=scopes if "openid" in scopes else ("openid", *scopes),
        name_claim=claims["NAME_CLAIM"],
        roles_claim=claims["ROLES_CLAIM"],
        roles=_oidc_roles(told("ROLES")),
    )


def _oidc_roles(text: str) -> dict[str, Role]:
    key, hint = "SIXFB_OIDC_ROLES", "write groups with their roles, like shop-admins=admin,shop=viewer; * is everybody"
    found: dict[str, Role] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        group, _, role = part.rpartition("=")
        if not group.strip() or role.strip() not in list(Role):
            raise _wrong(key, f"{part!a:.60} is no group with its role", hint)
        found[group.strip()] = Role(role.strip())
    if not found:
        raise _wrong(key, "is not set: nobody would have a role", hint)
    return found


def _role(name: str, environment: Mapping[str, str]) -> Role:
    value = environment.get(name, "").strip().lower() or Role.VIEWER.value
    if value not in list(Role):
        raise _wrong(name, f"{value!r} is no role", f"there are {', '.join(Role)}")
    return Role(value)


def _prefix(base_url: str | None) -> str:
    from hub.access import prefix_of

    try:
        return prefix_of(base_url)
    except ValueError as error:
        hint = "write it like https://hub.example.com or https://example.com/monitor"
        raise ConfigError(Complaint(file="alerts.yaml", key="base_url", what=str(error), hint=hint)) from None


def _networks(values: list[str]) -> tuple[Network, ...]:
    from hub.access import networks

    try:
        return networks(values)
    except ValueError as error:
        raise _wrong("SIXFB_TRUSTED_PROXIES", str(error), "write networks like 127.0.0.1/32,10.0.0.0/8") from None


def _listed(name: str, environment: Mapping[str, str]) -> list[str]:
    return [part.strip() for part in environment.get(name, "").split(",") if part.strip()]


def _flag(name: str, environment: Mapping[str, str]) -> bool:
    value = environment.get(name, "").strip().lower()
    if value not in (*_YES, *_NO):
        raise _wrong(name, f"{value!r} is neither yes nor no", "write 1 or 0")
    return value in _YES


def _wrong(key: str, what: str, hint: str) -> ConfigError:
    return ConfigError(Complaint(file="environment", key=key, what=what, hint=hint))
