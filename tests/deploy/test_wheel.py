"""The wheel in an environment of its own, away from the sources: what docs/install.md and docs/your-shop.md tell works there."""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

from tests.sites import a_site

ROOT = Path(__file__).resolve().parents[2]


def ran(*command: str | Path, cwd: Path, **more: str) -> subprocess.CompletedProcess[str]:
    kept = {
        k: v for k, v in os.environ.items() if not k.startswith(("SIXFB_", "STRIPE_", "PYTHON", "PYTEST_", "VIRTUAL_"))
    }
    return subprocess.run(
        list(map(str, command)),
        cwd=cwd,
        env={**kept, "SIXFB_SANDBOX": "off", **more},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    built = ran(sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", folder, cwd=ROOT)
    assert built.returncode == 0, built.stderr
    (found,) = folder.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the commands of a new environment that has the wheel. Its dependencies are those of this environment, whose
    own editable installation of the product is not seen there: a path in a .pth file is no site folder."""
    folder = tmp_path_factory.mktemp("environment")
    made = ran(sys.executable, "-m", "venv", "--without-pip", folder, cwd=folder)
    assert made.returncode == 0, made.stderr
    python = folder / "bin" / "python"
    done = ran(sys.executable, "-m", "pip", "--python", python, "install", "--no-deps", "--no-index", wheel, cwd=folder)
    assert done.returncode == 0, done.stderr
    (site,) = folder.glob("lib/python3*/site-packages")
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return folder / "bin"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty folder, as somebody begins with."""
    return tmp_path


def test_the_wheel_holds_the_public_package_and_no_tests(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert {"sixfb/__init__.py", "sixfb/py.typed", "sixfb/__main__.py", "config/defaults/site.yaml"} <= set(names)
    assert {name.partition("/")[0] for name in names} & {"tests", "docs", "benchmarks", "deploy", "var"} == set()


def test_it_is_the_wheel_that_answers_and_no_source(installed: Path, folder: Path) -> None:
    where = ran(installed / "python", "-c", "import cli, sixfb; print(cli.__file__, sixfb.__file__)", cwd=folder)
    assert (where.returncode, str(ROOT) in where.stdout) == (0, False), where.stderr
    assert ran(installed / "sixfb", "--version", cwd=folder).stdout.startswith("sixfb ")
    assert ran(installed / "python", "-m", "sixfb", "--version", cwd=folder).stdout.startswith("sixfb ")


@pytest.mark.browser
def test_a_shop_is_watched_from_an_empty_folder(installed: Path, folder: Path) -> None:
    sixfb = installed / "sixfb"
    with a_site({"/": "<title>Books</title><h1>Books</h1>"}) as site:
        done = ran(sixfb, "new", "site", site.url, cwd=folder)
        assert done.returncode == 0, done.stderr
        done = ran(sixfb, "new", "journey", "gift_voucher", cwd=folder)
        assert done.returncode == 0, done.stderr
        done = ran(sixfb, "check", cwd=folder, ALERT_WEBHOOK="http://127.0.0.1:8610/webhook/me")
        assert (done.returncode, done.stdout.splitlines()[-1]) == (0, "all is well"), done.stderr
        for journey in ("open_shop", "gift_voucher"):
            done = ran(sixfb, "run", journey, cwd=folder)
            assert done.returncode == 0, done.stdout + done.stderr
        done = ran(sixfb, "pytest", "-q", cwd=folder)
        assert (done.returncode, "2 passed" in done.stdout) == (0, True), done.stdout
    assert sorted(file.name for file in folder.iterdir()) == [
        ".pytest_cache", "alerts.yaml", "journeys", "locations.yaml", "site.yaml", "var",
    ]  # fmt: skip
