"""Addresses that answer when our own network is well."""

from __future__ import annotations

import socket
from urllib.parse import urlsplit

_TIMEOUT_S = 3.0
_PORTS = {"http": 80, "https": 443}


def answers(canary: str) -> bool:
    """Whether a canary (`https://host/...`, `http://...`, `tcp://host:port`) takes a TCP connection within three seconds."""
    parts = urlsplit(canary)
    try:
        with socket.create_connection((parts.hostname or "", parts.port or _PORTS.get(parts.scheme, 0)), _TIMEOUT_S):
            return True
    except (OSError, ValueError):
        return False
