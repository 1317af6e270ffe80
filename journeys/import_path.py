"""Lets a journey import the modules that stand beside it, and leaves Python's import path as it was."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def importable_beside(file: Path | str) -> Iterator[None]:
    """Add the folder of `file` to the end of `sys.path` inside the `with` block, and remove it afterwards.

    A folder that is on the path already stays there. Modules that were imported stay in `sys.modules`.
    """
    folder = str(Path(file).parent)
    if folder in sys.path:
        yield
        return
    sys.path.append(folder)
    try:
        yield
    finally:
        with suppress(ValueError):  # the journey may have removed it itself
            sys.path.remove(folder)
