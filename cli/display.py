"""Checks whether a browser can open a window on this machine."""

from __future__ import annotations

import os
import sys

from cli.command_error import CommandError


def needs_display(headed: bool) -> None:
    """Refuse a headed browser if there is no display. Raises CommandError."""
    has_display = sys.platform != "linux" or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
    if headed and not has_display:
        raise CommandError(
            "--headed: there is no display here (DISPLAY is not set); run it under xvfb-run, or leave --headed out"
        )
