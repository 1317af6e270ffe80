"""Finds the Playwright object on which a call failed: the error says what was looked for, its traceback where."""

from __future__ import annotations

import traceback
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Frame, Locator, Page


@dataclass(frozen=True, slots=True)
class FailedCall:
    """Holds the page on which a failed call was made, and the call's locator, if it had one; both are None if unknown."""

    page: Page | None = None
    locator: Locator | None = None


def failed_call(error: BaseException, pages: Sequence[Page]) -> FailedCall:
    """Return the page and locator of the innermost Playwright call in an error's traceback.

    `pages` are the open pages of the browser context. A journey may wait in a tab of its own, and only the traceback knows in which.
    """
    for thing in _objects(error):
        if isinstance(thing, Locator):
            return FailedCall(thing.page, thing)
        if isinstance(thing, Page):
            return FailedCall(thing)
        if isinstance(thing, Frame):
            return FailedCall(thing.page)
        page = _page_of_assertion(thing, pages)
        if page is not None:
            return FailedCall(page, _locator_of_assertion(thing, page))
    return FailedCall()


def _objects(error: BaseException) -> Iterator[Any]:
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    for frame in reversed(frames):
        for name in ("locator", "self"):
            if name in frame.f_locals:
                yield frame.f_locals[name]


def _page_of_assertion(thing: Any, pages: Sequence[Page]) -> Page | None:
    # `expect(...)` keeps what it looks at in its implementation alone; without that attribute the page is unknown, no more.
    inner = getattr(thing, "_impl_obj", thing)
    actual = getattr(inner, "_actual_locator", None)
    frame = getattr(actual, "_frame", None)
    wanted = getattr(frame, "_page", None) or getattr(inner, "_actual_page", None)
    if wanted is None:
        return None
    return next((page for page in pages if getattr(page, "_impl_obj", None) is wanted), None)


def _locator_of_assertion(thing: Any, page: Page) -> Locator | None:
    actual = getattr(getattr(thing, "_impl_obj", thing), "_actual_locator", None)
    selector, frame = getattr(actual, "_selector", None), getattr(actual, "_frame", None)
    is_in_page = frame is not None and frame is getattr(getattr(page, "_impl_obj", None), "_main_frame", None)
    return page.locator(selector) if isinstance(selector, str) and is_in_page else None
