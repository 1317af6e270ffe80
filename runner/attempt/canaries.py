"""What answers when our own network is well: the hub, the name servers of this machine, and addresses that the operator names."""

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
    """The canaries as addresses: `hub` becomes the hub's, and is left out where there is none.

    What is on this very machine answers whatever becomes of the network, and a site on it needs none. So the hub tells of a
    site that is where it is, here or elsewhere, and the name servers of one that is elsewhere.
    """
    site_here = _is_here(site_url)
    asked = {"hub": hub_url if hub_url and _is_here(hub_url) == site_here else None}
    asked["resolver"] = None if site_here else "resolver"
    return list(dict.fromkeys(known for canary in canaries if (known := asked.get(canary, canary))))


def look(canaries: Iterable[str]) -> tuple[tuple[str, bool], ...]:
    """Each canary and whether it answers, all asked at once."""
    asked = list(canaries)
    if not asked:
        return ()
    with ThreadPoolExecutor(len(asked)) as pool:
        return tuple(zip(asked, pool.map(answers, asked), strict=True))


def answers(canary: str) -> bool:
    """Whether a canary answers within three seconds.

    `https://host/...`, `http://...` and `tcp://host:port` take a TCP connection; `dns://host[:port]` is a name server that
    answers a question; `resolver` is any of the name servers of this machine.
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


def door_opens(site_url: str) -> bool:
    """Whether the site's address takes a TCP connection from here."""
    scheme, host = urlsplit(site_url).scheme, urlsplit(site_url).netloc.rpartition("@")[2]
    return answers(f"{scheme}://{host}")


def _is_here(url: str) -> bool:
    host = urlsplit(url).hostname or ""
    return host in ("localhost", "::1") or host.startswith("127.")


def name_servers(file: Path = _RESOLV_CONF) -> list[str]:
    """The addresses of this machine's name servers, as resolv.conf has them (three at most, as the system's own resolver)."""
    try:
        lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
    words = [line.split() for line in lines]
    return [w[1] for w in words if len(w) > 1 and w[0] == "nameserver"][:_MOST_SERVERS]


def any_name_server_answers(servers: Sequence[str], port: int = _DNS_PORT) -> bool:
    """Whether one of them answers; all are asked at once."""
    if not servers:
        return False
    with ThreadPoolExecutor(len(servers)) as pool:
        return any(pool.map(lambda server: name_server_answers(server, port), servers))


def name_server_answers(host: str, port: int = _DNS_PORT) -> bool:
    """Whether a name server answers a question, by UDP or, where that is lost, by TCP.

    The name is a new one each time, so that no cache near by can answer it while the way out is gone. "No such name" is an
    answer; "server failure" is what a forwarder says that cannot reach anybody.
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
        sock.connect((host, port))
        sock.send(question)
        return sock.recv(4096)


def _by_tcp(host: str, port: int, question: bytes) -> bytes:
    with socket.create_connection((host, port), _TIMEOUT_S / 2) as sock:
        sock.sendall(struct.pack(">H", len(question)) + question)
        head = sock.recv(2, socket.MSG_WAITALL)
        return sock.recv(struct.unpack(">H", head)[0], socket.MSG_WAITALL) if len(head) == 2 else b""
