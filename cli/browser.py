"""`sixfb browser`: names the browser that the buyer uses, and installs one."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from typing import Annotated

import typer

from cli.command_error import CommandError
from cli.output import say, say_error
from journeys.browser import BrowserMissingError, find_browser


def browser(
    install: Annotated[bool, typer.Option("--install", help="Get one where there is none.")] = False,
) -> None:
    """Say which browser is used; with --install get one where there is none.

    Exit code: 0 there is one, 2 there is none.
    """
    found = _describe_found()
    if found is None and install:
        _install()
        found = _describe_found()
    if found is None:
        raise CommandError(str(BrowserMissingError()))
    say(found)


def _describe_found() -> str | None:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        managed = playwright.chromium.executable_path
        try:
            found = find_browser(managed)
        except BrowserMissingError:
            return None
        return f"browser: {found.launch.get('executable_path', managed)} ({found.source})"


def _install() -> None:
    """Install Playwright's own browser; if that is impossible, the system's, if the user may install one."""
    if _succeeds([sys.executable, "-m", "playwright", "install", "chromium"]):
        return
    may_use_apt = shutil.which("apt-get") and hasattr(os, "geteuid") and os.geteuid() == 0
    if may_use_apt:
        say("Playwright's browser cannot be had here; installing the system's chromium")
        _ = _succeeds(["apt-get", "update", "-qq"]) and _succeeds(["apt-get", "install", "-y", "-qq", "chromium"])


def _succeeds(command: list[str]) -> bool:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    done = subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False)
    if done.returncode:
        said = done.stderr.decode(errors="replace").splitlines()
        reason = next((line.strip() for line in said if "rror" in line), "failed")
        say_error(f"{' '.join(command[-3:])}: {reason[:200]}")
    return done.returncode == 0
