"""Holds the hub's own key, which authenticates tokens and forms."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from pathlib import Path

from config import Secret
from config.files import UnreadableFileError, must_be_a_file
from hub.errors import HubError
from process.private_files import private_folder

KEY_FILE = "secret.key"
_LEAST = 32


class ServerKey:
    """A key that signs and is never shown. Each purpose has distinct signatures."""

    __slots__ = ("_key",)

    def __init__(self, key: bytes) -> None:
        self._key = key

    def sign(self, purpose: str, text: str) -> str:
        """Return the HMAC-SHA-256 of a text as 64 hexadecimal digits."""
        return hmac.new(self._key, f"{purpose}\0{text}".encode("utf-8", "replace"), hashlib.sha256).hexdigest()

    def signed(self, purpose: str, text: str, signature: str) -> bool:
        """Return whether a signature is valid, in constant time."""
        return hmac.compare_digest(self.sign(purpose, text).encode(), signature.encode("utf-8", "replace"))

    @property
    def fingerprint(self) -> str:
        """An identifier of the key that reveals nothing about it."""
        return self.sign("fingerprint", "")[:16]

    def __repr__(self) -> str:
        return "ServerKey(***)"


def server_key(folder: Path, configured: Secret | None = None) -> ServerKey:
    """Return the configured key, else the one in `secret.key` of the hub's folder, which is created with mode 600 if missing.

    Raises:
        HubError: the key is too short, or its file is readable by others; the message says what to do.
    """
    if configured is not None:
        key = configured.reveal().encode()
        if len(key) < _LEAST:
            what = f"SIXFB_SECRET_KEY: has {len(key)} characters, fewer than {_LEAST}"
            raise HubError(500, f"{what}; make one with `openssl rand -hex 32`")
        return ServerKey(key)
    file = folder / KEY_FILE
    _make(file)
    try:
        must_be_a_file(file)
    except UnreadableFileError as error:
        raise HubError(500, f"{file}: {error.what}; put the hub's key back there, or move that away") from None
    if file.stat().st_mode & 0o077:
        raise HubError(500, f"{file}: others may read the hub's key; `chmod 600 {file}`")
    key = file.read_bytes().strip()
    if len(key) < _LEAST:
        raise HubError(500, f"{file}: holds no key of {_LEAST} characters; delete it, and issue every token anew")
    return ServerKey(key)


def _make(file: Path) -> None:
    """Create the key file if it is missing.

    Two hubs that start at once agree on one key: each writes a complete file, and only one can link it to the final
    path.
    """
    if file.exists():
        return
    private_folder(file.parent)
    half = file.with_name(f".{KEY_FILE}-{secrets.token_hex(6)}")
    handle = os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "w", encoding="ascii") as written:
            written.write(secrets.token_hex(32))
        os.link(half, file)
    except FileExistsError:
        pass
    finally:
        half.unlink()
