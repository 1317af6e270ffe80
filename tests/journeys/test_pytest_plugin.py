"""`pytest` in a folder of one's own finds the journeys in it, says once what failed, and leaves other files alone."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.sites import a_site

ROOT = Path(__file__).resolve().parents[2]
JOURNEY = """from journeys.visit import Visit, journey


@journey(title="A reader looks", steps=("open",), buys=False, {options})
def {name}(visit: Visit) -> None:
    with visit.step("open"):
        raise LookupError("no such book")
"""


def ran(folder: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("SIXFB_", "PYTEST_"))}
    return subprocess.run(
        [
            sys.executable,
            "-P",
            "-m",
            "pytest",
            "-p",
            "journeys.pytest_plugin",
            "-p",
            "no:cacheprovider",
            "-q",
            *arguments,
        ],
        cwd=folder,
        env={**clean, "SIXFB_SANDBOX": "off", "COLUMNS": "200", "CI": "1", **more},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A project with a folder of journeys, and a file elsewhere that holds one too."""
    for place, name in (("mine", "look_at_a_book"), ("mine", "look_again"), ("other", "elsewhere")):
        (tmp_path / place).mkdir(exist_ok=True)
        (tmp_path / place / f"{name}.py").write_text(JOURNEY.format(name=name, options=""))
    (tmp_path / "mine" / "pages.py").write_text("# no @journey( in here\nBOOK = 7\n")
    (tmp_path / "site.yaml").write_text("base_url: http://127.0.0.1:9999\n")
    return tmp_path


def collected(done: subprocess.CompletedProcess[str]) -> list[str]:
    return sorted(line.partition("::")[2] for line in done.stdout.splitlines() if "::" in line)


MINE = ["test_look_again[chromium]", "test_look_at_a_book[chromium]"]


@pytest.mark.parametrize(
    ("place", "arguments", "found"),
    [
        ("mine", (), MINE),
        (".", ("mine",), MINE),
        (".", ("mine/look_again.py",), MINE[:1]),
        ("mine", ("-k", "look_at_a_book"), MINE[1:]),
        (".", (), []),
    ],
    ids=["in the folder", "asked for the folder", "asked for a file", "by name", "nothing asked for"],
)
def test_journeys_are_found_where_they_are_asked_for(
    folder: Path, place: str, arguments: tuple[str, ...], found: list[str]
) -> None:
    assert collected(ran(folder / place, "--co", *arguments)) == found


def test_the_folder_that_the_variable_names_is_found_from_above(folder: Path) -> None:
    assert collected(ran(folder, "--co", SIXFB_JOURNEYS="mine")) == MINE


def test_our_own_folder_holds_no_journey_twice() -> None:
    found = collected(ran(ROOT, "--co", "journeys"))
    assert found == ["test_journey[ga_purchase-chromium]", "test_journey[vip_member_discount-chromium]"]


def test_a_file_that_does_not_load_is_told_with_its_line(folder: Path) -> None:
    (folder / "mine" / "look_again.py").write_text(JOURNEY.format(name="look_again", options="undo=print"))
    done = ran(folder / "mine", "--co")
    assert done.returncode == 2
    assert "look_again.py:4: ValueError: buys=False says that nothing is ever ordered" in done.stdout


@pytest.mark.browser
def test_what_failed_is_said_once(folder: Path) -> None:
    sentence = "open: the journey's code raised LookupError: no such book"
    done = ran(folder, "mine/look_again.py", "-ra")
    assert (done.returncode, done.stdout.count(sentence)) == (1, 1), done.stdout
    assert "test_look_again[chromium]" in done.stdout


@pytest.mark.browser
def test_the_login_and_secret_headers_of_site_yaml_are_sent(folder: Path) -> None:
    look = JOURNEY.format(name="look_again", options="").replace(
        'raise LookupError("no such book")', 'visit.go(visit.site.url("/"))'
    )
    (folder / "mine" / "look_again.py").write_text(look)
    (folder / "key").write_text("open sesame")
    (folder / "login").write_text("user:pass")
    with a_site({"/": "<h1>Books</h1>"}) as site:
        files = f"basic_auth_file: {folder / 'login'}\nheader_files: {{x-key: {folder / 'key'}}}\n"
        (folder / "site.yaml").write_text(f"base_url: {site.url}\n{files}")
        done = ran(folder, "mine/look_again.py")
    assert done.returncode == 0, done.stdout
    headers = {name.lower(): value for name, value in site.asked[0].headers.items()}
    assert (headers["x-key"], headers["authorization"]) == ("open sesame", "Basic dXNlcjpwYXNz")


def test_pytest_finds_the_plugin_by_itself_where_the_program_is_installed() -> None:
    written = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert written["project"]["entry-points"]["pytest11"] == {"journeys.pytest_plugin": "journeys.pytest_plugin"}
