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

from journeys.picture import NoPictureError, glance, shows, take
from journeys.site import Site
from journeys.visit import Visit, journey
from redact import Scrubber
from tests.sites import Page as Answer
from tests.sites import a_site

pytestmark = pytest.mark.browser

ONE, OTHER = "+1 555 867-5309", "+1 444 976-2418"
WORD, OTHER_WORD = "hunter-Zwei", "walrus-Drei"
# More secrets that go with a number: a code, a name, and a date.
OTHERS = {
    ONE: ["GB82WEST12345698765432", "Zoë Müller", "1990-02-03"],
    OTHER: ["GB82WEST98764321000011", "Ída Dönnga", "1984-11-07"],
}

_SHADOW = "<div id={id}></div><script>{id}.attachShadow({{mode: '{mode}'}}).innerHTML = '{inner}'</script>"

# What shows the number `n` (its groups: a, b, c) and the word `w`; every one of them is visible in the window.
FORMS: dict[str, Callable[[str, str], str]] = {
    "as it is": lambda n, w: f"<p>call {n}</p>",
    "without country code": lambda n, w: f"<p>{n[3:]}</p>",
    "with brackets and dots": lambda n, w: f"<p>({n[3:6]}) {n[7:10]}.{n[11:]}</p>",
    "without groups": lambda n, w: f"<p>{digits(n)}</p>",
    "with wide spaces and dashes": lambda n, w: f"<p>{n[3:6]}\u2003{n[7:10]}\u2013{n[11:]}</p>",
    "with unseen characters": lambda n, w: f"<p>{'&#x200b;'.join(digits(n))}</p>",
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
    "moving": lambda n, w: (
        f"<p style='transition:all 9s;animation:a 1s infinite'>{w}</p><style>@keyframes a {{}}</style>"
    ),
    "against a style with more weight": lambda n, w: f"<input id=heavy style='opacity:.9!important' value='{n}'>",
    "in capitals": lambda n, w: f"<p>{w.upper()}</p>",
    "in small letters": lambda n, w: f"<p style='text-transform:lowercase'>{w}</p>",
    "a word over elements": lambda n, w: f"<p><b>{w[:3]}</b>{w[3:7]}<wbr><i>{w[7:]}</i></p>",
    "in base64": lambda n, w: f"<p>{base64.b64encode(w.encode()).decode()}</p>",
    "for an address": lambda n, w: f"<p>{quote(n)}</p>",
    "with another dash": lambda n, w: f"<p>{w.replace('-', '&#x2011;')}</p>",
    "a code in groups": lambda n, w: f"<p>GB82 WEST {'1234 5698 7654 32' if n == ONE else '9876 4321 0000 11'}</p>",
    "a name in capitals": lambda n, w: f"<p>{'ZOË MÜLLER' if n == ONE else 'ÍDA DÖNNGA'}</p>",
    "a name in marks of its own": lambda n, w: (
        f"<p>{'Zoe&#x308; Mu&#x308;ller' if n == ONE else 'I&#x301;da Do&#x308;nnga'}</p>"
    ),
    "a word in letters apart": lambda n, w: f"<p>{' '.join(w)}</p>",
    "a word in letters of their own": lambda n, w: "".join(f"<i style='margin:3px'>{letter}</i>" for letter in w),
    "a date in another order": lambda n, w: f"<p>{'03.02.1990' if n == ONE else '07.11.1984'}</p>",
    "a date with its month": lambda n, w: f"<p>{'February 3, 1990' if n == ONE else 'November 7, 1984'}</p>",
    "a date over fields": lambda n, w: "".join(
        f"<input size=3 value={part}>" for part in (("3", "2", "1990") if n == ONE else ("7", "11", "1984"))
    ),
    "in ruby": lambda n, w: f"<ruby>{n}<rt>{n[3:]}</rt></ruby>",
    "in letters of a drawing": lambda n, w: (
        "<svg width=300>" + "".join(f"<text x={9 * i} y=15>{d}</text>" for i, d in enumerate(digits(n))) + "</svg>"
    ),
    "in a foreign part of a drawing": lambda n, w: (
        f"<svg width=300><foreignObject width=300 height=20><p>{n}</p></foreignObject></svg>"
    ),
    "along a path": lambda n, w: (
        f"<svg width=300><path id=way d='M1 15h290' fill=none /><text><textPath href='#way'>{n}</textPath></text></svg>"
    ),
    "in a summary": lambda n, w: f"<details><summary>{n}</summary>x</details>",
    "in a dialog": lambda n, w: f"<dialog open style='position:static'>{n}</dialog>",
    "in a list box": lambda n, w: f"<select size=2><option>{n}<option>x</select>",
    "in a group of choices": lambda n, w: f"<select size=2><optgroup label='{n}'><option>x</select>",
    "as a number": lambda n, w: f"<input type=number value={digits(n)}>",
    "as a submit button": lambda n, w: f"<button value=x>{n}</button>",
    "in a legend": lambda n, w: f"<fieldset><legend>{n}</legend></fieldset>",
    "in front and behind": lambda n, w: (
        f"<p class=fb data-a='{n[3:6]} ' data-b=' {n[11:]}'>{n[7:10]}</p>"
        "<style>.fb::before{content:attr(data-a)}.fb::after{content:attr(data-b)}</style>"
    ),
    "by a counter": lambda n, w: (
        f"<p class=co style='counter-reset: k {digits(n)[-7:]}'></p><style>.co::before{{content:counter(k)}}</style>"
    ),
    "against the direction": lambda n, w: f"<p><bdo dir=rtl>{n[::-1]}</bdo></p>",
    "against the direction by a style": lambda n, w: (
        f"<p style='direction:rtl;unicode-bidi:bidi-override;text-align:left'>{n[::-1]}</p>"
    ),
    "in a slot": lambda n, w: (
        f"<div id=sl>{n}</div><script>sl.attachShadow({{mode: 'closed'}}).innerHTML = '<slot></slot>'</script>"
    ),
    "in a frame in a frame": lambda n, w: (
        f"<iframe height=48 srcdoc=\"<body style='margin:0'><iframe height=40 srcdoc='{n}'></iframe>\"></iframe>"
    ),
    "in a tip of the page's own": lambda n, w: (
        f"<i class=tip aria-label='{n}'></i><style>.tip::after{{content:attr(aria-label)}}</style>"
    ),
    "escaped twice": lambda n, w: f"<p>{html.escape(''.join(f'&#{ord(c)};' for c in w))}</p>",
    "written by hand": lambda n, w: f"<p contenteditable>{n}</p>",
    "a card over fields nobody named": lambda n, w: "".join(
        f"<input size=4 value={group}>"
        for group in ("4539 1488 0343 6467" if n == ONE else "5425 2334 3010 9903").split()
    ),
    "a card nobody named": lambda n, w: f"<p>{'4539 1488 0343 6467' if n == ONE else '5425 2334 3010 9903'}</p>",
}
PICTURES: dict[str, Callable[[str, str], str]] = {
    "in squares of a drawing": lambda n, w: (
        "<svg width=120 height=40 viewBox='0 0 120 40'>"
        + "".join(f"<rect x={9 * i} y={int(d)} width=8 height=8 />" for i, d in enumerate(digits(n)))
        + "</svg>"
    ),
    "on a canvas": lambda n, w: (
        f"<canvas id=c width=300 height=20></canvas><script>c.getContext('2d').fillText('{n}', 1, 15)</script>"
    ),
    "in an image": lambda n, w: f'<img src="{an_image(n)}">',
    "in an image of a style": lambda n, w: f"<p style=\"background:url('{an_image(n)}');height:20px\"></p>",
    "in an image of the site": lambda n, w: f"<img src='/{'one' if n == ONE else 'other'}.svg'>",
}
LOGO = Answer(
    "<svg xmlns='http://www.w3.org/2000/svg' width='300' height='40'><rect width='300' height='40' fill='teal' /></svg>",
    kind="image/svg+xml",
)
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


def an_svg(text: str) -> Answer:
    drawing = f"<svg xmlns='http://www.w3.org/2000/svg' width='300' height='20'><text y='15'>{text}</text></svg>"
    return Answer(drawing, kind="image/svg+xml")


def an_image(text: str) -> str:
    return "data:image/svg+xml;base64," + base64.b64encode(an_svg(text).body.encode()).decode()


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
    pages: dict[str, Answer | str] = {"/inner": inner, "/one.svg": an_svg(ONE), "/other.svg": an_svg(OTHER)}
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
    return [(5 + 318 * (i % 4), 5 + 50 * (i // 4), 310, 48) for i in range(count)]


@pytest.fixture(scope="session")
def browser_context_args(browser_context_args: dict[str, object]) -> dict[str, object]:
    return {**browser_context_args, "viewport": {"width": 1280, "height": 800}}


def two_pictures(page: Page, url: str, *, knows: bool, clean_images: set[str] | None) -> tuple[bytes, bytes]:
    taken = []
    for path, number, word in (("/one", ONE, WORD), ("/other", OTHER, OTHER_WORD)):
        page.goto(url + path)
        scrubber = Scrubber([number, word, *OTHERS[number]]) if knows else Blind([])
        taken.append(take(page, scrubber, clean_images=clean_images, may_take_s=60).jpeg)
    return taken[0], taken[1]


class Blind(Scrubber):
    """Finds nothing, not even cards."""

    def places(self, data: bytes, *, cut: bool = False, cards: bool = True) -> list[tuple[int, int]]:
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


def test_what_is_no_text_is_covered_where_the_page_was_told_a_secret(page: Page) -> None:
    boxes = a_grid(len(PICTURES))
    with two_pages(list(PICTURES.values()), boxes) as url:
        seen = differing(page, *two_pictures(page, url, knows=False, clean_images=None), boxes)
        assert [name for name, differs in zip(PICTURES, seen, strict=True) if not differs] == [], "it shows no secret"
        seen = differing(page, *two_pictures(page, url, knows=True, clean_images=set()), boxes)
        assert [name for name, differs in zip(PICTURES, seen, strict=True) if differs] == []


def test_the_rest_of_the_page_is_in_the_picture(page: Page) -> None:
    with a_site({"/": f"<h1>Thank you</h1><p>We call {ONE}.</p><img src=/logo>", "/logo": LOGO}) as site:
        page.goto(site.url)
        whole, covered = (
            take(page, scrubber, clean_images={f"{site.url}/logo"}, may_take_s=60)
            for scrubber in (Scrubber([]), Scrubber([ONE]))
        )
        boxes = [[0, 0, 400, 60], [0, 70, 60, 20], [60, 70, 200, 20], [0, 95, 300, 40]]
        assert covered.covered == 1
        assert differing(page, whole.jpeg, covered.jpeg, boxes) == [False, False, True, False]


def test_the_page_is_afterwards_as_it_was_before(page: Page) -> None:
    page.set_content(
        f"<p>{ONE}</p><input style='color:  red' value='{ONE}'><input placeholder='{ONE}'><canvas></canvas>"
        "<script>let n = 0; setInterval(() => n++, 10)</script>"
    )
    before = page.content()
    assert take(page, Scrubber([ONE]), clean_images=set(), may_take_s=60).covered == 4
    assert page.content() == before
    assert page.locator("input").first.input_value() == ONE
    page.wait_for_function(f"n > {page.evaluate('n')}")


def test_a_policy_and_a_page_that_defends_itself_change_nothing(page: Page) -> None:
    hostile = """
      for (const name of ['cssText', 'setProperty', 'getPropertyValue'])
        Object.defineProperty(CSSStyleDeclaration.prototype, name, {get: () => () => '', set() {}});
      Object.defineProperty(CharacterData.prototype, 'data', {get: () => 'x', set() {}});
      Object.defineProperty(HTMLElement.prototype, 'style', {get: () => new Proxy({}, {get: () => () => ''})});
      String.prototype.slice = String.prototype.replace = Element.prototype.append = () => { throw 1 };
      new MutationObserver(() => { document.querySelector('p').textContent = NUMBER })
        .observe(document, {subtree: true, attributes: true});
      setInterval(() => { document.querySelector('p').textContent = NUMBER }, 1);"""
    policy = "default-src 'none'; script-src 'nonce-a'; require-trusted-types-for 'script'"
    body = f"<p></p><input value=NUMBER><script nonce=a>{hostile}</script>"
    pages = {
        path: Answer(body.replace("NUMBER", f"'{number}'"), headers={"content-security-policy": policy})
        for path, number in (("/one", ONE), ("/other", OTHER))
    }
    with a_site(pages) as site:
        one, other = two_pictures(page, site.url, knows=True, clean_images=None)
        assert differing(page, one, other, [[0, 0, 600, 200]]) == [False]


def test_a_password_field_tells_what_is_to_be_covered_elsewhere(page: Page) -> None:
    taken = []
    for word in (WORD, OTHER_WORD):
        page.set_content(f"<pre>you typed {word}</pre><input type=password value='{word}'>")
        taken.append(take(page, Scrubber([]), may_take_s=60))
        assert taken[-1].passwords == {word}
    assert differing(page, taken[0].jpeg, taken[1].jpeg, [[0, 0, 600, 100]]) == [False]


def test_a_page_that_shows_something_else_all_the_time_has_no_picture(page: Page) -> None:
    page.set_content(f"<p></p><style>p::before {{ content: '{ONE}'; opacity: 1 }}</style>")
    number = iter(range(1000))

    class Fickle(Scrubber):
        """Finds what the page did not show a moment ago."""

        def finds(self, data: bytes) -> bool:
            page.evaluate(f"document.body.append('{next(number)} {ONE}')")
            return True

        def places(self, data: bytes, *, cut: bool = False, cards: bool = True) -> list[tuple[int, int]]:
            return Scrubber([ONE]).places(data)

        def knowing(self, more: object) -> Scrubber:
            return self

    with pytest.raises(NoPictureError, match="the page changed all the time"):
        take(page, Fickle([]), may_take_s=60)


def test_a_font_that_never_comes_keeps_no_picture_back(page: Page) -> None:
    over = threading.Event()
    font = Answer("", before=lambda: over.wait(60))
    style = "<style>@font-face { font-family: F; src: url(/never) } h1 { font-family: F }</style>"
    with a_site({"/": f"{style}<h1>Sale</h1>", "/never": font}) as site:
        page.goto(site.url, wait_until="domcontentloaded")
        page.wait_for_function("document.fonts.status === 'loading'")
        try:
            assert take(page, Scrubber([]), may_take_s=60).jpeg.startswith(b"\xff\xd8")
        finally:
            over.set()


@pytest.mark.parametrize("head", ["<link rel=stylesheet href=/never>", "<style>@import '/never'</style>"])
def test_a_stylesheet_that_never_comes_keeps_no_picture_back(page: Page, head: str) -> None:
    over = threading.Event()
    sheet = Answer("", kind="text/css", before=lambda: over.wait(60))
    with a_site({"/": f"{head}<h1>Sale</h1>", "/never": sheet}) as site:
        page.goto(site.url, wait_until="commit")
        page.locator("h1").wait_for(state="attached")
        try:
            assert take(page, Scrubber([]), may_take_s=60).jpeg.startswith(b"\xff\xd8")
        finally:
            over.set()


@pytest.mark.parametrize(
    "page_says",
    ["<p style='animation:a 1s infinite alternate'>x<style>@keyframes a { to { margin: 9px } }</style>", "<p>x" * 3000],
    ids=["moves for ever", "long"],
)
def test_such_a_page_has_its_picture(page: Page, page_says: str) -> None:
    page.set_content(page_says)
    assert take(page, Scrubber([ONE]), may_take_s=60).covered == 0


def test_a_page_whose_next_address_does_not_answer_has_its_picture(page: Page) -> None:
    over = threading.Event()
    with a_site({"/": "<h1>Shop</h1>", "/next": Answer("late", before=lambda: over.wait(60))}) as site:
        page.goto(site.url)
        page.evaluate("() => { location.href = '/next' }")
        try:
            with pytest.raises(NoPictureError):
                shows(page, Scrubber([ONE]), may_take_s=0.5)
            assert take(page, Scrubber([ONE]), may_take_s=60).jpeg.startswith(b"\xff\xd8")
        finally:
            over.set()


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("setTimeout(() => { for (;;); })", "did not answer in time"),
        ("setTimeout(() => alert('Sold out'))", "did not answer in time"),
    ],
    ids=["busy", "native dialog"],
)
def test_a_page_that_does_not_answer_costs_a_picture_and_no_more(page: Page, script: str, reason: str) -> None:
    page.on("dialog", lambda _: None)
    page.evaluate(f"() => {{ {script} }}")
    with pytest.raises(NoPictureError, match=reason):
        take(page, Scrubber([]), may_take_s=0.5)


def test_a_closed_page_has_no_picture_and_says_so(page: Page) -> None:
    page.close()
    with pytest.raises(NoPictureError, match="the page was closed"):
        take(page, Scrubber([]))


@pytest.mark.parametrize(
    ("body", "has_picture"),
    [
        ("<p>a shop</p>", True),
        ("<p>a shop</p><iframe srcdoc='a frame'></iframe>", True),
        (f"<p>call {ONE}</p>", False),
        (f"<p><b>{ONE[3:6]}</b>-<i>{ONE[7:10]}</i><u>{ONE[11:]}</u></p>", False),
        (f"<iframe srcdoc='{ONE}'></iframe>", False),
        ("<input type=password value=anything-long>", False),
    ],
)
def test_a_glance_is_kept_of_a_page_that_shows_no_secret_and_of_no_other(
    page: Page, body: str, has_picture: bool
) -> None:
    page.set_content(body)
    before = page.content()
    jpeg = glance(page, Scrubber([ONE]))
    assert (jpeg is not None) is has_picture
    assert jpeg is None or jpeg.startswith(b"\xff\xd8\xff")
    assert page.content() == before


@pytest.mark.parametrize(
    ("pictures_steps", "secret", "sensitive", "pictured"),
    [
        (True, None, False, ["open", "look"]),
        (True, "4711-0815-X", False, []),
        (True, None, True, []),
        (False, None, False, []),
    ],
    ids=["no secret", "a secret at the end", "a sensitive step", "not asked for"],
)
def test_steps_are_pictured_where_it_is_asked_for_and_no_longer_once_a_secret_is_named(
    page: Page, pictures_steps: bool, secret: str | None, sensitive: bool, pictured: list[str]
) -> None:
    def look(visit: Visit) -> None:
        with visit.step("open"):
            visit.page.set_content("<h1>Shop</h1>")
        with visit.step("look", sensitive=sensitive):
            if secret is not None:
                visit.secret(secret)

    described = journey(title="Look", steps=("open", "look"))(look)
    site = Site(base_url="http://shop.test", cities={"Dallas": "dallas"})
    visit = Visit(page, site=site, journey=described, pictures_steps=pictures_steps)
    visit.walk()
    assert list(visit.step_pictures) == pictured
