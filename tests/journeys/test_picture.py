"""A picture says nothing about a secret: it is the same, pixel by pixel, whichever secret the page showed."""

from __future__ import annotations

import base64
import html
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from urllib.parse import quote

import pytest
from playwright.sync_api import Page

from journeys.picture import NoPictureError, take
from journeys.redact import Scrubber
from tests.sites import Page as Answer
from tests.sites import a_site

pytestmark = pytest.mark.browser

ONE, OTHER = "+1 555 867-5309", "+1 444 976-2418"
WORD, OTHER_WORD = "hunter-Zwei", "walrus-Drei"

_SHADOW = "<div id={id}></div><script>{id}.attachShadow({{mode: '{mode}'}}).innerHTML = '{inner}'</script>"

# What shows the number `n` (its groups: a, b, c) and the word `w`; every one of them is visible in the window.
FORMS: dict[str, Callable[[str, str], str]] = {
    "as it is": lambda n, w: f"<p>call {n}</p>",
    "without country code": lambda n, w: f"<p>{n[3:]}</p>",
    "with brackets and dots": lambda n, w: f"<p>({n[3:6]}) {n[7:10]}.{n[11:]}</p>",
    "without groups": lambda n, w: f"<p>{digits(n)}</p>",
    "with wide spaces and dashes": lambda n, w: f"<p>{n[3:6]}\u2003{n[7:10]}\u2013{n[11:]}</p>",
    "with unseen characters": lambda n, w: f"<p>{'&#x200b;'.join(digits(n))}</p>",
    "in wide digits": lambda n, w: f"<p>{''.join(chr(0xFF10 + int(d)) for d in digits(n))}</p>",
    "over elements": lambda n, w: f"<p><b>{n[3:6]}</b>-<i>{n[7:10]}</i><u>{n[11:]}</u></p>",
    "over cells": lambda n, w: f"<table><tr><td>{n[3:6]}<td>{n[7:10]}<td>{n[11:]}</table>",
    "over lines": lambda n, w: f"<p>{n[3:6]}<br>{n[7:10]}<br>{n[11:]}</p>",
    "in an order of its own": lambda n, w: (
        "<div style='display:flex;flex-direction:row-reverse;justify-content:left'>"
        + "".join(f"<span>{d}</span>" for d in reversed(digits(n)))
        + "</div>"
    ),
    "in a field": lambda n, w: f"<input value='{n}'>",
    "a digit in each field": lambda n, w: "".join(f"<input size=1 value={d}>" for d in digits(n)[1:]),
    "in an area": lambda n, w: f"<textarea rows=1>{n}</textarea>",
    "as a placeholder": lambda n, w: f"<input placeholder='{n}'>",
    "on a button": lambda n, w: f"<input type=button value='{n}'>",
    "in a choice": lambda n, w: f"<select><option>{n}</select>",
    "in place of an image": lambda n, w: f"<img src=/none.png alt='{n}'>",
    "by a style": lambda n, w: f"<p class=by data-n='{n}'></p><style>.by::before {{ content: attr(data-n) }}</style>",
    "by a marker": lambda n, w: f"<ul><li style=\"list-style: '{n}' inside\">x</ul>",
    "in a drawing": lambda n, w: f"<svg width=300><text x=1 y=15>{n}</text></svg>",
    "in a copy within a drawing": lambda n, w: (
        f"<svg width=300><defs><text id=t x=1 y=15>{n}</text></defs><use href='#t' /></svg>"
    ),
    "in an open shadow": lambda n, w: _SHADOW.format(id="so", mode="open", inner=n),
    "in a closed shadow": lambda n, w: _SHADOW.format(id="sc", mode="closed", inner=f"<i>{n[:6]}</i>{n[6:]}"),
    "in a frame": lambda n, w: f"<iframe height=20 srcdoc='{n}'></iframe>",
    "in a frame of another site": lambda n, w: f"<iframe height=20 src='//localhost:PORT/inner?{quote(n)}'></iframe>",
    "with a shadow and as a clip": lambda n, w: (
        f"<p style='background:linear-gradient(red,blue);background-clip:text;color:transparent'>{n}</p>"
    ),
    "moving": lambda n, w: f"<p style='transition:all 9s;animation:a 1s infinite'>{w}</p><style>@keyframes a {{}}</style>",
    "against a style with more weight": lambda n, w: f"<input id=heavy style='opacity:.9!important' value='{n}'>",
    "in capitals": lambda n, w: f"<p>{w.upper()}</p>",
    "in small letters": lambda n, w: f"<p style='text-transform:lowercase'>{w}</p>",
    "a word over elements": lambda n, w: f"<p><b>{w[:3]}</b>{w[3:7]}<wbr><i>{w[7:]}</i></p>",
    "in base64": lambda n, w: f"<p>{base64.b64encode(w.encode()).decode()}</p>",
    "for an address": lambda n, w: f"<p>{quote(n)}</p>",
    "escaped twice": lambda n, w: f"<p>{html.escape(''.join(f'&#{ord(c)};' for c in w))}</p>",
    "written by hand": lambda n, w: f"<p contenteditable>{n}</p>",
    "a card nobody named": lambda n, w: f"<p>{'4539 1488 0343 6467' if n == ONE else '4929 0000 0000 6'}</p>",
}
PICTURES: dict[str, Callable[[str, str], str]] = {
    "on a canvas": lambda n, w: (
        f"<canvas id=c width=300 height=20></canvas><script>c.getContext('2d').fillText('{n}', 1, 15)</script>"
    ),
    "in an image": lambda n, w: f'<img src="{an_image(n)}">',
    "in an image of a style": lambda n, w: f"<p style=\"background:url('{an_image(n)}');height:20px\"></p>",
    "in an image of the site": lambda n, w: f"<img src='/image?{quote(n)}'>",
}
_DIFFER = """async ([one, other, boxes]) => {
  const pixels = async jpeg => {
    const image = new Image();
    image.src = "data:image/jpeg;base64," + jpeg;
    await image.decode();
    const canvas = new OffscreenCanvas(image.width, image.height), context = canvas.getContext("2d");
    context.drawImage(image, 0, 0);
    return ([x, y, width, height]) => context.getImageData(x, y, width, height).data;
  };
  const [first, second] = [await pixels(one), await pixels(other)];
  return boxes.map(box => {
    const [a, b] = [first(box), second(box)];
    return a.some((value, i) => Math.abs(value - b[i]) > 48);
  });
}"""


def digits(number: str) -> str:
    return "".join(c for c in number if c.isdigit())


def an_image(text: str) -> str:
    drawing = f"<svg xmlns='http://www.w3.org/2000/svg' width='300' height='20'><text y='15'>{text}</text></svg>"
    return "data:image/svg+xml;base64," + base64.b64encode(drawing.encode()).decode()


def a_page(forms: Sequence[Callable[[str, str], str]], number: str, word: str, boxes: Sequence[Sequence[int]]) -> str:
    cells = [
        f"<section style='left:{x}px;top:{y}px;width:{width}px;height:{height}px'>{form(number, word)}</section>"
        for form, (x, y, width, height) in zip(forms, boxes, strict=True)
    ]
    style = "section{position:absolute;overflow:hidden}*{margin:0;font-family:monospace}"
    return f"<!doctype html><meta charset=utf-8><style>{style}</style>{''.join(cells)}"


@contextmanager
def two_pages(forms: Sequence[Callable[[str, str], str]], boxes: Sequence[Sequence[int]]) -> Iterator[str]:
    """A site with the same page twice, but for the secret; its address."""
    inner = "<script>document.write(decodeURIComponent(location.search.slice(1)))</script>"
    image = Answer("", kind="image/svg+xml")
    pages: dict[str, Answer | str] = {"/inner": inner, "/image": image}
    with a_site(pages) as site:
        port = site.url.rpartition(":")[2]
        for path, number, word in (("/one", ONE, WORD), ("/other", OTHER, OTHER_WORD)):
            pages[path] = a_page(forms, number, word, boxes).replace("PORT", port)
        yield site.url


def differing(page: Page, one: bytes, other: bytes, boxes: Sequence[Sequence[int]]) -> list[bool]:
    """In which of the boxes two pictures differ."""
    page.goto("about:blank")
    pictures = [base64.b64encode(picture).decode() for picture in (one, other)]
    found: list[bool] = page.evaluate(_DIFFER, [*pictures, [list(box) for box in boxes]])
    return found


def a_grid(count: int) -> list[tuple[int, int, int, int]]:
    return [(10 + 420 * (i % 3), 5 + 50 * (i // 3), 400, 48) for i in range(count)]


@pytest.fixture(scope="session")
def browser_context_args(browser_context_args: dict[str, object]) -> dict[str, object]:
    return {**browser_context_args, "viewport": {"width": 1280, "height": 800}}


def two_pictures(page: Page, url: str, *, knows: bool, clean_images: set[str] | None) -> tuple[bytes, bytes]:
    taken = []
    for path, number, word in (("/one", ONE, WORD), ("/other", OTHER, OTHER_WORD)):
        page.goto(url + path)
        scrubber = Scrubber([number, word]) if knows else Blind([])
        taken.append(take(page, scrubber, clean_images=clean_images, may_take_s=60).jpeg)
    return taken[0], taken[1]


class Blind(Scrubber):
    """Finds nothing, not even cards."""

    def places(self, data: bytes, *, cut: bool = False) -> list[tuple[int, int]]:
        return []

    def knowing(self, more: object) -> Scrubber:
        return self


def test_nothing_of_a_secret_is_in_the_picture_however_the_page_shows_it(page: Page) -> None:
    boxes = a_grid(len(FORMS))
    with two_pages(list(FORMS.values()), boxes) as url:
        seen = differing(page, *two_pictures(page, url, knows=False, clean_images=None), boxes)
        assert [name for name, differs in zip(FORMS, seen, strict=True) if not differs] == [], "it shows no secret"
        seen = differing(page, *two_pictures(page, url, knows=True, clean_images=None), boxes)
        assert [name for name, differs in zip(FORMS, seen, strict=True) if differs] == []
