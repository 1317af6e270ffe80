"""Which browser is taken, and how it is started."""

from __future__ import annotations

import os
import re
from pathlib import Path

import psutil
import pytest
from playwright.sync_api import BrowserType

from journeys import browser as browsers
from journeys.browser import (
    FEATURES_OFF,
    BrowserMissingError,
    BrowserUnusableError,
    find_browser,
    sandbox_wanted,
    user_agent,
)
from tests.processes import command_of


def an_executable(folder: Path, name: str) -> str:
    file = folder / name
    file.write_text("#!/bin/sh\n")
    file.chmod(0o755)
    return str(file)


def test_the_one_that_is_named_comes_first(tmp_path: Path) -> None:
    named, managed = an_executable(tmp_path, "mine"), an_executable(tmp_path, "managed")
    assert find_browser(managed, {"SIXFB_CHROMIUM": named}).launch == {"executable_path": named}


def test_playwrights_own_comes_before_the_systems(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    an_executable(tmp_path, "chromium")
    assert find_browser(an_executable(tmp_path, "managed"), {}).launch == {"channel": "chromium"}


@pytest.mark.parametrize("name", ["chromium", "google-chrome-stable", "google-chrome", "chromium-browser"])
def test_the_systems_is_taken_where_playwright_has_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    path = an_executable(tmp_path, name)
    assert find_browser("/nowhere/chrome", {}).launch == {"executable_path": path}


@pytest.mark.parametrize("named", [{}, {"SIXFB_CHROMIUM": "/nowhere/chromium"}])
def test_none_at_all_is_told_with_the_ways_to_get_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, named: dict[str, str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(browsers, "_MAC_CHROME", "/nowhere/chrome")
    with pytest.raises(BrowserMissingError, match=r"make setup.*playwright install chromium.*SIXFB_CHROMIUM"):
        find_browser("/nowhere/chrome", named)


def test_the_sandbox_is_a_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    assert sandbox_wanted({"SIXFB_SANDBOX": "on"})
    assert not sandbox_wanted({"SIXFB_SANDBOX": "off"})
    monkeypatch.setattr(os, "geteuid", lambda: 1000, raising=False)
    assert sandbox_wanted({})
    monkeypatch.setattr(os, "geteuid", lambda: 0, raising=False)
    assert not sandbox_wanted({}), "root cannot have one"


def test_the_agent_says_who_is_calling_and_nothing_about_heads() -> None:
    agent = user_agent("156.0.8078.79")
    assert "Chrome/156.0.0.0" in agent
    assert "sixfb-synthetic-buyer/" in agent
    assert "Headless" not in agent


@pytest.mark.browser
@pytest.mark.skipif(not Path("/proc").exists(), reason="reads the command line of a process from /proc")
def test_playwrights_own_list_of_features_still_stands_in_ours(browser_type: BrowserType) -> None:
    """The last --disable-features holds alone: ours has to repeat Playwright's, which grows with its versions."""
    found = find_browser(browser_type.executable_path)
    plain = browser_type.launch(**found.launch)
    commands = [command_of(p) for p in psutil.Process().children(recursive=True)]
    plain.close()
    lists = [
        set(m[1].split(","))
        for c in commands
        for m in re.finditer(r"--disable-features=(\S+)", c)
        if "--type=" not in c
    ]
    theirs = [features for features in lists if not features >= set(FEATURES_OFF)]
    assert theirs
    assert theirs[0] <= set(FEATURES_OFF)


LACKS_A_LIBRARY = (
    "Target closed\n<launching> /opt/b --disable-x\n[pid=7][err] /opt/b: libnss3.so: no such file\n"
    "[pid=7] <process did exit: exitCode=127, signal=null>"
)
KILLED = "Target closed\n<launching> /opt/b\n[pid=7] <process did exit: exitCode=null, signal=SIGKILL>"
ENDED, BY_HAND = "the browser /opt/b ended as soon as it was started", "try it by hand: /opt/b --version"


@pytest.mark.parametrize(
    ("report", "said"),
    [
        (LACKS_A_LIBRARY, f"{ENDED} (exit code 127), and said '/opt/b: libnss3.so: no such file'; {BY_HAND}"),
        (KILLED, f"{ENDED} (SIGKILL); {BY_HAND}"),
        ("spawn /opt/b EACCES", f"the browser /opt/b did not start; {BY_HAND}"),
    ],
)
def test_a_browser_that_does_not_start_is_told_by_how_it_ended_and_what_it_said(report: str, said: str) -> None:
    assert str(BrowserUnusableError("/opt/b", report)) == said
