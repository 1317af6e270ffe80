"""Provides the HTTP client of every outgoing call: its timeout limits the whole exchange, and responses have a maximum size.

httpx's own timeouts apply to each read and write, so a server that sends one byte per second is never late for them,
and httpx does not limit the size of a response. Here both limits apply below httpx, in the sockets: a caller that uses
`bounded_client` as an ordinary `httpx.Client` cannot forget them.
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
"""The bytes that a response may have besides its content: headers, interim responses, chunk framing."""
_TIMEOUT_S = 30.0
_LOOKUP_BEFORE_PROXY_S = 2.0
_LONGEST_WAIT_S = 86_400.0
_SECONDS = re.compile(r"[0-9]+(\.[0-9]+)?")
_INFLATED = ("gzip", "x-gzip", "deflate")


class AnswerTooLargeError(httpx.ReadError):
    """A response is larger than this client reads."""


class _Budget:
    """Holds the rest of one exchange's budget: the time until its deadline, and the bytes that may still be received."""

    def __init__(self, within_s: float, most_bytes: int) -> None:
        self.within_s, self.most_bytes = within_s, most_bytes
        self._ends = time.monotonic() + within_s
        self._received, self._may_receive = 0, 2 * most_bytes + _HEAD_BYTES

    def left_s(self, late: type[httpcore.TimeoutException]) -> float:
        """Return the seconds until the deadline; raise `late` if it has passed."""
        left = self._ends - time.monotonic()
        if left <= 0:
            raise late(f"not over within {self.within_s:g} s")
        return left

    def received(self, count: int) -> None:
        """Count received bytes. Raises AnswerTooLargeError."""
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
    """Return the time limit of one read or write: the rest of the current thread's exchange."""
    budget = _budget.get()
    return timeout if budget is None else budget.left_s(late)


class _Plain(httpcore.NetworkStream):
    """A TCP connection on which every single read and write is limited to the remaining time."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        """Read available bytes. Raises httpcore's ReadTimeout and ReadError, and AnswerTooLargeError."""
        with _as(httpcore.ReadTimeout, httpcore.ReadError):
            self._sock.settimeout(_left_s(httpcore.ReadTimeout, timeout))
            received = self._sock.recv(min(max_bytes, _READ))
        if budget := _budget.get():
            budget.received(len(received))
        return received

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Write all bytes. Raises httpcore's WriteTimeout and WriteError."""
        left = memoryview(buffer)
        with _as(httpcore.WriteTimeout, httpcore.WriteError):
            while left:
                self._sock.settimeout(_left_s(httpcore.WriteTimeout, timeout))
                left = left[self._sock.send(left) :]

    def close(self) -> None:
        """Close the connection."""
        self._sock.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        """Return the same connection with TLS. Raises httpcore's ConnectTimeout and ConnectError."""
        return _Encrypted(self, ssl_context, server_hostname, timeout)

    def get_extra_info(self, info: str) -> Any:
        """Return the information about the connection that httpcore asks for."""
        if info == "is_readable":
            return _is_readable(self._sock)
        asked = {"socket": lambda: self._sock, "client_addr": self._sock.getsockname}
        return asked[info]() if info in asked else None


class _Encrypted(httpcore.NetworkStream):
    """TLS over another stream.

    `ssl.SSLSocket` would wait for a whole record at each read, however slowly its bytes arrive.
    """

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
        """Run a step of TLS, and transfer the bytes that it needs or produces."""
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
        """Read available bytes. Raises httpcore's ReadTimeout and ReadError, and AnswerTooLargeError."""
        with _as(httpcore.ReadTimeout, httpcore.ReadError):
            try:
                received: bytes = self._run(lambda: self._tls.read(min(max_bytes, _READ)), timeout)
            except ssl.SSLEOFError:
                return b""
        return received

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        """Write all bytes. Raises httpcore's WriteTimeout and WriteError."""
        with _as(httpcore.WriteTimeout, httpcore.WriteError):
            left = memoryview(buffer)
            while left:
                written: int = self._run(lambda piece=left[:_READ]: self._tls.write(piece), timeout)
                left = left[written:]

    def close(self) -> None:
        """Close the connection."""
        self._below.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        """Return TLS within TLS, for a server behind an encrypted proxy."""
        return _Encrypted(self, ssl_context, server_hostname, timeout)

    def get_extra_info(self, info: str) -> Any:
        """Return the information about the connection that httpcore asks for."""
        return self._tls if info == "ssl_object" else self._below.get_extra_info(info)


@contextmanager
def _as(late: type[Exception], failed: type[Exception]) -> Iterator[None]:
    """Convert the socket's errors to httpcore's."""
    try:
        yield
    except TimeoutError as error:
        raise late(str(error)) from error
    except OSError as error:
        raise failed(str(error)) from error


def _is_readable(sock: socket.socket) -> bool:
    """Return whether an idle connection is readable, which means that the other side has closed it."""
    sock.settimeout(0)
    try:
        sock.recv(1, socket.MSG_PEEK)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True


class _Backend(httpcore.NetworkBackend):
    """Connects for httpcore: name lookup, all addresses and the connection share the remaining time."""

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
        """Open a connection. Raises httpcore's ConnectTimeout and ConnectError, and whatever the judge raises."""
        within_s = _left_s(httpcore.ConnectTimeout, timeout)
        with _as(httpcore.ConnectTimeout, httpcore.ConnectError):
            within_s = _TIMEOUT_S if within_s is None else within_s
            return _Plain(open_connection(host, port, within_s=within_s, judge=self._judge, names=self._names))


class _Bounded(httpx.SyncByteStream):
    """A response's content: read within the exchange's time, decompressed, and limited in size."""

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
        # 47 detects gzip or zlib by the header. A piece grows to at most `most` bytes, however much is compressed in it.
        unpacker, most = zlib.decompressobj(47), self._budget.most_bytes + 1
        try:
            for piece in self._content:
                yield unpacker.decompress(piece, most)
        except zlib.error:
            raise httpx.DecodingError(f"not what it says it is ({self._encoding})") from None

    def close(self) -> None:
        """Close the content; a connection with unread bytes is closed."""
        self._content.close()


def _text_encoding(told: str | None) -> str:
    """Return the encoding for a response's text: the stated one if it can decode any bytes, else UTF-8.

    Python also has codecs that are not for text (`hex`, `bz2`), and some that raise despite the error handler.
    """
    name, odd = told or "utf-8", bytes(range(128, 256))
    try:
        odd.decode(name, "replace")  # raises for codecs that are not for text
        codecs.getincrementaldecoder(name)("replace").decode(odd, final=True)  # the decoder that httpx uses
    except (LookupError, ValueError):
        return "utf-8"
    return name


class BoundedTransport(httpx.BaseTransport):
    """Makes exchanges that end: the largest of a request's timeouts is the time limit of the whole exchange.

    The proxy variables of the environment are honoured. `judge` checks each address before it is connected to. Behind a
    proxy it checks the target if that is an address or a name that this machine can resolve.
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
        for scheme in ("http", "https"):  # an invalid proxy variable is found now, not at the first message
            browser_proxy(self._settings, f"{scheme}://")
        self._tls = tls_context(environment)
        self._kept = None if keep_alive else 0
        self._direct = self._over(None)
        self._proxied: dict[str, httpx.HTTPTransport] = {}

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Make an exchange. Raises httpx's errors, and whatever the judge raises."""
        given = [v for v in request.extensions.get("timeout", {}).values() if v is not None]
        budget = _Budget(max(given, default=_TIMEOUT_S), self._most_bytes)
        request.headers["Accept-Encoding"] = "identity"
        with _within(budget):
            response = self._way(request, budget).handle_request(request)
        response.encoding = _text_encoding(response.charset_encoding)
        encoding = response.headers.get("Content-Encoding", "").strip().lower()
        if encoding:
            # The content is decompressed here within limits, so httpx must not do it.
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
        """Check the target of a proxied request. A name unknown here is left to the proxy, which resolves and allows it."""
        within_s = min(_LOOKUP_BEFORE_PROXY_S, budget.left_s(httpcore.ConnectTimeout) / 2)
        try:
            found = self._names.endpoints(url.raw_host.decode("ascii"), url.port or 443, within_s=within_s)
        except OSError:
            return
        for endpoint in found:
            judge(endpoint.address)

    def _over(self, proxy: BrowserProxy | None) -> httpx.HTTPTransport:
        """Return httpx's transport over our own connections. httpx accepts no network backend, so its pool is replaced."""
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
            # The proxy belongs to the operator and is often on a private network, so its address is not checked.
            network_backend=_Backend(None, self._names),
            **encrypted,
            **common,
        )
        return transport

    def close(self) -> None:
        """Close all connections."""
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
    """Return a client whose exchanges end after `timeout_s` seconds and whose responses have at most `most_bytes` bytes, unpacked.

    The time covers name lookup, connection, TLS, request, headers and content. A call may pass another `timeout`.
    Redirects are not followed and cookies not stored: a server that sets ever new cookies would get all of them back.

    Raises:
        ConfigError: the environment names certificates that cannot be read.
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
    """Return how many seconds a response asks to wait (`Retry-After`, as seconds or as a date), at most a day; None if it does not.

    A date is compared with the response's own `Date` if it has one, because the server's clock may differ from ours.
    See https://www.rfc-editor.org/rfc/rfc9110#section-10.2.3.
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
