"""Pauses the recording during and after a sensitive step."""

from __future__ import annotations

from playwright.sync_api import BrowserContext, Error, Page

from journeys.recording.tracer import Tracer

# In any frame's document, in open shadow trees too: a field that still shows what was typed.
_IS_FILLED = """
() => {
  const silent = ["hidden", "checkbox", "radio", "submit", "button", "reset", "image"];
  const filled = root => [...root.querySelectorAll("*")].some(element =>
    (element.matches("input, textarea") && !silent.includes(element.type) && element.value !== "") ||
    (element.isContentEditable && element.textContent.trim() !== "") ||
    (element.shadowRoot && filled(element.shadowRoot)));
  return filled(document);
}
"""
_COOKIE_SHORTEST = 8


class RecordingPause:
    """A pause from the first sensitive step until its page was left, because the page contains what was typed until then."""

    def __init__(self, page: Page, tracer: Tracer | None) -> None:
        self._page, self._tracer = page, tracer
        self._url = ""
        self._cookies: set[str] = set()
        self._is_kept_open = False
        self.opened_by: str | None = None
        """The step that began the pause; None while everything may be recorded."""

    def turn_to(self, page: Page) -> None:
        """Look at another page from now on. What is open stays open to the end: the page before is still there with what was typed."""
        self._page = page
        self._is_kept_open = self.opened_by is not None

    def open(self, step: str) -> None:
        """Begin the pause: record nothing from now on."""
        if self.opened_by is None:
            self._url, self._cookies = _address(self._page), _cookies(self._page.context)
            if self._tracer is not None:
                self._tracer.pause()
        self.opened_by = step

    def close(self) -> set[str]:
        """End the pause if the page was left; return the values of the cookies that were set meanwhile, which are secrets too."""
        if self.opened_by is None or self._is_kept_open or not self._was_left():
            return set()
        self.opened_by = None
        if self._tracer is not None:
            self._tracer.start()
        return self.new_cookies()

    def new_cookies(self) -> set[str]:
        """Return the values of cookies that were set since the pause began: they could be used to log in."""
        return {value for value in _cookies(self._page.context) - self._cookies if len(value) >= _COOKIE_SHORTEST}

    def _was_left(self) -> bool:
        if _address(self._page) == self._url:
            return False
        try:
            return not any(frame.evaluate(_IS_FILLED) for frame in self._page.frames)
        except Error:
            return False  # it is on its way somewhere; the next look will tell


def _address(page: Page) -> str:
    return page.url.partition("#")[0]


def _cookies(context: BrowserContext) -> set[str]:
    try:
        return {cookie.get("value", "") for cookie in context.cookies()}
    except Error:
        return set()
