"""Masks secrets in text: those that were read, those in the environment, and values with a secret's shape."""

from __future__ import annotations

import base64
import json
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

MASK = "***"
_SHORTEST = 4
"""The minimum length in characters; a shorter value would match inside ordinary words."""
_SECRET_NAMES = re.compile(r"TOKEN|SECRET|PASSW|WEBHOOK|CREDENTIAL|(^|_)AUTH|API_?KEY|_KEY(_FILE)?$", re.IGNORECASE)
_SHAPES = (
    (re.compile(r"\b[rs]k_(live|test)_\w{4,}"), MASK),
    (re.compile(r"\bwhsec_\w{4,}"), MASK),
    (re.compile(r"\bsfb_[A-Za-z0-9-]+_\w+"), MASK),
    (re.compile(r"\b(Bearer|Basic)\s+[\w.~+/=-]{4,}", re.IGNORECASE), rf"\1 {MASK}"),
    (re.compile(r"(\b[a-z][a-z0-9+.-]*://)[^\s/?#'\"]+@", re.IGNORECASE), rf"\1{MASK}@"),
    (re.compile(r"(https://hooks\.slack\.com/)[^\s'\")]+"), rf"\1{MASK}"),
)
_ANY_SHAPE = re.compile(r"[rs]k_|whsec_|sfb_|bearer|basic|://", re.IGNORECASE)
"""What a text has that any of the shapes matches; looking for it costs a sixth of trying them all."""


class Masker:
    """Knows secrets and replaces them with `***`.

    It also finds them escaped for JSON or a URL, and encoded for basic authentication.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: set[str] = set()
        self._pattern: re.Pattern[str] | None = None

    def learn(self, *secrets: str | None) -> None:
        """Add values to mask. A URL is masked as a whole, and its path, query and password separately. Thread-safe."""
        new = {form for secret in secrets if secret for form in _forms(secret)}
        with self._lock:
            if new <= self._known:
                return
            self._known |= new
            # Longest first: a short secret inside a longer one must not leave the rest readable.
            longest_first = sorted(self._known, key=len, reverse=True)
            self._pattern = re.compile("|".join(re.escape(form) for form in longest_first))

    def learn_environment(self, environment: Mapping[str, str], read_file: Callable[[Path], str | None]) -> None:
        """Add every value whose name indicates a secret, the content of files that such names refer to, and passwords in URLs.

        `read_file` returns the content of a secret's file, None if it cannot be read.
        """
        for name, value in environment.items():
            if _SECRET_NAMES.search(name):
                self.learn(read_file(Path(value)) if name.endswith("_FILE") else value)
            else:
                self.learn(_password(value))

    def mask(self, text: str) -> str:
        """Return the text with all known secrets masked."""
        if self._pattern is not None:
            text = self._pattern.sub(MASK, text)
        if _ANY_SHAPE.search(text):
            for shape, instead in _SHAPES:
                text = shape.sub(instead, text)
        return text


KNOWN = Masker()
"""The secrets that this process has read; code that reads a secret adds it here."""


def _forms(secret: str) -> Iterator[str]:
    for part in _parts(secret):
        if len(part) >= _SHORTEST:
            yield part
            yield quote(part, safe="")
            yield json.dumps(part)[1:-1]
            yield json.dumps(part, ensure_ascii=False)[1:-1]
            yield base64.b64encode(part.encode()).decode().rstrip("=")


def _parts(secret: str) -> Iterator[str]:
    yield secret
    if "://" in secret:
        with suppress(ValueError):
            address = urlsplit(secret)
            if address.scheme in ("http", "https"):
                # A short path like /api is not secret, and masking it everywhere would hide information.
                tail = address.path.rpartition("/")[2]
                yield from (part for part in (address.path, tail, address.query) if len(part) >= 12)
            yield from (part for part in (address.password, unquote(address.password or "")) if part)


def _password(value: str) -> str | None:
    if "://" not in value:
        return None
    with suppress(ValueError):
        return unquote(urlsplit(value).password or "") or None
    return None
