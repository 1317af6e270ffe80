"""Recognizes browsers that have logged in before, by a signed cookie bound to a person and their password."""

from __future__ import annotations

import hashlib
import re
import secrets
from datetime import datetime, timedelta

from hub.server_key import ServerKey

LASTS = timedelta(days=180)
_COOKIE = re.compile(r"([0-9a-f]{32})\.([0-9]{1,12})\.([0-9a-f]{64})")
_PURPOSE = "known browser"


class Devices:
    """Makes and verifies the cookies. Nothing is stored: changing the password invalidates them."""

    def __init__(self, key: ServerKey) -> None:
        self._key = key

    def cookie(self, name: str, *, password: str, now: datetime, device: str | None = None) -> str:
        """Return the cookie for a browser that logs in; a known browser keeps its id. `password` is the stored hash."""
        device, ends = device or secrets.token_hex(16), int((now + LASTS).timestamp())
        return f"{device}.{ends}.{self._key.sign(_PURPOSE, _text(name, password, device, ends))}"

    def known(self, cookie: str | None, name: str, *, password: str, now: datetime) -> str | None:
        """Return the browser's id; None if this person has not logged in there with this password, or too long ago."""
        match = _COOKIE.fullmatch(cookie or "")
        device, ends, mac = match.groups() if match else ("", "0", "")
        # The signature is checked in any case, so that the response time does not reveal which part is wrong.
        genuine = self._key.signed(_PURPOSE, _text(name, password, device, int(ends)), mac)
        return device if genuine and int(ends) > now.timestamp() else None


def cookie_name(name: str) -> str:
    """Return the name of a person's cookie.

    It is a hash, so that a browser used by several people keeps one for each without naming them.
    """
    return f"sixfb_known_{hashlib.sha256(name.encode('utf-8', 'replace')).hexdigest()[:12]}"


def _text(name: str, password: str, device: str, ends: int) -> str:
    return "\0".join((name, password, device, str(ends)))
