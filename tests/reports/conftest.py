"""What the reports' tests share: a folder of evidence, and a browser that opens pages from disk."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.sync_api import Browser, BrowserType, Page

from facts import Evidence
from journeys.browser import find_browser
from tests.builders import some_evidence

Look = tuple[Literal["light", "dark"], int]
"""A colour scheme and a width in pixels."""
Opened = Callable[[Path, Look], Page]


class Shelf:
    """A folder of evidence; `put` writes a file into it and gives the fact about it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def put(self, kind: str, content: bytes, **facts: Any) -> Evidence:
        digest = hashlib.sha256(content).hexdigest()
        (self.folder / digest).write_bytes(content)
        return some_evidence(kind, **{"sha256": digest, "path": digest, "bytes": len(content), **facts})

    def screenshot(self, **facts: Any) -> Evidence:
        return self.put("screenshot", b"\xff\xd8\xff\xe0 a picture", **facts)

    def trace(self, **facts: Any) -> Evidence:
        return self.put("trace", b"PK\x03\x04 a trace", **facts)


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    folder = tmp_path / "evidence"
    folder.mkdir()
    return Shelf(folder)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


@pytest.fixture(scope="session")
def browser_type_launch_args(browser_type_launch_args: dict[str, Any], browser_type: BrowserType) -> dict[str, Any]:
    return {**browser_type_launch_args, **find_browser(browser_type.executable_path).launch}


@pytest.fixture
def opened(browser: Browser) -> Iterator[Opened]:
    """Opens a page from disk; whatever it asks for beyond itself ends up in `page.asked`."""
    contexts = []

    def open_page(path: Path, look: Look = ("light", 1280)) -> Page:
        scheme, width = look
        context = browser.new_context(color_scheme=scheme, viewport={"width": width, "height": 844})
        contexts.append(context)
        page = context.new_page()
        page.goto(path.as_uri())
        return page

    yield open_page
    for context in contexts:
        context.close()


@pytest.fixture(scope="session")
def a_picture(browser: Browser) -> bytes:
    """A real JPEG."""
    page = browser.new_page(viewport={"width": 640, "height": 360})
    picture = page.screenshot(type="jpeg", quality=40)
    page.close()
    return picture
