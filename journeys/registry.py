"""Finds and loads the journeys: those that ship, and those of the user's own folder.

That folder is the one that `SIXFB_JOURNEYS` names, else `journeys/` beside one's own `site.yaml`.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
import traceback
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType

from config.folder import config_folder
from journeys.import_path import importable_beside
from journeys.journey import Journey

JOURNEYS = "SIXFB_JOURNEYS"
FOLDER = "journeys"
"""The name of the folder of one's own journeys beside `site.yaml`."""
_WHERE_OWN_ARE = f"the folder that {JOURNEYS} names, else from {FOLDER}/ beside your site.yaml"
BUILT_IN = (
    "journeys.ga_purchase",
    "journeys.vip_member_discount",
)


class JourneyError(Exception):
    """The journey does not exist or cannot be loaded; the message names file and line."""


def own_folder(environment: Mapping[str, str] = os.environ) -> Path | None:
    """Return the folder of one's own journeys: `SIXFB_JOURNEYS`, else `journeys/` beside one's `site.yaml`; None where neither is.

    Whether a folder that the variable names exists is checked when it is loaded. Raises ConfigError.
    """
    named = environment.get(JOURNEYS, "")
    if named:
        return Path(named)
    beside = config_folder(environment)
    folder = beside / FOLDER
    if not (beside / "site.yaml").is_file() or not folder.is_dir() or is_product_package(folder):
        return None
    return folder


def is_product_package(folder: Path) -> bool:
    """Return whether a folder is the product's own package `journeys`: this one, or that of another checkout.

    Both stand beside a `site.yaml`, and hold no journeys of one's own.
    """
    return (folder / "__init__.py").is_file() and (folder / "registry.py").is_file() and (folder / "visit.py").is_file()


def load_journeys(own: Path | str | None) -> dict[str, Journey]:
    """Return all journeys by name: those that ship, and those of the folder `own`.

    Raises:
        JourneyError: the folder does not exist, a file of it fails (with its line), or a name is taken.
    """
    found: dict[str, Journey] = {}
    for module_name in BUILT_IN:
        _add(found, importlib.import_module(module_name))
    for file in _own_files(own):
        _add(found, _load_file(file))
    return found


def journeys_of(file: Path) -> dict[str, Journey]:
    """Return the journeys in a user's file, by name. Raises JourneyError."""
    found: dict[str, Journey] = {}
    _add(found, _load_file(file))
    return found


def known_journey(name: str, own: Path | str | None) -> str:
    """Return the name, if there is such a journey. Shipped ones are found by their file, without importing a browser library.

    Raises:
        JourneyError: there is none, or the folder of one's own does not load.
    """
    if own or f"journeys.{name}" not in BUILT_IN:
        load_journey(name, own)
    return name


def load_journey(name: str, own: Path | str | None) -> Journey:
    """Return the journey with a name. Raises JourneyError, which lists the known names and the folder that was searched."""
    found = load_journeys(own)
    if name not in found:
        where = f"journeys of your own are read from {own or _WHERE_OWN_ARE}"
        raise JourneyError(f"no journey named {name!r}; there are: {', '.join(found)}; {where}")
    return found[name]


def _add(found: dict[str, Journey], module: ModuleType) -> None:
    for value in vars(module).values():
        if not isinstance(value, Journey) or value.file != module.__file__:
            continue
        taken = found.get(value.name)
        if taken:
            raise JourneyError(f"{value.file}: a journey named {value.name!r} is already in {taken.file}; rename one")
        found[value.name] = value


def _own_files(folder: Path | str | None) -> list[Path]:
    if folder is None:
        return []
    if not Path(folder).is_dir():
        raise JourneyError(f"{JOURNEYS}: {folder} is not a folder")
    return [f.resolve() for f in sorted(Path(folder).glob("*.py")) if not f.name.startswith(("_", "test_", "conftest"))]


def _load_file(file: Path) -> ModuleType:
    name = f"sixfb_own_{file.stem}"
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise JourneyError(f"{file}: not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        with importable_beside(file):  # a journey may import page objects that stand beside it
            spec.loader.exec_module(module)
    except Exception as error:
        raise JourneyError(f"{place_in(file, error)}: {type(error).__name__}: {error}") from error
    return module


def place_in(file: Path, error: BaseException) -> str:
    """Return `file:line` of the innermost frame of an error in `file`; for a syntax error, its own line."""
    if isinstance(error, SyntaxError) and error.filename == str(file):
        return f"{file}:{error.lineno}"
    lines = [f.lineno for f in traceback.extract_tb(error.__traceback__) if f.filename == str(file)]
    return f"{file}:{lines[-1]}" if lines else str(file)
