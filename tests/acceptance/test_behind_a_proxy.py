"""A location that reaches the shop through a proxy with a login buys there as anywhere."""

from __future__ import annotations

import base64
import http.client
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast
from urllib.parse import urlsplit

import pytest

from demo import Demo
from facts import Run, to_wire
from tests.acceptance.conftest import Buy

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PASSWORD = "s3cret/of:the proxy"
NO_HOP = {"connection", "keep-alive", "proxy-authorization", "proxy-connection", "transfer-encoding", "host"}


class Proxy(ThreadingHTTPServer):
    """Forwards what is asked of http://shop.test to the shop on this machine; nobody else knows that name."""

    daemon_threads = True
    shop: str
    asked: list[str]
    refused = 0

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A browser that ends hangs up."""


class Handler(BaseHTTPRequestHandler):
    """A request to a proxy names the whole address."""

    protocol_version = "HTTP/1.1"

    def _forward(self) -> None:
        proxy = cast(Proxy, self.server)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        login = "Basic " + base64.b64encode(f"buyer:{PASSWORD}".encode()).decode()
        if self.headers.get("Proxy-Authorization") != login:
            proxy.refused += 1
            self._answer(407, {"Proxy-Authenticate": 'Basic realm="way out"'}, b"who are you?")
            return
        target = urlsplit(self.path if "://" in self.path else f"//{self.path}")
        proxy.asked.append(f"{self.command} {target.netloc}{target.path}")
        if target.netloc != "shop.test":
            self._answer(502, {}, b"no such host")
            return
        shop = http.client.HTTPConnection(urlsplit(proxy.shop).netloc, timeout=30)
        headers = {name: value for name, value in self.headers.items() if name.lower() not in NO_HOP}
        query = f"?{target.query}" if target.query else ""
        shop.request(self.command, f"{target.path or '/'}{query}", body or None, {**headers, "Host": "shop.test"})
        answer = shop.getresponse()
        told = answer.read()
        kept = {name: value for name, value in answer.getheaders() if name.lower() not in {*NO_HOP, "content-length"}}
        self._answer(answer.status, kept, told)
        shop.close()

    do_GET = do_POST = do_HEAD = do_OPTIONS = do_CONNECT = _forward  # noqa: N815 - the names are the library's

    def _answer(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is the library's
        """Say nothing."""


@pytest.fixture
def proxy(demo: Demo) -> Iterator[Proxy]:
    server = Proxy(("127.0.0.1", 0), Handler)
    server.shop, server.asked = demo.shop_url, []
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def buy_through(proxy: Proxy, buy: Buy, demo: Demo, *, password: str, site: str = "http://shop.test") -> Run:
    way = f"http://buyer:{password}@127.0.0.1:{proxy.server_port}"
    proxies = {"HTTP_PROXY": way, "HTTPS_PROXY": way, "NO_PROXY": "127.0.0.1"}
    return buy(demo, "ga_purchase", site={"base_url": site}, proxies=proxies)


def test_a_ticket_is_bought_through_it_and_its_password_is_told_nowhere(proxy: Proxy, buy: Buy, demo: Demo) -> None:
    run = buy_through(proxy, buy, demo, password="s3cret%2Fof%3Athe%20proxy")
    assert run.status == "passed", run.error
    assert "POST shop.test/api/create-checkout-session" in proxy.asked
    assert {asked.split("/")[0].split()[1] for asked in proxy.asked} == {"shop.test"}
    assert proxy.refused, "the browser logs in when it is asked to"
    told = json.dumps(to_wire(run))
    assert PASSWORD not in told
    assert "s3cret" not in told


@pytest.mark.parametrize(
    ("site", "says"),
    [
        ("http://shop.test", "GET / answered 407 'who are you?': the proxy on the way does not take our login"),
        ("https://shop.test", "GET / answered 407: the proxy on the way does not take our login"),
    ],
)
def test_a_proxy_that_refuses_our_login_is_no_outage_of_the_site(
    proxy: Proxy, buy: Buy, demo: Demo, site: str, says: str
) -> None:
    run = buy_through(proxy, buy, demo, password="wrong", site=site)
    assert (run.status, run.blame) == ("failed", "network"), run.error
    assert says in (run.error or "")
    assert proxy.asked == []


def test_a_proxy_that_is_gone_is_our_own_trouble(proxy: Proxy, buy: Buy, demo: Demo) -> None:
    proxy.server_close()
    run = buy_through(proxy, buy, demo, password="any")
    assert (run.status, run.blame) == ("errored", "runner"), run.error
    assert f"no canary answers either (http://127.0.0.1:{proxy.server_port})" in (run.error or "")
