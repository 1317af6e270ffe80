"""A site of a few pages for tests that need one which is not the shop."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@dataclass
class Page:
    """What a path answers. `before` runs first, and may wait; an answer of status 0 closes the connection without one."""

    body: str = ""
    status: int = 200
    kind: str = "text/html; charset=utf-8"
    headers: Mapping[str, str] = field(default_factory=dict)
    before: Callable[[], object] = lambda: None


@dataclass
class Asked:
    """A request as the site got it."""

    method: str
    path: str
    headers: Mapping[str, str]


@dataclass
class Served:
    """A site that is up: its address and what it was asked."""

    url: str
    asked: list[Asked]


@contextmanager
def a_site(pages: Mapping[str, Page] | Mapping[str, str] | Mapping[str, Page | str]) -> Iterator[Served]:
    """Serve pages by path on a free port; a plain text is an HTML page."""
    asked: list[Asked] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(Asked(self.command, self.path, dict(self.headers)))
            found = pages.get(self.path.partition("?")[0], Page("<h1>Not found</h1>", status=404))
            page = Page(found) if isinstance(found, str) else found
            page.before()
            if page.status == 0:
                self.close_connection = True
                return
            body = page.body.encode()
            self.send_response(page.status)
            for name, value in {"content-type": page.kind, "content-length": str(len(body)), **page.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET  # noqa: N815 - the name is the library's

        def log_message(self, *_: object) -> None:
            """Tests print nothing."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        block_on_close = False

        def handle_error(self, *_: object) -> None:
            """A browser that is killed breaks its connections; that is no news."""

    server = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield Served(f"http://127.0.0.1:{server.server_port}", asked)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
