"""The HTTP client of every outgoing call: a timeout is the total time of an exchange, and an answer has a largest size.

httpx's own timeouts hold for each read and write, so a server that sends a byte a second is never late for them; and nothing
bounds what an answer may hold. Here both hold below httpx, in the sockets: whoever uses `bounded_client` as an ordinary
`httpx.Client` cannot forget them.
"""

from __future__ import annotations

import codecs
import os
import re
import socket
import ssl
import time
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any

import httpcore
import httpx

from process.connecting import Judge, Names, open_connection
from process.network import BrowserProxy, browser_proxy, on_the_way, proxy_settings, tls_context

_READ = 16 * 1024
_HEAD_BYTES = 256 * 1024
"""What an answer may have beside its content: headers, interim answers, the framing of chunks."""
_TIMEOUT_S = 30.0
_LOOKUP_BEFORE_PROXY_S = 2.0
_LONGEST_WAIT_S = 86_400.0
_SECONDS = re.compile(r"[0-9]+(\.[0-9]+)?")
_INFLATED = ("gzip", "x-gzip", "deflate")


class AnswerTooLargeError(httpx.ReadError):
    """An answer is larger than this client reads."""


class _Budget:
    """What is left of one exchange: time until it must be over, and bytes that may still be read."""

    def __init__(self, within_s: float, most_bytes: int) -> None:
        self.within_s, self.most_bytes = within_s, most_bytes
        self._ends = time.monotonic() + within_s
        self._received, self._may_receive = 0, 2 * most_bytes + _HEAD_BYTES

    def left_s(self, late: type[httpcore.TimeoutException]) -> float:
        """Seconds until the exchange must be over; raises `late` where it must be now."""
        left = self._ends - time.monotonic()
        if left <= 0:
            raise late(f"not over within {self.within_s:g} s")
        return left

    def received(self, count: int) -> None:
        """Count bytes as they come. Raises AnswerTooLargeError."""
        self._received += count
        if self._received > self._may_receive:
            raise AnswerTooLargeError(f"more than {self.most_bytes:,} bytes")


_budget: ContextVar[_Budget | None] = ContextVar("_budget", default=None)


@contextmanager
def _within(budget: _Budget) -> Iterator[None]:
    token = _budget.set(budget)
    try:
        yield
    finally:
        _budget.reset(token)


def _left_s(late: type[httpcore.TimeoutException], timeout: float | None) -> float | None:
    """The time for one read or write: what is left of the exchange that this thread makes."""
    budget = _budget.get()
    return timeout if budget is None else budget.left_s(late)


class _Plain(httpcore.NetworkStream):
    """A TCP connection on which every single read and write gets only the time that is left."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Read what there is. Raises httpcore's ReadTimeout and ReadError, and AnswerTooLargeError."""
        with _as(httpcore.ReadTimeout, httpcore.ReadError):
            self._sock.settimeout(_left_s(httpcore.ReadTimeout, timeout))
            received = self._sock.recv(min(max_bytes, _READ))
        if budget := _budget.get():
            budget.received(len(received))
        return received

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Write it all. Raises httpcore's WriteTimeout and WriteError."""
        left = memoryview(buffer)
        with _as(httpcore.WriteTimeout, httpcore.WriteError):
            while left:
                self._sock.settimeout(_left_s(httpcore.WriteTimeout, timeout))
                left = left[self._sock.send(left) :]

    def close(self) -> None:
        """Let go of the connection."""
        self._sock.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        """The same connection, encrypted. Raises httpcore's ConnectTimeout and ConnectError."""
        return _Encrypted(self, ssl_context, server_hostname, timeout)

    def get_extra_info(self, info: str) -> Any:
        """What httpcore asks of a connection."""
        if info == "is_readable":
            return _is_readable(self._sock)
        asked = {"socket": lambda: self._sock, "client_addr": self._sock.getsockname}
        return asked[info]() if info in asked else None


class _Encrypted(httpcore.NetworkStream):
    """TLS over another stream. `ssl.SSLSocket` would wait for a whole record at each read, however slowly its bytes come."""

    def __init__(
        self, below: httpcore.NetworkStream, context: ssl.SSLContext, name: str | None, timeout: float | None
    ) -> None:
        self._below = below
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=name)
        try:
            with _as(httpcore.ConnectTimeout, httpcore.ConnectError):
                self._run(self._tls.do_handshake, timeout)
        except (httpcore.ReadTimeout, httpcore.WriteTimeout) as error:
            below.close()
            raise httpcore.ConnectTimeout(str(error)) from error
        except BaseException:
            below.close()
            raise

    def _run(self, step: Any, timeout: float | None) -> Any:
        """Do a step of TLS, and move the bytes that it needs or leaves."""
        while True:
            result, wants_more = None, False
            try:
                result = step()
            except ssl.SSLWantReadError:
                wants_more = True
            self._flush(timeout)
            if not wants_more:
                return result
            if received := self._below.read(_READ, timeout):
                self._incoming.write(received)
            else:
                self._incoming.write_eof()

    def _flush(self, timeout: float | None) -> None:
        if waiting := self._outgoing.read():
            self._below.write(waiting, timeout)

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Read what there is. Raises httpcore's ReadTimeout and ReadError, and AnswerTooLargeError."""
        with _as(httpcore.ReadTimeout, httpcore.ReadError):
            try:
                received: bytes = self._run(lambda: self._tls.read(min(max_bytes, _READ)), timeout)
            except ssl.SSLEOFError:
                return b""
        return received

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Write it all. Raises httpcore's WriteTimeout and WriteError."""
        with _as(httpcore.WriteTimeout, httpcore.WriteError):
            left = memoryview(buffer)
            while left:
                written: int = self._run(lambda piece=left[:_READ]: self._tls.write(piece), timeout)
                left = left[written:]

    def close(self) -> None:
        """Let go of the connection."""
        self._below.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        """TLS within TLS: a server behind an encrypted proxy."""
        return _Encrypted(self, ssl_context, server_hostname, timeout)

    def get_extra_info(self, info: str) -> Any:
        """What httpcore asks of a connection."""
        return self._tls if info == "ssl_object" else self._below.get_extra_info(info)


@contextmanager
def _as(late: type[Exception], failed: type[Exception]) -> Iterator[None]:
    """The socket's errors as httpcore names them."""
    try:
        yield
    except TimeoutError as error:
        raise late(str(error)) from error
    except OSError as error:
        raise failed(str(error)) from error


def _is_readable(sock: socket.socket) -> bool:
    """Whether an idle connection has something to read: the other side has closed it."""
    sock.settimeout(0)
    try:
        sock.recv(1, socket.MSG_PEEK)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True


class _Backend(httpcore.NetworkBackend):
    """Connects for httpcore: the name, all of its addresses and the connection within the time that is left."""

    def __init__(self, judge: Judge | None, names: Names | None) -> None:
        self._judge, self._names = judge, names

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        """Connect. Raises httpcore's ConnectTimeout and ConnectError, and what the judge raises."""
        within_s = _left_s(httpcore.ConnectTimeout, timeout)
        with _as(httpcore.ConnectTimeout, httpcore.ConnectError):
            within_s = _TIMEOUT_S if within_s is None else within_s
            return _Plain(open_connection(host, port, within_s=within_s, judge=self._judge, names=self._names))


class _Bounded(httpx.SyncByteStream):
    """An answer's content: read within the exchange's time, unpacked, and no longer than may be."""

    def __init__(self, content: httpx.SyncByteStream, budget: _Budget, encoding: str) -> None:
        self._content, self._budget, self._encoding = content, budget, encoding

    def __iter__(self) -> Iterator[bytes]:
        pieces, count = self._unpacked(), 0
        while True:
            with _within(self._budget):
                piece = next(pieces, None)
            if piece is None:
                return
            count += len(piece)
            if count > self._budget.most_bytes:
                raise AnswerTooLargeError(f"more than {self._budget.most_bytes:,} bytes")
            yield piece

    def _unpacked(self) -> Iterator[bytes]:
        if not self._encoding:
            yield from self._content
            return
        if self._encoding not in _INFLATED:
            raise httpx.DecodingError(f"packed as {self._encoding[:20]!r}, though it was asked for unpacked")
        # 47: the header tells whether it is gzip or zlib. A piece grows to `most` at most, however much is packed in it.
        unpacker, most = zlib.decompressobj(47), self._budget.most_bytes + 1
        try:
            for piece in self._content:
                yield unpacker.decompress(piece, most)
        except zlib.error:
            raise httpx.DecodingError(f"not what it says it is ({self._encoding})") from None

    def close(self) -> None:
        """Let go of the connection; one with something unread in it is closed."""
        self._content.close()


def _text_encoding(told: str | None) -> str:
    """The encoding by which an answer's text is read: what it says, where any bytes can be read so, else UTF-8.

    Python has more than encodings of text (`hex`, `bz2`), and some that raise whatever they are told to do with what is wrong.
    """
    name, odd = told or "utf-8", bytes(range(128, 256))
    try:
        odd.decode(name, "replace")  # refuses what is no encoding of text
        codecs.getincrementaldecoder(name)("replace").decode(odd, final=True)  # what httpx reads with
    except (LookupError, ValueError):
        return "utf-8"
    return name


class BoundedTransport(httpx.BaseTransport):
    """Makes exchanges that end: the largest value of a request's timeouts is the time of the whole exchange.

    The proxy variables of the environment are honoured. `judge` judges each address that is connected to; behind a proxy it
    judges what the proxy is asked for, where that is an address or a name that this machine can resolve.
    """

    def __init__(
        self,
        *,
        most_bytes: int,
        judge: Judge | None = None,
        environment: Mapping[str, str] = os.environ,
        names: Names | None = None,
        keep_alive: bool = True,
    ) -> None:
        self._most_bytes, self._judge, self._names = most_bytes, judge, names or Names()
        self._settings = proxy_settings(environment)
        for scheme in ("http", "https"):  # a variable that holds no proxy is found now, and not by the first message
            browser_proxy(self._settings, f"{scheme}://")
        self._tls = tls_context(environment)
        self._kept = None if keep_alive else 0
        self._direct = self._over(None)
        self._proxied: dict[str, httpx.HTTPTransport] = {}

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Make an exchange. Raises httpx's errors, and what the judge raises."""
        given = [v for v in request.extensions.get("timeout", {}).values() if v is not None]
        budget = _Budget(max(given, default=_TIMEOUT_S), self._most_bytes)
        request.headers["Accept-Encoding"] = "identity"
        with _within(budget):
            response = self._way(request, budget).handle_request(request)
        response.encoding = _text_encoding(response.charset_encoding)
        encoding = response.headers.get("Content-Encoding", "").strip().lower()
        if encoding:
            # It is unpacked here and within bounds, so httpx must not do it.
            del response.headers["Content-Encoding"]
        content = response.stream
        assert isinstance(content, httpx.SyncByteStream)
        response.stream = _Bounded(content, budget, "" if encoding == "identity" else encoding)
        return response

    def _way(self, request: httpx.Request, budget: _Budget) -> httpx.HTTPTransport:
        proxy = on_the_way(self._settings, str(request.url))
        if proxy is None:
            return self._direct
        if self._judge is not None:
            self._judge_behind_proxy(self._judge, request.url, budget)
        key = f"{proxy.server} {proxy.username}"
        if key not in self._proxied:
            self._proxied[key] = self._over(proxy)
        return self._proxied[key]

    def _judge_behind_proxy(self, judge: Judge, url: httpx.URL, budget: _Budget) -> None:
        """Judge what the proxy is asked for. A name that is not known here is for the proxy to resolve, and to allow."""
        within_s = min(_LOOKUP_BEFORE_PROXY_S, budget.left_s(httpcore.ConnectTimeout) / 2)
        try:
            found = self._names.endpoints(url.raw_host.decode("ascii"), url.port or 443, within_s=within_s)
        except OSError:
            return
        for endpoint in found:
            judge(endpoint.address)

    def _over(self, proxy: BrowserProxy | None) -> httpx.HTTPTransport:
        """httpx's transport over our own connections. It takes no backend of ours, so its pool is replaced."""
        transport = httpx.HTTPTransport(verify=self._tls, trust_env=False)
        transport.close()
        common: dict[str, Any] = {
            "ssl_context": self._tls,
            "max_connections": None,
            "max_keepalive_connections": self._kept,
            "keepalive_expiry": 5.0,
        }
        if proxy is None:
            transport._pool = httpcore.ConnectionPool(network_backend=_Backend(self._judge, self._names), **common)
            return transport
        if proxy.server.startswith("socks"):
            raise httpx.UnsupportedProtocol("a SOCKS proxy is for browsers only; set HTTPS_PROXY to an http:// proxy")
        login = ((proxy.username or "").encode(), (proxy.password or "").encode()) if proxy.username else None
        encrypted: dict[str, Any] = {"proxy_ssl_context": self._tls} if proxy.server.startswith("https://") else {}
        transport._pool = httpcore.HTTPProxy(
            proxy_url=proxy.server,
            proxy_auth=login,
            # The proxy is the operator's own, and mostly on a private network: it is not judged.
            network_backend=_Backend(None, self._names),
            **encrypted,
            **common,
        )
        return transport

    def close(self) -> None:
        """Let go of all connections."""
        for transport in (self._direct, *self._proxied.values()):
            transport.close()


def bounded_client(
    *,
    timeout_s: float,
    most_bytes: int,
    judge: Judge | None = None,
    names: Names | None = None,
    keep_alive: bool = True,
    environment: Mapping[str, str] = os.environ,
    headers: Mapping[str, str] | None = None,
) -> httpx.Client:
    """A client whose exchanges are over after `timeout_s` seconds and whose answers have `most_bytes` at most, unpacked.

    The time covers the name, connection, TLS, request, headers and content. A call may give another `timeout`. Redirects are
    not followed, and cookies not kept: whoever sets ever new ones would have them all back.

    Raises ConfigError where the environment names certificates that cannot be read.
    """
    transport = BoundedTransport(
        most_bytes=most_bytes, judge=judge, names=names, keep_alive=keep_alive, environment=environment
    )
    return httpx.Client(
        transport=transport,
        timeout=timeout_s,
        trust_env=False,
        follow_redirects=False,
        headers=headers,
        cookies=CookieJar(DefaultCookiePolicy(allowed_domains=())),
    )


def retry_after_s(headers: Mapping[str, str], *, now: datetime | None = None) -> float | None:
    """How many seconds an answer asks to wait (`Retry-After`, as seconds or as a date), a day at most; None where it asks nothing.

    A date is compared with the answer's own `Date` where there is one: the server's clock need not be ours.
    https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3
    """
    told = {name.lower(): value for name, value in headers.items()}
    text = told.get("retry-after", "").strip()
    if _SECONDS.fullmatch(text):
        return min(float(text), _LONGEST_WAIT_S)
    until = _date(text)
    if until is None:
        return None
    since = _date(told.get("date", "")) or now or datetime.now(UTC)
    return min(max(0.0, (until - since).total_seconds()), _LONGEST_WAIT_S)


def _date(text: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
