"""Playwright's trace in pieces: what happens while it is paused is in none of them.

A paused trace is stopped, not put off: between the chunks of one trace Playwright goes on recording the network, bodies and all.
"""

from __future__ import annotations

import zipfile
from pathlib import Path

from playwright.sync_api import BrowserContext

_OWN = (".trace", ".network", ".stacks")


class Tracer:
    """The trace of a browser context; its pieces are files in `folder`. `is_on` where somebody has started it already."""

    def __init__(self, context: BrowserContext, folder: Path, *, is_on: bool = False) -> None:
        self._context, self._folder = context, folder
        self._on = is_on
        self._grouped = False
        self._pieces: list[Path] = []

    def start(self) -> None:
        """Record, or go on recording."""
        if not self._on:
            self._context.tracing.start(screenshots=True, snapshots=True, sources=False)
            self._on = True

    def group(self, name: str) -> None:
        """What is recorded from here on stands below this name, until the next."""
        if self._on:
            self._ungroup()
            self._context.tracing.group(name)
            self._grouped = True

    def _ungroup(self) -> None:
        if self._grouped:
            self._context.tracing.group_end()
            self._grouped = False

    def pause(self) -> None:
        """Record nothing more until `start`."""
        if self._on:
            self._ungroup()
            self._on = False
            piece = self._folder / f"trace-{len(self._pieces) + 1}.zip"
            self._context.tracing.stop(path=piece)
            self._pieces.append(piece)

    def finish(self, file: Path) -> bool:
        """Write the whole of it to one file; False where nothing was recorded."""
        self.pause()
        if len(self._pieces) == 1:
            self._pieces[0].rename(file)
        elif self._pieces:
            _join(self._pieces, file)
        return bool(self._pieces)


def _join(pieces: list[Path], file: Path) -> None:
    """One zip of several traces, as Playwright's own test runner makes them and the viewer reads them."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as joined:
        there: set[str] = set()
        for number, piece in enumerate(pieces):
            with zipfile.ZipFile(piece) as archive:
                for name in archive.namelist():
                    new = f"{number}-{name}" if number and name.endswith(_OWN) else name
                    if new not in there:  # a resource's name is its content's hash
                        there.add(new)
                        joined.writestr(new, archive.read(name))
