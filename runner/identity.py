"""Who this runner is among those of its location: a name that stays with its folder, so that a restart is the same one."""

from __future__ import annotations

import secrets
import socket
from contextlib import suppress
from pathlib import Path

from process.private_files import private_folder


def runner_id(folder: Path) -> str:
    """The name in the folder; a new one is the host's and a few letters of chance."""
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
