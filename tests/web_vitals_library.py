"""The usual library for web vitals, fetched from npm when a test wants to compare with it; nothing of it is kept with the sources."""

from __future__ import annotations

import os
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

import pytest

PACKAGE = "web-vitals@6"
# Its last word on each vital of each page, hard or soft, kept in the page under the vital's name and the page's path.
LISTEN = """
window.told = {};
const keep = name => metric => { window.told[name + metric.navigationURL.replace(location.origin, "")] = metric; };
for (const name of ["LCP", "CLS", "INP", "TTFB", "FCP"])
  webVitals["on" + name](keep(name), { reportAllChanges: true, reportSoftNavs: true });
"""
_MEMBER = "package/dist/web-vitals.attribution.iife.js"
_KEPT = Path(__file__).resolve().parents[1] / "var" / "npm" / "web-vitals-6.attribution.iife.js"


class LibraryUnavailableError(Exception):
    """The library cannot be fetched here; the message says why."""


def library() -> Path:
    """The library's script for a page, fetched once.

    Raises:
        LibraryUnavailableError: npm is not there, or cannot fetch it.
    """
    if not _KEPT.exists():
        _fetch(_KEPT)
    return _KEPT


def _fetch(kept: Path) -> None:
    npm = shutil.which("npm")
    if npm is None:
        raise LibraryUnavailableError("npm is not installed")
    kept.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=kept.parent) as folder:
        try:
            command = [npm, "pack", PACKAGE, "--silent", "--pack-destination", folder]
            subprocess.run(command, check=True, capture_output=True, text=True, timeout=60, cwd=folder)
        except (OSError, subprocess.SubprocessError) as error:
            raise LibraryUnavailableError(f"npm cannot fetch {PACKAGE}: {error}") from error
        archive = next(Path(folder).glob("*.tgz"))
        with tarfile.open(archive) as opened:
            member = opened.extractfile(_MEMBER)
            assert member is not None, f"{PACKAGE} has no {_MEMBER}"
            fetched = Path(folder) / kept.name
            fetched.write_bytes(member.read())
        fetched.replace(kept)  # whole or not at all: another worker may be fetching it too


def do_without(error: LibraryUnavailableError, environment: Mapping[str, str] = os.environ) -> NoReturn:
    """Skip a comparison with the reason; in CI, where nobody reads what was skipped, it fails."""
    if environment.get("CI", "").lower() in ("1", "true"):
        pytest.fail(f"in CI the comparison must be made: {error}")
    pytest.skip(str(error))
