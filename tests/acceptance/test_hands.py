"""What QA does by hand: pytest's flags, a headed browser, a pause where it failed, several runs in a row."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from tests.foreign.bookshop import PASSWORD, Shop, a_bookshop
from tests.foreign.test_order_a_book import JOURNEY
from tests.processes import name_of

pytestmark = [pytest.mark.browser, pytest.mark.slow]

ROOT = Path(__file__).resolve().parents[2]
needs_a_display = pytest.mark.skipif(
    not shutil.which("xvfb-run") or not shutil.which("xauth"), reason="xvfb-run is not here: apt-get install xvfb xauth"
)


@pytest.fixture(scope="module")
def opened() -> Iterator[Shop]:
    with a_bookshop() as shop:
        yield shop


@pytest.fixture
def shop(opened: Shop, tmp_path: Path) -> Shop:
    opened.is_broken = False
    folder = tmp_path / "mine"
    folder.mkdir()
    shutil.copy(JOURNEY, folder)
    (folder / "password.txt").write_text(PASSWORD)
    return opened


def environment(folder: Path, **more: str) -> dict[str, str]:
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("SIXFB_", "PYTEST_")) and k != "DISPLAY"}
    own = {"SIXFB_JOURNEYS": str(folder / "mine"), "SIXFB_VAR": str(folder / "var"), "SIXFB_SANDBOX": "off"}
    return {**clean, **own, **more}


def ran(folder: Path, *command: str, before: tuple[str, ...] = (), **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*before, sys.executable, "-P", "-m", *command],
        cwd=ROOT,
        env=environment(folder, **more),
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )


def pytest_journeys(
    shop: Shop, folder: Path, *flags: str, before: tuple[str, ...] = ()
) -> subprocess.CompletedProcess[str]:
    command = (
        "pytest",
        "journeys",
        "-q",
        "-p",
        "no:cacheprovider",
        "--base-url",
        shop.url,
        "--output",
        str(folder / "out"),
    )
    return ran(folder, *command, *flags, before=before)


def test_pytest_walks_one_journey_with_a_trace_that_has_a_gap(shop: Shop, tmp_path: Path) -> None:
    done = pytest_journeys(shop, tmp_path, "-k", "order_a_book", "--tracing", "on")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed" in done.stdout
    assert "deselected" in done.stdout
    traces = sorted((tmp_path / "out").rglob("*.zip"))
    assert [t.name for t in traces] == ["trace-1.zip", "trace.zip"]
    for trace in traces:
        with zipfile.ZipFile(trace) as archive:
            assert [n for n in archive.namelist() if PASSWORD.encode() in archive.read(n)] == []
            has_frames = any(name.startswith("screencast/") for name in archive.namelist())
            assert has_frames == (trace.name == "trace-1.zip"), "none of them is from after the password"


def test_pytest_takes_the_picture_that_the_runner_would_take_where_there_is_a_secret(
    shop: Shop, tmp_path: Path
) -> None:
    done = pytest_journeys(shop, tmp_path, "-k", "order_a_book", "--screenshot", "on")
    assert done.returncode == 0, done.stdout + done.stderr
    assert [file.name for file in (tmp_path / "out").rglob("*") if file.is_file()] == ["picture.jpg"]


@needs_a_display
def test_pytest_shows_the_browser_and_goes_slowly(shop: Shop, tmp_path: Path) -> None:
    done = pytest_journeys(
        shop, tmp_path, "-k", "order_a_book", "--headed", "--slowmo", "50", before=("xvfb-run", "-a")
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        (("--headed",), "--headed: there is no display here"),
        (("--video", "on"), "--video: Playwright's ffmpeg is not here; get it with `playwright install ffmpeg`"),
        (("--browser", "firefox"), "install it with `playwright install --with-deps firefox`"),
    ],
)
def test_pytest_says_in_a_sentence_what_the_machine_has_not_got(
    shop: Shop, tmp_path: Path, flags: tuple[str, ...], says: str
) -> None:
    # An empty shelf stands for a machine on which nobody has installed them.
    done = ran(
        tmp_path,
        "pytest",
        "journeys",
        "-q",
        "-k",
        "order_a_book",
        "--base-url",
        shop.url,
        "--output",
        str(tmp_path / "out"),
        *flags,
        PLAYWRIGHT_BROWSERS_PATH=str(tmp_path / "shelf"),
    )
    assert done.returncode == 2, done.stdout + done.stderr
    assert says in done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr


def test_five_in_a_row_print_the_spread(shop: Shop, tmp_path: Path) -> None:
    done = ran(tmp_path, "cli", "run", "order_a_book", "--site", shop.url, "--repeat", "2")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "2 of 2 passed; flake rate 0%" in done.stdout
    assert "place_order" in done.stdout


@needs_a_display
def test_the_browser_stays_open_where_it_failed_until_a_person_goes_on(shop: Shop, tmp_path: Path) -> None:
    shop.is_broken = True
    command = ["xvfb-run", "-a", sys.executable, "-P", "-m", "cli", "run", "order_a_book", "--site", shop.url]
    with (tmp_path / "out.txt").open("wb") as out:
        watched = subprocess.Popen(
            [*command, "--headed", "--pause-on-failure", "--slow-mo", "1"],
            cwd=ROOT,
            env=environment(tmp_path),
            stdout=out,
            stderr=out,
        )
        try:
            _until(lambda: "place_order" in (tmp_path / "out.txt").read_text(), "the failing step")
            time.sleep(5)
            assert watched.poll() is None, (tmp_path / "out.txt").read_text()
            browsers = [p for p in psutil.Process(watched.pid).children(recursive=True) if "chrom" in name_of(p)]
            assert browsers
        finally:
            # xvfb-run is a shell: ended, it would leave its display behind.
            below = psutil.Process(watched.pid).children(recursive=True)
            for process in below:
                with suppress(psutil.Error):  # some end while they are looked at
                    if "cli" in process.cmdline() or process.name() == "Xvfb":
                        process.terminate()
            watched.terminate()
            watched.wait(30)
    _, alive = psutil.wait_procs(below, timeout=20)
    assert alive == []


def _until(holds: object, what: str) -> None:
    ends = time.monotonic() + 90
    while not holds():  # type: ignore[operator]
        assert time.monotonic() < ends, f"{what} did not come"
        time.sleep(0.2)
