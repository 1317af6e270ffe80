"""The ways out of this network: the usual proxy and CA variables, for everything that does not read them by itself."""

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
"""This machine's own shop or hub is behind no proxy."""
_PORTS = {"http": 80, "https": 443}
_PROXY = Address("http://proxy.example.com:3128", schemes=("http", "https", "socks5"), may=frozenset({"login"}))


@dataclass(frozen=True, slots=True, kw_only=True)
class BrowserProxy:
    """A proxy as a browser wants it: `server` without its login, `bypass` with commas."""

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
    """Where a proxy is set, have every library and every child of ours leave it out for this machine's own addresses."""
    if not proxy_settings(environment).keys() - {"NO_PROXY"}:
        return
    told = proxy_settings(environment).get("NO_PROXY", "")
    known = [one.strip() for one in told.split(",") if one.strip()]
    value = ",".join(dict.fromkeys((*known, "localhost", "127.0.0.1", "::1")))
    for name in ("NO_PROXY", "no_proxy"):
        environment[name] = value


def proxy_settings(environment: Mapping[str, str] = os.environ) -> dict[str, str]:
    """`HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY` and `NO_PROXY` where they are set, in capitals; small letters count first."""
    found = {name: environment.get(name.lower()) or environment.get(name, "") for name in _PROXIES}
    return {name: value for name, value in found.items() if value}


def proxy_passwords(settings: Mapping[str, str]) -> tuple[str, ...]:
    """The passwords in them."""
    found = (_parts(value).password for name, value in settings.items() if name != "NO_PROXY")
    return tuple(form for password in found if password for form in {password, unquote(password)})


def browser_proxy(settings: Mapping[str, str], url: str) -> BrowserProxy | None:
    """The proxy through which a browser reaches a site; None where it needs none.

    Raises:
        ConfigError: the variable holds no address of a proxy.
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
    """The proxy that stands between this machine and an address; None where there is none, or where `NO_PROXY` spares that address.
    Raises ConfigError as `browser_proxy` does."""
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
    """`NO_PROXY` means a name and all below it; a browser has a form for each."""
    name = one.removeprefix("*").removeprefix(".")
    name = f"[{name}]" if name.count(":") > 1 and not name.startswith("[") else name
    is_address = "/" in name or name.startswith("[") or name.replace(".", "").partition(":")[0].isdigit()
    yield name
    if not is_address:
        yield f".{name}"


def tls_context(environment: Mapping[str, str] = os.environ) -> ssl.SSLContext:
    """Whom our own clients trust: the usual roots, or `SSL_CERT_FILE` and `SSL_CERT_DIR` instead; and `NODE_EXTRA_CA_CERTS`,
    which the browser's driver knows too, on top. Raises ConfigError."""
    import certifi  # only who speaks TLS needs it

    own, folder = environment.get("SSL_CERT_FILE"), environment.get("SSL_CERT_DIR")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if own or not folder:
        _trust(context, own or certifi.where(), "SSL_CERT_FILE")
    if folder:
        if not any(Path(one).is_dir() for one in folder.split(os.pathsep)):
            # OpenSSL would take it, and then trust nobody.
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
    """The same trust as one file, for a library that wants one: `usual` where nothing else is asked for."""
    own, extra = environment.get("SSL_CERT_FILE") or usual, environment.get("NODE_EXTRA_CA_CERTS")
    if not extra:
        return own
    return _one_file(Path(own).read_bytes() + b"\n" + Path(extra).read_bytes())


def _one_file(data: bytes) -> str:
    """The name of a file of ours with that in it, for as long as this process lives."""
    if hasattr(os, "memfd_create") and Path("/proc/self/fd").is_dir():
        # It is gone with the process, however that ends; a file would stay behind each one that is killed.
        name = f"/proc/self/fd/{os.memfd_create('sixfb-ca')}"
    else:
        descriptor, name = tempfile.mkstemp(prefix="sixfb-ca-", suffix=".pem")
        os.close(descriptor)
        atexit.register(lambda: Path(name).unlink(missing_ok=True))
    Path(name).write_bytes(data)
    return name
