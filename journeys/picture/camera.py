"""Takes a picture of a page after what nobody may read was covered in it.

The browser says what the page shows; scripts of the page are stopped meanwhile, so that it shows the same in the picture. After the
picture it is asked once more: only where everything that it shows of a secret is covered before and after, the picture is kept.
Nothing here waits for fonts, and everything has a limit: a page that is busy for ever costs a picture and no more.
"""

from __future__ import annotations

import base64
import contextlib
import time
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import CDPSession, Error, Frame, Page
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from journeys.picture.search import find
from journeys.picture.shown import STYLES, Snapshot, read
from redact import Scrubber

_WORLD = "sixfb picture"
_TRIES = 3
_ROUNDS = 4
_QUALITY, _GLANCE_QUALITY = 60, 45
_MAY_TAKE_S = 10.0
_LOOK_MAY_TAKE_S = 3.0
_ANSWERS_WITHIN_MS = 2000
_CLEANING_MS = 1000
_DRAWS_WITHIN_MS = 3000

_COVER_TEXT = """function(spans) {
  const before = this.data;
  let covered = before;
  for (const [begin, end] of spans)
    covered = covered.slice(0, begin) + covered.slice(begin, end).replace(/[^\\s]/g, "\\u2588") + covered.slice(end);
  if (covered === before) return;
  this.data = covered;
  (globalThis.sixfbUndo ??= []).push(() => { if (this.data === covered) this.data = before; });
}"""
# Whatever an element paints is gone with its opacity: text, shadows, pseudo-elements, values, pictures. A frame around its place says
# that something is covered there; it is drawn beside the element, where no style of the page reaches it.
_COVER_ELEMENT = """function() {
  const style = this.style;
  if (!style) throw new Error("it has no style");
  const before = this.getAttribute("style"), text = style.cssText;
  style.setProperty("transition", "none", "important");
  style.setProperty("opacity", "0", "important");
  const place = this.getBoundingClientRect();
  const mark = this.ownerDocument.createElementNS("http://www.w3.org/1999/xhtml", "div");
  mark.style.cssText = `all: initial; position: fixed; box-sizing: border-box; pointer-events: none; z-index: 2147483647;
    left: ${place.x}px; top: ${place.y}px; width: ${place.width}px; height: ${place.height}px; border: 2px dashed #777`;
  this.ownerDocument.documentElement.append(mark);
  (globalThis.sixfbUndo ??= []).push(() => {
    mark.remove();
    if (before === null) this.removeAttribute("style");
    else this.setAttribute("style", before);
    if (style.cssText !== text) style.cssText = text;
  });
}"""
_UNCOVER = "for (const undo of (globalThis.sixfbUndo ?? []).splice(0).reverse()) undo();"


class NoPictureError(Exception):
    """No picture could be taken; the message completes "no picture: ..."."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A JPEG, how many places in it were covered, and the passwords that the page's fields held."""

    jpeg: bytes
    covered: int
    passwords: frozenset[str]


def take(
    page: Page, scrubber: Scrubber, *, clean_images: Collection[str] | None = None, may_take_s: float = _MAY_TAKE_S
) -> Picture:
    """Take a picture of what the page shows in its window.

    `clean_images` are the addresses of the images that show no secret, and everything else that is no text is covered; None
    where the page was told no secret that it could have drawn.

    Raises:
        NoPictureError: the page did not answer in time, is gone, or it could not be made sure that it shows no secret.
    """
    camera = _Camera(page, scrubber, clean_images, ends=time.monotonic() + may_take_s)
    with _said_plainly(page):
        return camera.take()


def glance(page: Page, scrubber: Scrubber, *, may_take_s: float = _LOOK_MAY_TAKE_S) -> bytes | None:
    """Return a small JPEG of a page that shows no secret; None if it shows one, or a password, or cannot be read whole.

    Nothing is covered and no script is stopped: the journey goes on with this page.

    Raises:
        NoPictureError: it cannot be read in time.
    """
    camera = _Camera(page, scrubber, None, ends=time.monotonic() + may_take_s)
    with _said_plainly(page):
        return camera.glance()


def shows(page: Page, scrubber: Scrubber, *, may_take_s: float = _LOOK_MAY_TAKE_S) -> bool:
    """Whether the page shows a secret, as far as it can be read. The page does not notice.

    Raises:
        NoPictureError: it cannot be read in time.
    """
    camera = _Camera(page, scrubber, None, ends=time.monotonic() + may_take_s)
    with _said_plainly(page):
        return camera.shows()


@contextlib.contextmanager
def _said_plainly(page: Page) -> Iterator[None]:
    try:
        yield
    except PlaywrightTimeout:
        raise NoPictureError("the page did not answer in time") from None
    except Error as error:
        if page.is_closed():
            raise NoPictureError("the page was closed") from None
        raise NoPictureError(" ".join(error.message.split())[:120]) from None


class _UnsureError(Exception):
    """The page changed between two checks, or could not be covered."""


class _Process:
    """A part of the page that lives in a process of its own, and what was covered there."""

    def __init__(self, session: CDPSession, ends: float) -> None:
        self._session, self._ends = session, ends
        self._is_stopped = False
        self._answers = True
        self.frame = ""
        self._worlds: dict[str, int] = {}
        self.covered: set[int] = set()

    def introduce(self) -> None:
        """Read the id of the topmost frame. Raises Playwright's TimeoutError soon if the page is busy."""
        tree = self._ask("Page.getFrameTree", {}, _ANSWERS_WITHIN_MS)
        self.frame = str(tree["frameTree"]["frame"]["id"])

    def stop(self) -> None:
        """Let the page's scripts stand still.

        While a navigation is not answered the browser passes nothing on to the page. It is given up then: the picture is of what
        is there.
        """
        self._is_stopped = True
        self.send("Emulation.setScriptExecutionDisabled", value=True)
        try:
            self._ask("Page.getFrameTree", {}, _ANSWERS_WITHIN_MS)
        except PlaywrightTimeout:
            self._try("Page.stopLoading")

    def send(self, method: str, **params: Any) -> Any:
        left = self._ends - time.monotonic()
        if left <= 0:
            raise PlaywrightTimeout("out of time")
        return self._ask(method, params, max(1.0, left * 1000))

    def _ask(self, method: str, params: dict[str, Any], timeout_ms: float) -> Any:
        try:
            answer = self._session.send(method, params, timeout=timeout_ms)
        except PlaywrightTimeout:
            self._answers = False
            raise
        self._answers = True
        return answer

    def capture(self) -> str:
        """Return a JPEG of the window in base64.

        The browser draws nothing while a stylesheet in the page's head is under way. It is given up then, as a person presses Stop.
        """
        drawing = {"format": "jpeg", "quality": _QUALITY}
        within_ms = min(_DRAWS_WITHIN_MS, max(1.0, (self._ends - time.monotonic()) * 500))
        try:
            answer = self._ask("Page.captureScreenshot", drawing, within_ms)
        except PlaywrightTimeout:
            self._try("Page.stopLoading")
            answer = self.send("Page.captureScreenshot", **drawing)
        return str(answer["data"])

    def look(self) -> Snapshot:
        return read(self.send("DOMSnapshot.captureSnapshot", computedStyles=list(STYLES)))

    def cover(self, frame: str, node: int, spans: list[tuple[int, int]] | None) -> None:
        """Cover stretches of a text node, or an element."""
        world = self._worlds.get(frame)
        if world is None:
            answer = self.send("Page.createIsolatedWorld", frameId=frame, worldName=_WORLD)
            world = self._worlds[frame] = answer["executionContextId"]
        found = self.send("DOM.resolveNode", backendNodeId=node, executionContextId=world)["object"]
        answer = self.send(
            "Runtime.callFunctionOn",
            objectId=found["objectId"],
            functionDeclaration=_COVER_ELEMENT if spans is None else _COVER_TEXT,
            arguments=[] if spans is None else [{"value": spans}],
        )
        if "exceptionDetails" in answer:
            raise _UnsureError
        if spans is None:
            self.covered.add(node)

    def frame_of(self, node: int) -> str | None:
        """Return the id of the frame inside an element."""
        found: str | None = self.send("DOM.describeNode", backendNodeId=node)["node"].get("frameId")
        return found

    def leave(self) -> None:
        """Take the covers away and let the page go on; as far as it answers.

        Playwright waits without a limit until a session is detached, which a page that is busy for ever never lets happen. Such a
        session stays, and goes with the page.
        """
        for world in self._worlds.values():
            self._try("Runtime.evaluate", expression=_UNCOVER, contextId=world)
        if self._is_stopped:
            self._try("Emulation.setScriptExecutionDisabled", value=False)
        if self._answers:
            with contextlib.suppress(Error):
                self._session.detach()

    def _try(self, method: str, **params: Any) -> None:
        with contextlib.suppress(Error):
            self._ask(method, params, _CLEANING_MS)


class _Camera:
    def __init__(self, page: Page, scrubber: Scrubber, clean_images: Collection[str] | None, *, ends: float) -> None:
        self._page, self._scrubber, self._clean_images, self._ends = page, scrubber, clean_images, ends
        self._passwords: set[str] = set()
        self._covered = 0

    def shows(self) -> bool:
        with self._processes() as (main, others):
            looks = [process.look() for process in (main, *others)]
            return any(find(look.shown, self._scrubber) for look in looks)

    def glance(self) -> bytes | None:
        with self._processes() as (main, others):
            if self._needs_covers(main, others):
                return None
            jpeg = main.send("Page.captureScreenshot", format="jpeg", quality=_GLANCE_QUALITY)["data"]
            # It may have come to show something meanwhile, which may be in the picture.
            return None if self._needs_covers(main, others) else base64.b64decode(jpeg)

    def _needs_covers(self, main: _Process, others: list[_Process]) -> bool:
        look, looks = main.look(), {process: process.look() for process in others}
        if look.passwords or any(other.passwords for other in looks.values()):
            return True
        clean = self._clean_frames(looks, self._scrubber)
        return bool(find(look.shown, self._scrubber) or self._unreadable(look) or _hidden_frames(main, look, clean))

    def take(self) -> Picture:
        for _ in range(_TRIES):
            with contextlib.suppress(_UnsureError), self._processes() as (main, others):
                for process in (main, *others):
                    process.stop()
                self._cover(main, others)
                jpeg = main.capture()
                if self._cover_once(main, others):
                    raise _UnsureError  # it showed something new meanwhile, which may be in the picture
                return Picture(base64.b64decode(jpeg), self._covered, frozenset(self._passwords))
        raise NoPictureError("it could not be made sure that it shows no secret: the page changed all the time")

    @contextlib.contextmanager
    def _processes(self) -> Iterator[tuple[_Process, list[_Process]]]:
        self._covered = 0
        with contextlib.ExitStack() as stack:
            main = self._process(self._page)
            stack.callback(main.leave)
            others: list[_Process] = []
            for frame in self._page.frames[1:]:
                try:
                    process = self._process(frame)
                    stack.callback(process.leave)
                    process.introduce()
                except Error:
                    continue  # it lives in its parent's process, or it cannot be asked, and is covered whole
                others.append(process)
            yield main, others

    def _process(self, where: Page | Frame) -> _Process:
        return _Process(self._page.context.new_cdp_session(where), self._ends)

    def _cover(self, main: _Process, others: list[_Process]) -> None:
        for _ in range(_ROUNDS):
            if not self._cover_once(main, others):
                return
        raise _UnsureError

    def _cover_once(self, main: _Process, others: list[_Process]) -> bool:
        """Look, and cover what is not covered yet; whether there was anything."""
        look, looks = main.look(), {process: process.look() for process in others}
        self._passwords.update(look.passwords, *(other.passwords for other in looks.values()))
        scrubber = self._scrubber.knowing(self._passwords)
        clean = self._clean_frames(looks, scrubber)
        found = find(look.shown, scrubber)
        elements = {(document, node) for document, node, is_text in found if not is_text}
        elements |= self._unreadable(look) | set(_hidden_frames(main, look, clean))
        if main.covered & look.opaque:
            raise _UnsureError
        uncovered = {(document, node): None for document, node in elements if node not in main.covered}
        texts = {(document, node): spans for (document, node, is_text), spans in found.items() if is_text}
        for (document, node), spans in {**uncovered, **texts}.items():
            main.cover(look.frames[document], node, spans)
        self._covered += len(texts) + len(uncovered)
        return bool(texts or uncovered)

    def _clean_frames(self, looks: dict[_Process, Snapshot], scrubber: Scrubber) -> set[str]:
        """The frames of other processes in which nothing is to be covered.

        What another process draws may come into the picture later than it was covered: any other frame is covered whole, from
        outside.
        """
        clean = {
            process.frame: (process, look)
            for process, look in looks.items()
            if not find(look.shown, scrubber) and not self._unreadable(look)
        }
        while True:
            shady = [name for name, (process, look) in clean.items() if _hidden_frames(process, look, clean)]
            if not shady:
                return set(clean)
            for name in shady:
                del clean[name]

    def _unreadable(self, look: Snapshot) -> set[tuple[int, int]]:
        if self._clean_images is None:
            return set()
        return {(d, node) for d, node, address in look.unreadable if not address or address not in self._clean_images}


def _hidden_frames(process: _Process, look: Snapshot, clean: Collection[str]) -> list[tuple[int, int]]:
    """Return the elements of a process that contain a frame of another process which may show a secret."""
    return [(document, node) for document, node in look.apart if process.frame_of(node) not in clean]
