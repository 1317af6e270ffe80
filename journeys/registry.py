"""The journeys there are: ours, and those of a folder of your own."""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
import traceback
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType

from journeys.journey import Journey

BUILT_IN = (
    "journeys.ga_purchase",
    "journeys.vip_member_discount",
)


class JourneyError(Exception):
    """A journey that does not exist or cannot be loaded; the message names file and line."""


def load_journeys(environment: Mapping[str, str] = os.environ) -> dict[str, Journey]:
    """All journeys by name; those of the folder in `SIXFB_JOURNEYS` stand beside ours.

    Raises:
        JourneyError: the folder does not exist, a file of it fails (with its line), or a name is taken.
    """
    found: dict[str, Journey] = {}
    for module_name in BUILT_IN:
        _add(found, importlib.import_module(module_name))
    for file in _own_files(environment):
        _add(found, _load_file(file))
    return found


def journeys_of(file: Path) -> dict[str, Journey]:
    """The journeys that a file of one's own holds, by name. Raises JourneyError."""
    found: dict[str, Journey] = {}
    _add(found, _load_file(file))
    return found


def known_journey(name: str, environment: Mapping[str, str] = os.environ) -> str:
    """The name, if there is such a journey. Ours are known by their file, which spares the caller a browser library.

    Raises:
        JourneyError: there is none, or the folder of one's own does not load.
    """
    if environment.get("SIXFB_JOURNEYS") or f"journeys.{name}" not in BUILT_IN:
        load_journey(name, environment)
    return name


def load_journey(name: str, environment: Mapping[str, str] = os.environ) -> Journey:
    """The journey of that name. Raises JourneyError, with the names there are."""
    found = load_journeys(environment)
    if name not in found:
        raise JourneyError(f"no journey named {name!r}; there are: {', '.join(found)}")
    return found[name]


def _add(found: dict[str, Journey], module: ModuleType) -> None:
    for value in vars(module).values():
        if not isinstance(value, Journey) or value.file != module.__file__:
            continue
        taken = found.get(value.name)
        if taken:
            raise JourneyError(f"{value.file}: a journey named {value.name!r} is already in {taken.file}; rename one")
        found[value.name] = value


def _own_files(environment: Mapping[str, str]) -> list[Path]:
    folder = environment.get("SIXFB_JOURNEYS")
    if not folder:
        return []
    if not Path(folder).is_dir():
        raise JourneyError(f"SIXFB_JOURNEYS: {folder} is not a folder")
    return [f.resolve() for f in sorted(Path(folder).glob("*.py")) if not f.name.startswith(("_", "test_", "conftest"))]


def _load_file(file: Path) -> ModuleType:
    # The folder goes on the path so that a journey can import page objects that stand beside it.
    if str(file.parent) not in sys.path:
        sys.path.append(str(file.parent))
    name = f"sixfb_own_{file.stem}"
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise JourneyError(f"{file}: not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise JourneyError(f"{place_in(file, error)}: {type(error).__name__}: {error}") from error
    return module


def place_in(file: Path, error: BaseException) -> str:
    """`file:line` of the innermost frame of an error that stands in `file` (for a syntax error: where it is)."""
    if isinstance(error, SyntaxError) and error.filename == str(file):
        return f"{file}:{error.lineno}"
    lines = [f.lineno for f in traceback.extract_tb(error.__traceback__) if f.filename == str(file)]
    return f"{file}:{lines[-1]}" if lines else str(file)
