"""Provides the static files of the hub's pages, by name."""

from __future__ import annotations

from pathlib import Path

_TEMPLATES = Path(__file__).parent.parent / "templates"
_FILES = {
    "style.css": ("text/css; charset=utf-8", (_TEMPLATES / "style.css", _TEMPLATES / "live" / "live.css")),
    "overview.css": ("text/css; charset=utf-8", (_TEMPLATES / "live" / "overview.css",)),
    "report.css": ("text/css; charset=utf-8", (_TEMPLATES / "periodic" / "report.css",)),
    "dashboard.css": ("text/css; charset=utf-8", (_TEMPLATES / "dashboards" / "dashboard.css",)),
    "dashboard.js": ("text/javascript; charset=utf-8", (_TEMPLATES / "dashboards" / "dashboard.js",)),
    "incident.css": ("text/css; charset=utf-8", (_TEMPLATES / "live" / "incident.css",)),
    "journey.css": ("text/css; charset=utf-8", (_TEMPLATES / "live" / "journey.css",)),
    "run.css": ("text/css; charset=utf-8", (_TEMPLATES / "run" / "run.css",)),
    "run.js": ("text/javascript; charset=utf-8", (_TEMPLATES / "live" / "run.js",)),
    "charts.js": ("text/javascript; charset=utf-8", (_TEMPLATES / "live" / "charts.js",)),
    "keys.js": ("text/javascript; charset=utf-8", (_TEMPLATES / "live" / "keys.js",)),
    "live.js": ("text/javascript; charset=utf-8", (_TEMPLATES / "live" / "live.js",)),
}


def asset(name: str) -> tuple[str, bytes] | None:
    """Return media type and bytes of an asset; None if there is no such file."""
    if name not in _FILES:
        return None
    media, files = _FILES[name]
    return media, b"\n".join(file.read_bytes() for file in files)
