"""Checks the canaries, which answer while this machine's network works: the hub, its name servers, and configured addresses."""

from __future__ import annotations

import contextlib
import secrets
import socket
import struct
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

from process.connecting import open_connection

_TIMEOUT_S = 3.0
_PORTS = {"http": 80, "https": 443}
_DNS_PORT = 53
_RESOLV_CONF = Path("/etc/resolv.conf")
_MOST_SERVERS = 3
_SERVFAIL = 2


def configured(canaries: Sequence[str], *, site_url: str, hub_url: str | None) -> list[str]:
    """Return the canaries as addresses; `hub` becomes the hub's address, and is left out if there is none.

    An address on this machine answers even if the network is down, and a site on this machine needs no network. So the
    hub is used only if it is on the same side as the site: both on this machine, or both elsewhere. The name servers
    are used only for a site elsewhere.
    """
    site_here = _is_here(site_url)
    asked = {"hub": hub_url if hub_url and _is_here(hub_url) == site_here else None}
    asked["resolver"] = None if site_here else "resolver"
    return list(dict.fromkeys(known for canary in canaries if (known := asked.get(canary, canary))))


def look(canaries: Iterable[str]) -> tuple[tuple[str, bool], ...]:
    """Return each canary with whether it answers; all are checked concurrently."""
    asked = list(canaries)
    if not asked:
        return ()
    with ThreadPoolExecutor(len(asked)) as pool:
        return tuple(zip(asked, pool.map(answers, asked), strict=True))


def answers(canary: str) -> bool:
    """Return whether a canary answers within three seconds.

    `https://host/...`, `http://...` and `tcp://host:port` answer by accepting a TCP connection, `dns://host[:port]` is
    a name server that answers a query, and `resolver` is any of this machine's name servers.
    """
    if canary == "resolver":
        return any_name_server_answers(name_servers())
    parts = urlsplit(canary)
    try:
        if parts.scheme == "dns":
            return name_server_answers(parts.hostname or "", parts.port or _DNS_PORT)
        port = parts.port or _PORTS.get(parts.scheme, 0)
        with open_connection(parts.hostname or "", port, within_s=_TIMEOUT_S):
            return True
    except (OSError, ValueError):
        return False


def site_accepts_connections(site_url: str) -> bool:
    """Return whether the site's address accepts a TCP connection from this machine."""
    scheme, host = urlsplit(site_url).scheme, urlsplit(site_url).netloc.rpartition("@")[2]
    return answers(f"{scheme}://{host}")


def _is_here(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    return host in ("localhost", "::1") or host.startswith("127.")


def name_servers(file: Path = _RESOLV_CONF) -> list[str]:
    """Return the addresses of this machine's name servers from resolv.conf; at most three, like the system's resolver."""
    try:
        lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
    words = [line.split() for line in lines]
    return [w[1] for w in words if len(w) > 1 and w[0] == "nameserver"][:_MOST_SERVERS]


def any_name_server_answers(servers: Sequence[str], port: int = _DNS_PORT) -> bool:
    """Return whether at least one of the servers answers; all are asked concurrently."""
    if not servers:
        return False
    with ThreadPoolExecutor(len(servers)) as pool:
        return any(pool.map(lambda server: name_server_answers(server, port), servers))


def name_server_answers(host: str, port: int = _DNS_PORT) -> bool:
    """Return whether a name server answers a query, by UDP or, if that gets no reply, by TCP.

    The queried name is random, so that no nearby cache can answer it while the network is down. "No such name" counts
    as an answer; "server failure" does not, because a forwarder without a connection sends it.
    """
    question = _question(f"{secrets.token_hex(6)}.{secrets.token_hex(6)}")
    ways: tuple[Callable[[str, int, bytes], bytes], ...] = (_by_udp, _by_tcp)
    for ask in ways:
        with contextlib.suppress(OSError, ValueError):
            answer = ask(host, port, question)
            if len(answer) >= 4 and answer[:2] == question[:2] and answer[2] & 0x80:
                return answer[3] & 0x0F != _SERVFAIL
    return False


# https://www.rfc-editor.org/rfc/rfc1035#section-4.1: id, flags (recursion desired), one question: name, type A, class IN.
def _question(name: str) -> bytes:
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    head = struct.pack(">HHHHHH", secrets.randbelow(1 << 16), 0x0100, 1, 0, 0, 0)
    return head + labels + b"\0" + struct.pack(">HH", 1, 1)


def _by_udp(host: str, port: int, question: bytes) -> bytes:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        sock.settimeout(_TIMEOUT_S / 2)
        # Connected, so that an unreachable port raises at once and replies from other addresses are dropped.
        sock.connect((host, port))
        sock.send(question)
        return sock.recv(4096)


def _by_tcp(host: str, port: int, question: bytes) -> bytes:
    with socket.create_connection((host, port), _TIMEOUT_S / 2) as sock:
        sock.sendall(struct.pack(">H", len(question)) + question)
        head = sock.recv(2, socket.MSG_WAITALL)
        return sock.recv(struct.unpack(">H", head)[0], socket.MSG_WAITALL) if len(head) == 2 else b""
