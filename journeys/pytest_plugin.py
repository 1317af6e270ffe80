"""Journeys of one's own as tests: `pytest my_journeys`, wherever the folder lies; pytest finds this module by its entry point.

A file with journeys is collected where its folder, or the file itself, is what pytest was asked for, or where its folder is that of
one's own journeys: `SIXFB_JOURNEYS`, else `journeys/` beside one's `site.yaml`.
Playwright and the rest are loaded once there is such a file: this module stands in every run of pytest.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import pytest

from journeys.pytest_report import JourneyFailed, pytest_runtest_makereport

if TYPE_CHECKING:
    from journeys.journey import Journey
    from journeys.visit import Visit

__all__ = ["JourneyFailed", "pytest_collect_file", "pytest_runtest_makereport", "walk"]

_OURS = Path(__file__).resolve().parent
_NO_JOURNEYS = ("_", "test_", "conftest")
_HAS_JOURNEYS = re.compile(r"^@(\w+\.)*journey\(", re.MULTILINE)
_FIXTURES = ("browser_type_launch_args", "browser_context_args", "site", "tracer", "visit")


def walk(visit: Visit) -> None:
    """Walk a journey to its end. Raises JourneyFailed."""
    from journeys.visit import VisitFailed

    sentence = None
    try:
        visit.walk()
    except VisitFailed as failed:
        sentence = failed.failure.sentence
    # Outside the handler: pytest would print the sentence once for each exception of a chain.
    if sentence is not None:
        raise JourneyFailed(sentence, pytrace=False)


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Collect a file with journeys of one's own."""
    if file_path.suffix != ".py" or file_path.name.startswith(_NO_JOURNEYS):
        return None
    file = file_path.resolve()
    if file.parent == _OURS or not _is_asked_for(file, parent.config):
        return None
    if not _HAS_JOURNEYS.search(file.read_text(encoding="utf-8", errors="replace")):
        return None
    collected: pytest.Collector = JourneyFile.from_parent(parent, path=file_path)
    return collected


def _is_asked_for(file: Path, config: pytest.Config) -> bool:
    asked = [config.invocation_params.dir / argument.partition("::")[0] for argument in config.args]
    return any(folder.resolve() in (file, file.parent) for folder in [*asked, *_own_folder(config)])


def _own_folder(config: pytest.Config) -> list[Path]:
    """Return the user's folder of journeys, if there is one. A wrong `SIXFB_CONFIG` is reported when a journey reads its site."""
    from config.complaints import ConfigError
    from journeys.registry import own_folder

    try:
        folder = own_folder()
    except ConfigError:
        return []
    return [config.invocation_params.dir / folder] if folder else []


class JourneyFile(pytest.Module):
    """A file of journeys: one test for each, on pytest-playwright's own page."""

    def _getobj(self) -> ModuleType:
        from journeys import conftest
        from journeys.registry import JourneyError, journeys_of

        try:
            found = journeys_of(self.path.resolve())
        except JourneyError as error:
            raise self.CollectError(str(error)) from None
        module = ModuleType(self.path.stem)
        for name in _FIXTURES:
            setattr(module, name, getattr(conftest, name))
        for name, journey in found.items():
            setattr(module, f"test_{name}", _test_of(journey))
        return module


def _test_of(journey: Journey) -> Callable[..., None]:
    def test(visit: Callable[[Journey], Visit]) -> None:
        walk(visit(journey))

    test.__doc__ = journey.title
    return test
