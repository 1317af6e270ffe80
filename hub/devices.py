"""The browsers that have logged in before, each by a signed cookie that is bound to its person and their password."""

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
    """Makes and checks the cookies. Nothing is stored: another password makes each of them void."""

    def __init__(self, key: ServerKey) -> None:
        self._key = key

    def cookie(self, name: str, *, password: str, now: datetime, device: str | None = None) -> str:
        """Return the cookie of a browser in which somebody logs in; `password` is the stored hash. A known one keeps its id."""
        device, ends = device or secrets.token_hex(16), int((now + LASTS).timestamp())
        return f"{device}.{ends}.{self._key.sign(_PURPOSE, _text(name, password, device, ends))}"

    def known(self, cookie: str | None, name: str, *, password: str, now: datetime) -> str | None:
        """Return the browser's id; None where this person never logged in there with this password, or too long ago."""
        match = _COOKIE.fullmatch(cookie or "")
        device, ends, mac = match.groups() if match else ("", "0", "")
        # Signed in any case, so that nobody learns from the time it takes what is wrong.
        genuine = self._key.signed(_PURPOSE, _text(name, password, device, int(ends)), mac)
        return device if genuine and int(ends) > now.timestamp() else None


def cookie_name(name: str) -> str:
    """The name of a person's cookie: a browser of several people knows each of them, and tells nobody who they are."""
    return f"sixfb_known_{hashlib.sha256(name.encode('utf-8', 'replace')).hexdigest()[:12]}"


def _text(name: str, password: str, device: str, ends: int) -> str:
    return "\0".join((name, password, device, str(ends)))
