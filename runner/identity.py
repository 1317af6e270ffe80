"""Names this runner among the runners of its location; the name is kept in its folder and survives a restart."""

from __future__ import annotations

import secrets
import socket
from contextlib import suppress
from pathlib import Path

from process.private_files import private_folder


def runner_id(folder: Path) -> str:
    """Return the name stored in the folder, at most 100 characters; create one if there is none.

    A new name consists of the host name and random letters. If the folder cannot be written, the name is
    valid until the next restart only.
    """
    file = folder / "runner-id"
    with suppress(OSError, UnicodeDecodeError):
        known = file.read_text(encoding="utf-8").strip()
        if known:
            return known[:100]
    name = f"{socket.gethostname()[:60]}-{secrets.token_hex(3)}"
    with suppress(OSError):
        private_folder(folder)
        file.write_text(name, encoding="utf-8")
    return name
