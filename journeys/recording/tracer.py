"""Records Playwright's trace in pieces, so that nothing that happens during a pause is in the trace.

A paused trace is stopped, not put off: between the chunks of one trace Playwright goes on recording the network, bodies and all.
"""

from __future__ import annotations

import zipfile
from collections.abc import Container
from pathlib import Path

from playwright.sync_api import BrowserContext

from journeys.recording.frames import drop_frames

_OWN = (".trace", ".network", ".stacks")
_IMAGES = (".jpeg", ".jpg", ".png", ".gif", ".webp", ".avif", ".bmp", ".ico", ".svg", ".pdf", ".mp4", ".webm", ".tiff")


class Tracer:
    """The trace of a browser context; its pieces are files in `folder`. `is_on` where somebody has started it already.

    `with_frames` is whether it holds pictures of what the pages showed.
    """

    def __init__(self, context: BrowserContext, folder: Path, *, is_on: bool = False) -> None:
        self._context, self._folder = context, folder
        self._on = is_on
        self._group: str | None = None
        self._pieces: list[Path] = []
        self._without_images: set[Path] = set()
        self.with_frames = True

    def start(self) -> None:
        """Start or resume recording."""
        if not self._on:
            self._context.tracing.start(screenshots=self.with_frames, snapshots=True, sources=False)
            self._on = True

    def group(self, name: str) -> None:
        """Group everything that is recorded from now on under a name, until the next group."""
        if self._on:
            self._ungroup()
            self._context.tracing.group(name)
            self._group = name

    def _ungroup(self) -> None:
        if self._group is not None:
            self._context.tracing.group_end()
            self._group = None

    def leave_frames_out(self) -> None:
        """Stop recording pictures of pages, because it would be unknown afterwards which of them show a secret."""
        if not self.with_frames:
            return
        was_on, group = self._on, self._group
        self.pause()
        self.with_frames = False
        if was_on:
            self.start()
            if group is not None:
                self.group(group)

    @property
    def has_frames(self) -> bool:
        """Return whether the trace may contain frames."""
        return (self.with_frames and self._on) or bool(self._with_images())

    def drop_frames(self) -> int:
        """Delete all recorded pictures of pages, and record no more; return how many there were."""
        self.leave_frames_out()
        pieces = self._with_images()
        self._without_images.update(pieces)
        return sum(drop_frames(piece) for piece in pieces)

    def _with_images(self) -> list[Path]:
        return [piece for piece in self._pieces if piece not in self._without_images]

    def pause(self) -> None:
        """Stop recording until `start` is called."""
        if self._on:
            self._ungroup()
            self._on = False
            piece = self._folder / f"trace-{len(self._pieces) + 1}.zip"
            self._context.tracing.stop(path=piece)
            self._pieces.append(piece)
            if not self.with_frames:
                self._without_images.add(piece)

    def finish(self, file: Path) -> bool:
        """Write the whole trace to one file; return False if nothing was recorded."""
        self.pause()
        if len(self._pieces) == 1 and not self._without_images:
            self._pieces[0].rename(file)
        elif self._pieces:
            _join(self._pieces, file, without_images=self._without_images)
        return bool(self._pieces)


def _join(pieces: list[Path], file: Path, *, without_images: Container[Path]) -> None:
    """One zip of several traces, as Playwright's own test runner makes them and the viewer reads them.

    Of a piece that was recorded while pages may have shown a secret the images stay out, except those that were there before.
    """
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as joined:
        there: set[str] = set()
        for number, piece in enumerate(pieces):
            with zipfile.ZipFile(piece) as archive:
                for name in archive.namelist():
                    new = f"{number}-{name}" if number and name.endswith(_OWN) else name
                    # A resource's name is its content's hash.
                    if new not in there and not (piece in without_images and name.endswith(_IMAGES)):
                        there.add(new)
                        joined.writestr(new, archive.read(name))
