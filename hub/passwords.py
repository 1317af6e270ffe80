"""Hashes passwords with scrypt of the standard library; its parameters are stored with each hash, so that they can be raised."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import re
import unicodedata
from dataclasses import dataclass

from hub.errors import HubError

SHORTEST, LONGEST = 12, 256
_HASH = re.compile(r"scrypt\$n=(\d+),r=(\d+),p=(\d+)\$([\w+/=]+)\$([\w+/=]+)")
_LENGTH = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Holds the cost of one hash: 32 MiB and three passes, one of OWASP's recommendations.

    See https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html#scrypt.
    """

    n: int = 2**15
    r: int = 8
    p: int = 3


def accepted(password: str) -> str:
    """Return the password if it is acceptable.

    Raises:
        HubError: 422 too short or too long.
    """
    if not SHORTEST <= len(password) <= LONGEST:
        raise HubError(422, f"the password: {SHORTEST} to {LONGEST} characters, this has {len(password)}")
    return password


def hashed(password: str, *, cost: Cost, salt: bytes | None = None) -> str:
    """Return the hash in its stored form: `scrypt$n=...,r=...,p=...$salt$hash`."""
    salt = salt or os.urandom(16)
    made = _scrypt(password, salt, cost)
    return (
        f"scrypt$n={cost.n},r={cost.r},p={cost.p}${base64.b64encode(salt).decode()}${base64.b64encode(made).decode()}"
    )


def is_right(password: str, stored: str) -> bool:
    """Return whether a password matches a stored hash. A password that is too long never matches, and takes equally long.

    Raises:
        ValueError: `stored` is not a password hash.
    """
    match = _HASH.fullmatch(stored)
    if match is None:
        raise ValueError("this is no hash of a password")
    cost = Cost(n=int(match[1]), r=int(match[2]), p=int(match[3]))
    made = _scrypt(password[:LONGEST], base64.b64decode(match[4]), cost)
    return hmac.compare_digest(made, base64.b64decode(match[5])) and len(password) <= LONGEST


def _scrypt(password: str, salt: bytes, cost: Cost) -> bytes:
    # Normalized, because keyboards may compose the same characters differently.
    secret = unicodedata.normalize("NFKC", password).encode("utf-8", "replace")
    memory = 128 * cost.r * (cost.n + cost.p + 2)
    return hashlib.scrypt(secret, salt=salt, n=cost.n, r=cost.r, p=cost.p, maxmem=2 * memory, dklen=_LENGTH)
