"""`sixfb`, the public package: what a journey needs is there under one name, documented, typed and no copy."""

from __future__ import annotations

import inspect
import subprocess
import sys
from pathlib import Path

import pytest

import sixfb
from cli.new import _TEMPLATE
from journeys.failure import SiteBroken
from journeys.registry import journeys_of
from journeys.visit import Visit

ROOT = Path(__file__).resolve().parents[2]
_PLAYWRIGHT_S = {"expect", "Page", "Locator"}
"""Their documentation is Playwright's."""


def test_its_names_are_those_that_a_journey_was_promised() -> None:
    """Taking one away breaks journeys that stand in other repositories: the list grows only."""
    promised = {
        "Buyer",
        "FailureKind",
        "Journey",
        "Locator",
        "Page",
        "PlacedOrder",
        "Prices",
        "Site",
        "SiteBroken",
        "Visit",
    }
    promised |= {"expect", "journey", "minor_units", "money"}
    assert set(sixfb.__all__) == promised
    assert (sixfb.Visit, sixfb.SiteBroken) == (Visit, SiteBroken)


@pytest.mark.parametrize("name", sixfb.__all__)
def test_every_name_is_documented(name: str) -> None:
    assert inspect.getdoc(getattr(sixfb, name)) or name in _PLAYWRIGHT_S
    assert f"`{name}" in (sixfb.__doc__ or "")
    assert f"`{name}" in (ROOT / "docs" / "journeys.md").read_text(encoding="utf-8")


def test_the_scaffold_and_the_package_s_own_example_load_as_journeys(tmp_path: Path) -> None:
    lines = (sixfb.__doc__ or "").partition("    from sixfb")[2].partition("\n\nThese names")[0].splitlines()
    example = "\n".join(line.removeprefix("    ") for line in ("    from sixfb" + "\n".join(lines)).splitlines())
    for name, text in (("price_list", example), ("gift_voucher", _TEMPLATE.format(name="gift_voucher"))):
        file = tmp_path / f"{name}.py"
        file.write_text(text)
        assert list(journeys_of(file)) == [name]


@pytest.mark.slow  # mypy reads Playwright
def test_a_journey_is_type_checked_against_it(tmp_path: Path) -> None:
    file = tmp_path / "gift_voucher.py"
    file.write_text(_TEMPLATE.format(name="gift_voucher") + "        visit.see(7)\n")
    done = subprocess.run(
        [sys.executable, "-P", "-m", "mypy", "--strict", "--no-incremental", str(file)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert 'has incompatible type "int"; expected "Locator"' in done.stdout
    assert "Found 1 error" in done.stdout


def test_the_command_is_also_run_as_a_module(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-P", "-m", "sixfb", "--version"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout.startswith("sixfb ")) == (0, True)
