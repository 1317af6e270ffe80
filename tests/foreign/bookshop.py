"""A bookshop that has nothing to do with tickets: search, basket, sign in, order on account. `is_broken` makes it fail."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.cookies import SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

BOOKS = {"7": ("Bleak House", "$12.50"), "8": ("Hard Times", "$9.90")}
READER, PASSWORD = "reader@example.com", "a-fine-library-42"
_PAGE = "<!doctype html><html lang=en><title>{title}</title><body><h1>{title}</h1>{body}</body></html>"
_SEARCH = "<form action=/search><label>Search <input name=q></label><button>Search</button></form>"
_SIGN_IN = """<form method=post><label>Email <input name=email type=email></label>
<label>Password <input name=password type=password></label><button>Sign in</button></form>{trouble}"""
_DELIVERY = """<form id=order><label>Name <input name=name></label><label>Street <input name=street></label>
<button>Place order</button></form><p role=status></p>
<script>
  order.addEventListener("submit", async event => {
    event.preventDefault();
    const answer = await fetch("/api/orders", {method: "POST", body: new FormData(order)});
    const said = await answer.json();
    if (!answer.ok) { alert(said.error); return; }
    document.querySelector("h1").textContent = "Thank you";
    document.querySelector("[role=status]").textContent = "Your order is " + said.order;
  });
</script>"""


class Shop:
    """The shop's state: how many orders there were, which stand, and whether ordering or cancelling is broken."""

    def __init__(self) -> None:
        self.url = ""
        self.orders = 0
        self.standing: set[str] = set()
        self.is_broken = False
        self.keeps_orders = False

    def page(self, path: str, query: dict[str, list[str]]) -> tuple[int, str]:
        """Status and HTML of a page."""
        if path == "/":
            return 200, _PAGE.format(title="The Bookshop", body=_SEARCH)
        if path == "/search":
            asked = query.get("q", [""])[0].lower()
            found = [f'<li><a href="/book/{n}">{t}</a>' for n, (t, _) in BOOKS.items() if asked in t.lower()]
            return 200, _PAGE.format(title="Found", body=f"<ul>{''.join(found)}</ul>")
        if path.startswith("/book/") and path[6:] in BOOKS:
            title, price = BOOKS[path[6:]]
            form = f'<p>{price}</p><form method=post action="/basket/{path[6:]}"><button>Add to basket</button></form>'
            return 200, _PAGE.format(title=title, body=form)
        if path.startswith("/basket/") and path[8:] in BOOKS:
            title, price = BOOKS[path[8:]]
            body = f'<p>{title}</p><p>Total: <b data-testid=total>{price}</b></p><a href="/sign-in">Check out</a>'
            return 200, _PAGE.format(title="Basket", body=body)
        if path == "/sign-in":
            return 200, _PAGE.format(title="Sign in", body=_SIGN_IN.format(trouble=""))
        if path == "/delivery":
            return 200, _PAGE.format(title="Delivery", body=_DELIVERY)
        return 404, _PAGE.format(title="Not found", body="")


def _handler(shop: Shop) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            signed_in = "reader" in SimpleCookie(self.headers.get("Cookie", ""))
            if parts.path == "/delivery" and not signed_in:
                self._redirect("/sign-in")
                return
            status, html = shop.page(parts.path, parse_qs(parts.query))
            self._answer(status, html, "text/html; charset=utf-8")

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0"))).decode()
            if self.path.startswith("/basket/"):
                self._redirect(self.path)
            elif self.path == "/sign-in":
                self._sign_in(parse_qs(body))
            elif self.path == "/api/orders":
                self._order()

        def _sign_in(self, form: dict[str, list[str]]) -> None:
            if (form.get("email"), form.get("password")) == ([READER], [PASSWORD]):
                self._redirect("/delivery", cookie="reader=session-of-a-reader; Path=/")
                return
            html = _PAGE.format(title="Sign in", body=_SIGN_IN.format(trouble="<p role=alert>Who are you?</p>"))
            self._answer(200, html, "text/html; charset=utf-8")

        def _order(self) -> None:
            if shop.is_broken:
                self._answer(503, json.dumps({"error": "The warehouse is closed"}), "application/json")
                return
            shop.orders += 1
            shop.standing.add(str(1000 + shop.orders))
            self._answer(200, json.dumps({"order": 1000 + shop.orders}), "application/json")

        def do_DELETE(self) -> None:
            number = self.path.removeprefix("/api/orders/")
            status = 503 if shop.keeps_orders else 204 if number in shop.standing else 404
            if status == 204:
                shop.standing.remove(number)
            self._answer(status, "", "text/plain")

        def _redirect(self, to: str, *, cookie: str | None = None) -> None:
            self.send_response(303)
            self.send_header("Location", to)
            if cookie:
                self.send_header("Set-Cookie", cookie)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def _answer(self, status: int, text: str, kind: str) -> None:
            content = text.encode()
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Tests print nothing."""

    return Handler


@contextmanager
def a_bookshop() -> Iterator[Shop]:
    """The shop, open on a free port."""
    shop = Shop()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(shop))
    server.daemon_threads, server.block_on_close = True, False
    shop.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield shop
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
