"""Reads the usual proxy and CA variables, for code that does not read them itself."""

from __future__ import annotations

import atexit
import ipaddress
import os
import re
import ssl
import tempfile
from collections.abc import Iterator, Mapping, MutableMapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit, urlunsplit

from config.bounds import Address
from config.complaints import Complaint, ConfigError
from config.files import UnreadableFileError, must_be_a_file

_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")
_NEVER = ("localhost", "127.0.0.1", "[::1]")
"""The shop or hub on this machine is never reached through a proxy."""
_PORTS = {"http": 80, "https": 443}
_PROXY = Address("http://proxy.example.com:3128", schemes=("http", "https", "socks5"), may=frozenset({"login"}))


@dataclass(frozen=True, slots=True, kw_only=True)
class BrowserProxy:
    """Holds a proxy in a browser's form: `server` without its login, `bypass` separated by commas."""

    server: str
    bypass: str
    username: str | None = None
    password: str | None = field(default=None, repr=False)

    @property
    def launch(self) -> dict[str, str]:
        """Playwright's `proxy` option."""
        every = {"server": self.server, "bypass": self.bypass, "username": self.username, "password": self.password}
        return {name: value for name, value in every.items() if value}


def spare_this_machine(environment: MutableMapping[str, str]) -> None:
    """If a proxy is set, exclude this machine's own addresses from it, for every library and child process."""
    if not proxy_settings(environment).keys() - {"NO_PROXY"}:
        return
    told = proxy_settings(environment).get("NO_PROXY", "")
    known = [one.strip() for one in told.split(",") if one.strip()]
    value = ",".join(dict.fromkeys((*known, "localhost", "127.0.0.1", "::1")))
    for name in ("NO_PROXY", "no_proxy"):
        environment[name] = value


def proxy_settings(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY` if set, by upper-case name; lower-case variables come first."""
    found = {name: environment.get(name.lower()) or environment.get(name, "") for name in _PROXIES}
    return {name: value for name, value in found.items() if value}


def proxy_passwords(settings: Mapping[str, str]) -> tuple[str, ...]:
    """Return the passwords in the proxy settings."""
    found = (_parts(value).password for name, value in settings.items() if name != "NO_PROXY")
    return tuple(form for password in found if password for form in {password, unquote(password)})


def browser_proxy(settings: Mapping[str, str], url: str) -> BrowserProxy | None:
    """Return the proxy through which a browser reaches a site; None if it needs none.

    Raises:
        ConfigError: the variable is not a proxy's URL.
    """
    name = "HTTPS_PROXY" if urlsplit(url).scheme == "https" else "HTTP_PROXY"
    name = name if name in settings else "ALL_PROXY"
    value = settings.get(name)
    without = [one.strip() for one in settings.get("NO_PROXY", "").split(",") if one.strip()]
    if not value or "*" in without:
        return None
    if _PROXY.wrong_with(_whole(value)) is not None:
        what, hint = "is no proxy's address", "write it like http://proxy.example.com:3128"
        raise ConfigError(Complaint(file="environment", key=name, what=what, hint=hint))
    parts = _parts(value)
    name = parts.hostname or ""
    host = f"[{name}]" if ":" in name else name
    port = parts.port or _PORTS.get(parts.scheme, 1080)
    return BrowserProxy(
        server=urlunsplit((parts.scheme, f"{host}:{port}", "", "", "")),
        bypass=",".join(dict.fromkeys((*_NEVER, *(form for one in without for form in _bypasses(one))))),
        username=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
    )


def on_the_way(settings: Mapping[str, str], url: str) -> BrowserProxy | None:
    """Return the proxy between this machine and a URL; None if there is none, or if `NO_PROXY` excludes the URL.

    Raises ConfigError like `browser_proxy`.
    """
    host = urlsplit(url).hostname or ""
    spared = [name.strip("[]") for name in (*_NEVER, *re.split(r"[,\s]+", settings.get("NO_PROXY", ""))) if name]
    return None if any(_is_within(host, name) for name in spared) else browser_proxy(settings, url)


def _is_within(host: str, name: str) -> bool:
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(name, strict=False)
    except ValueError:
        name = name.partition(":")[0].removeprefix("*").removeprefix(".").lower()
        return host == name or host.endswith(f".{name}")


def _parts(value: str) -> SplitResult:
    return urlsplit(_whole(value))


def _whole(value: str) -> str:
    return value if "://" in value else f"http://{value}"


def _bypasses(one: str) -> Iterator[str]:
    """Yield a browser's forms of one entry of `NO_PROXY`, which means a name and all names below it."""
    name = one.removeprefix("*").removeprefix(".")
    name = f"[{name}]" if name.count(":") > 1 and not name.startswith("[") else name
    is_address = "/" in name or name.startswith("[") or name.replace(".", "").partition(":")[0].isdigit()
    yield name
    if not is_address:
        yield f".{name}"


def tls_context(environment: Mapping[str, str] = os.environ) -> ssl.SSLContext:
    """Return the TLS context of our own clients.

    It trusts the usual roots, or those of `SSL_CERT_FILE` and `SSL_CERT_DIR` instead, and additionally
    `NODE_EXTRA_CA_CERTS`, which the browser's driver also reads.

    Raises:
        ConfigError: a variable names no readable certificates.
    """
    import certifi  # needed only for TLS

    own, folder = environment.get("SSL_CERT_FILE"), environment.get("SSL_CERT_DIR")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if own or not folder:
        _trust(context, own or certifi.where(), "SSL_CERT_FILE")
    if folder:
        if not any(Path(one).is_dir() for one in folder.split(os.pathsep)):
            # OpenSSL would accept the value, and then trust no server.
            what = f"{folder} is no folder, so nobody would be trusted"
            raise ConfigError(
                Complaint(file="environment", key="SSL_CERT_DIR", what=what, hint="name a folder, or unset it")
            )
        context.load_verify_locations(capath=folder)
    if extra := environment.get("NODE_EXTRA_CA_CERTS"):
        _trust(context, extra, "NODE_EXTRA_CA_CERTS")
    return context


def _trust(context: ssl.SSLContext, file: str, key: str) -> None:
    try:
        must_be_a_file(Path(file))
        context.load_verify_locations(cafile=file)
    except (OSError, ssl.SSLError, UnreadableFileError) as error:
        why = re.sub(r"^is ", "it is ", str(getattr(error, "strerror", None) or error))
        what = f"the certificates in {file} cannot be read: {why}"
        raise ConfigError(Complaint(file="environment", key=key, what=what, hint="name a file in PEM form")) from None


def ca_file(usual: str, environment: Mapping[str, str] = os.environ) -> str:
    """Return the same trusted certificates as one file, for a library that needs one; `usual` if nothing else is set."""
    own, extra = environment.get("SSL_CERT_FILE") or usual, environment.get("NODE_EXTRA_CA_CERTS")
    if not extra:
        return own
    return _one_file(Path(own).read_bytes() + b"\n" + Path(extra).read_bytes())


def _one_file(data: bytes) -> str:
    """Return the name of a file with this content that exists as long as this process."""
    if hasattr(os, "memfd_create") and Path("/proc/self/fd").is_dir():
        # It disappears with the process, however that ends; an ordinary file would be left behind by each killed process.
        name = f"/proc/self/fd/{os.memfd_create('sixfb-ca')}"
    else:
        descriptor, name = tempfile.mkstemp(prefix="sixfb-ca-", suffix=".pem")
        os.close(descriptor)
        atexit.register(lambda: Path(name).unlink(missing_ok=True))
    Path(name).write_bytes(data)
    return name
