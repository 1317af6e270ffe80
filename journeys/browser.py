"""Finds the browser that the buyer uses, and defines how it is started."""

from __future__ import annotations

import os
import platform
import re
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from config import Complaint, ConfigError
from process.network import BrowserProxy

_SYSTEM_NAMES = ("chromium", "google-chrome-stable", "google-chrome", "chromium-browser")
_MAC_CHROME = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"

# The last --disable-features holds alone, so Playwright's own list stands here again (a test compares them). Ours at the end
# keep two hidden pages of the address bar from being loaded with every context, which nobody ever sees, and the shop's forms from being
# told to a server of Google's.
FEATURES_OFF = (
    "AvoidUnnecessaryBeforeUnloadCheckSync",
    "DestroyProfileOnBrowserClose",
    "HttpsUpgrades",
    "HttpsFirstBalancedModeAutoEnable",
    "LensOverlay",
    "MediaRouter",
    "PaintHolding",
    "ThirdPartyStoragePartitioning",
    "AvoidCorsURLLoaderRestartOnRedirect",
    "TcpPortRandomizationWin",
    "OptimizationHints",
    "NetworkTimeServiceQuerying",
    "AimEnabled",
    "PreconnectToSearch",
    "msForceBrowserSignIn",
    "msEdgeUpdateLaunchServicesPreferredVersion",
    "WebUIOmniboxPopup",
    "WebUIOmniboxAimPopup",
    "WebUIOmniboxFullPopup",
    "AutofillServerCommunication",
)


class BrowserMissingError(Exception):
    """This machine has no browser; the message names the ways to get one."""

    def __init__(self) -> None:
        super().__init__(
            "no browser found: run `make setup`, or `playwright install chromium`, or install your system's chromium "
            "or Google Chrome package, or name an executable in SIXFB_CHROMIUM"
        )


class BrowserUnusableError(Exception):
    """The browser was found and did not start. The message names its executable, how it ended and what it said."""

    def __init__(self, executable: str, report: str) -> None:
        """`report` is Playwright's message, which holds the whole command line and the browser's own lines."""
        ended = re.search(r"exitCode=(\w+), signal=(\w+)", report)
        how = "did not start"
        if ended:
            code, signal = ended.groups()
            how = f"ended as soon as it was started ({f'exit code {code}' if signal == 'null' else signal})"
        lines = [line.strip() for line in re.findall(r"\[err\] (.+)", report)]
        said = f", and said '{' '.join(lines)[:_MOST_SAID]}'" if lines else ""
        super().__init__(f"the browser {executable} {how}{said}; try it by hand: {executable} --version")


_MOST_SAID = 240


@dataclass(frozen=True, slots=True)
class FoundBrowser:
    """Holds a browser on this machine: `launch` are Playwright's launch options for it, `source` is named in every run."""

    launch: dict[str, Any]
    source: str


def find_browser(managed: str, environment: Mapping[str, str] = os.environ) -> FoundBrowser:
    """`SIXFB_CHROMIUM`, else Playwright's own browser (`managed` is its path), else a system Chromium or Chrome.

    Raises:
        BrowserMissingError: there is none, or SIXFB_CHROMIUM names no executable.
    """
    named = environment.get("SIXFB_CHROMIUM")
    if named:
        if not _is_executable(Path(named)):
            raise BrowserMissingError
        return FoundBrowser({"executable_path": named}, "SIXFB_CHROMIUM")
    if os.access(managed, os.X_OK):
        return FoundBrowser({"channel": "chromium"}, "Playwright's")
    system = system_browser()
    if system:
        return FoundBrowser({"executable_path": system}, "system")
    raise BrowserMissingError


def named_browser(environment: Mapping[str, str] = os.environ) -> str | None:
    """Return the path in `SIXFB_CHROMIUM`; None if it is not set. Raises ConfigError."""
    named = environment.get("SIXFB_CHROMIUM")
    if not named:
        return None
    file = Path(named)
    if _is_executable(file):
        return named
    if file.is_dir():
        what = "is a folder"
    elif file.exists():
        what = "may not be executed"
    else:
        what = "names no file"
    hint = "name the browser's executable, like /usr/bin/chromium, or unset it"
    raise ConfigError(Complaint(file="environment", key="SIXFB_CHROMIUM", what=f"{named}: {what}", hint=hint))


def _is_executable(file: Path) -> bool:
    return file.is_file() and os.access(file, os.X_OK)


def system_browser() -> str | None:
    """Return the path of the system's Chromium or Chrome; None if there is none."""
    found = next(filter(None, map(shutil.which, _SYSTEM_NAMES)), None)
    return found or (_MAC_CHROME if sys.platform == "darwin" and os.access(_MAC_CHROME, os.X_OK) else None)


def launch_options(*, sandbox: bool, proxy: BrowserProxy | None = None) -> dict[str, Any]:
    """Return Playwright's launch options that every run shares."""
    args = ["--disable-quic", f"--disable-features={','.join(FEATURES_OFF)}"]
    options: dict[str, Any] = {"args": args, "chromium_sandbox": sandbox}
    return {**options, "proxy": proxy.launch} if proxy else options


def sandbox_wanted(environment: Mapping[str, str] = os.environ) -> bool:
    """Return whether the browser's sandbox is on: as `SIXFB_SANDBOX=on|off` says, else for every user but root, who cannot use it."""
    setting = environment.get("SIXFB_SANDBOX", "").strip().lower()
    if setting not in ("", "on", "off"):
        what = f"is {setting!r:.80}, neither on nor off"
        raise ConfigError(Complaint(file="environment", key="SIXFB_SANDBOX", what=what, hint="write on or off"))
    return setting == "on" if setting in ("on", "off") else not hasattr(os, "geteuid") or os.geteuid() != 0


def user_agent(browser_version: str) -> str:
    """Return the user agent of a person's browser, with a suffix that identifies the monitor to the shop."""
    system = "Macintosh; Intel Mac OS X 10_15_7" if platform.system() == "Darwin" else "X11; Linux x86_64"
    major = browser_version.partition(".")[0]
    return (
        f"Mozilla/5.0 ({system}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{major}.0.0.0 Safari/537.36 "
        f"sixfb-synthetic-buyer/{our_version()}"
    )


@cache
def our_version() -> str:
    """Return the version of this package; `0` if it is not installed."""
    try:
        return version("sixfb")
    except PackageNotFoundError:
        return "0"
