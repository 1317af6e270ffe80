"""Builds the environment that foreign code may see: a browser's process tree, a journey, and its undo."""

from __future__ import annotations

import os
from pathlib import Path

# Variables that hold secrets are not in this list.
_PASSED_ON = (
    "PATH",
    "HOME",
    "LANG",
    "LANGUAGE",
    "TZ",
    "DISPLAY",
    "WAYLAND_DISPLAY",
    "XAUTHORITY",
    "VIRTUAL_ENV",
    "NODE_EXTRA_CA_CERTS",
)
_PASSED_ON_PREFIXES = ("LC_", "XDG_", "PLAYWRIGHT_", "SSL_CERT_", "PW")


def bare_environment(folder: Path | str) -> dict[str, str]:
    """Return the environment of a process that runs such code, with `folder` for its temporary files."""
    kept = {k: v for k, v in os.environ.items() if k in _PASSED_ON or k.startswith(_PASSED_ON_PREFIXES)}
    return {**kept, "TMPDIR": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
