"""Pages that do to a buyer what pages do."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tests.sites import Page, a_site

BUTTON = "<h1>Shop</h1><button>Buy</button><p></p>"
THANKS = "document.querySelector('p').textContent = 'Thank you';"


def _clicked(script: str) -> str:
    return f"{BUTTON}<script>document.querySelector('button').onclick = () => {{ {script} }}</script>"


def _at_once(script: str) -> str:
    return f"{BUTTON}<script>{script}</script>"


@contextmanager
def a_faulty_site() -> Iterator[str]:
    """Its address. `/silent` answers when the site closes."""
    closing = threading.Event()
    megabyte = "<p>" + "y" * ((1 << 20) - 3)
    pages: dict[str, Page | str] = {
        "/": BUTTON,
        "/thanks": "<h1>Thank you</h1>",
        "/silent": Page("too late", before=lambda: (closing.wait(60), None)[1]),
        "/spins-when-clicked": _clicked("while (true);"),
        "/spins": _at_once("while (true);"),
        "/spins-later": _at_once("setTimeout(() => { while (true); }, 900)"),
        "/holds-on": _clicked("window.onbeforeunload = event => { event.preventDefault(); return 'Stay?' }"),
        "/alerts": _clicked("while (true) alert('Stay!');"),
        "/download": Page(
            "z" * 1000, kind="application/octet-stream", headers={"content-disposition": "attachment; filename=z"}
        ),
        "/popup": _clicked(f"for (let i = 0; i < 3; i++) window.open('/thanks?' + i); {THANKS}"),
        "/permission": _clicked(
            f"navigator.geolocation.getCurrentPosition(() => {{}}, () => {{}}); Notification.requestPermission(); {THANKS}"
        ),
        "/requests": _at_once(
            "const all = []; for (let i = 0; i < 1000; i++) all.push(fetch('/thanks?' + i));"
            f"Promise.all(all).then(() => {{ {THANKS} }})"
        ),
        "/huge": Page(megabyte * 200),
        "/eats": _at_once(
            "const held = []; setInterval(() => { const a = new Uint8Array(64 << 20); a.fill(7); held.push(a) }, 100)"
        ),
        "/chatters": _at_once(
            f"for (let i = 0; i < 3000; i++) console.error('line ' + i + 'x'.repeat(5000)); setTimeout(() => {{ {THANKS} }}, 100)"
        ),
    }
    with a_site(pages) as site:
        yield site.url
        closing.set()
