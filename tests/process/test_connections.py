"""A server that nobody can hold up by opening connections. No second passes here: the clock is the test's."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest
import uvicorn
from uvicorn.server import ServerState

from process.connections import Connections, Deadlines, LimitedProtocol, Phase

DEADLINES = Deadlines(head_s=10, body_s=20, bytes_per_s=1000, stalled_s=30, idle_s=10, closing_s=5)
HEAD = b"POST / HTTP/1.1\r\nHost: x\r\n"


class Loop(asyncio.SelectorEventLoop):
    """An event loop whose time stands still."""

    now = 1000.0

    def time(self) -> float:
        return self.now


class Transport(asyncio.Transport):
    """The way to a client that reads `reads` bytes of what is sent."""

    def __init__(self, address: str = "192.0.2.1") -> None:
        super().__init__({"peername": (address, 5000), "sockname": ("192.0.2.9", 80)})
        self.sent, self.unread, self.aborted, self.closing = b"", 0, False, False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.sent += bytes(data)

    def get_write_buffer_size(self) -> int:
        return self.unread

    def is_closing(self) -> bool:
        return self.closing

    def close(self) -> None:
        self.closing = True

    def abort(self) -> None:
        self.closing = self.aborted = True

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass


class Server:
    """A server of an application that reads the body and says how long it is."""

    def __init__(self, most: int = 100) -> None:
        self.loop = Loop()
        # A browser test before this one leaves Playwright's loop in the main thread, where no other can run.
        self.thread = ThreadPoolExecutor(1)
        self.connections = Connections(most, DEADLINES)
        self.left: list[str] = []
        self.hangs = False
        self.config = uvicorn.Config(self._app, interface="asgi3", lifespan="off", log_config=None, access_log=False)
        self.state = ServerState()

    async def _app(self, _scope: Any, receive: Any, send: Any) -> None:
        if self.hangs:
            await asyncio.Event().wait()
        size, more = 0, True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                self.left.append("gone")
                return
            size, more = size + len(message["body"]), message["more_body"]
        told = str(size).encode()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(told))]})
        await send({"type": "http.response.body", "body": told})

    def close(self) -> None:
        for task in self.state.tasks:
            task.cancel()
        self.run(_over(self.state.tasks))
        self.loop.close()
        self.thread.shutdown()

    def run(self, coroutine: Coroutine[Any, Any, object]) -> None:
        self.thread.submit(self.loop.run_until_complete, coroutine).result()

    def connect(self, address: str = "192.0.2.1") -> LimitedProtocol:
        make = partial(LimitedProtocol, self.config, self.state, {}, self.loop, limits=self.connections)
        protocol = make()
        protocol.connection_made(Transport(address))
        return protocol

    def send(self, connection: LimitedProtocol, data: bytes) -> None:
        connection.data_received(data)
        self.go_on()

    def go_on(self) -> None:
        """Let the application do what it can do now."""
        for _ in range(5):
            self.run(asyncio.sleep(0))

    def later(self, seconds: float) -> None:
        """Let seconds pass, with a look at everything once each."""
        for _ in range(int(seconds)):
            self.loop.now += 1
            for connection in list(self.connections._open):
                connection.look(self.loop.now)
        self.go_on()


@pytest.fixture
def server() -> Iterator[Server]:
    opened = Server()
    yield opened
    opened.close()


def wire(connection: LimitedProtocol) -> Transport:
    assert isinstance(connection.transport, Transport)
    return connection.transport


def phase_of(connection: LimitedProtocol) -> Phase:
    return connection.phase


def test_a_connection_that_says_nothing_is_closed(server: Server) -> None:
    connection = server.connect()
    server.later(10)
    assert not wire(connection).closing
    server.later(1)
    assert (wire(connection).closing, wire(connection).sent) == (True, b"")


def test_a_head_that_drips_has_no_more_time_than_one_that_is_never_begun(server: Server) -> None:
    connection = server.connect()
    for _ in range(11):
        server.send(connection, b"X")
        server.later(1)
    assert wire(connection).closing
    assert wire(connection).sent.startswith(b"HTTP/1.1 408 ")


def test_a_body_that_drips_is_refused_and_its_request_told(server: Server) -> None:
    connection = server.connect()
    server.send(connection, HEAD + b"Content-Length: 1000\r\n\r\n")
    for _ in range(21):
        server.send(connection, b"x")
        server.later(1)
    assert wire(connection).sent.startswith(b"HTTP/1.1 408 ")
    assert server.left == ["gone"]


def test_a_large_body_on_a_slow_line_has_the_time_it_needs(server: Server) -> None:
    connection = server.connect()
    server.send(connection, HEAD + b"Content-Length: 100000\r\n\r\n")
    for _ in range(50):
        server.send(connection, b"x" * 2000)
        server.later(1)
    assert wire(connection).sent.endswith(b"100000")


def test_a_body_that_we_do_not_read_costs_the_client_no_time(server: Server) -> None:
    connection = server.connect()
    server.send(connection, HEAD + b"Content-Length: 100000\r\n\r\n")
    connection.flow.pause_reading()
    server.later(100)
    assert not wire(connection).closing


def test_between_requests_a_connection_may_rest_and_a_half_head_then_has_its_own_deadline(server: Server) -> None:
    connection = server.connect()
    server.send(connection, HEAD + b"Content-Length: 0\r\n\r\n")
    assert phase_of(connection) is Phase.IDLE
    server.later(4)
    server.send(connection, b"POST")
    assert phase_of(connection) is Phase.HEAD
    server.later(9)
    assert not wire(connection).closing
    server.later(2)
    assert wire(connection).closing


def test_who_does_not_read_the_answer_is_left(server: Server) -> None:
    connection = server.connect()
    server.hangs = True
    server.send(connection, HEAD + b"Content-Length: 0\r\n\r\n")
    wire(connection).unread = 5000
    for _ in range(10):
        wire(connection).unread -= 10  # it reads, if slowly
        server.later(10)
    assert not wire(connection).aborted
    server.later(31)
    assert wire(connection).aborted


def test_a_connection_that_is_closed_and_not_read_is_cut_off(server: Server) -> None:
    connection = server.connect()
    connection.transport.close()
    server.later(7)
    assert wire(connection).aborted


def test_where_there_are_too_many_the_longest_waiting_of_the_greediest_address_go(server: Server) -> None:
    server.connections.most = 8
    of_one = [server.connect("198.51.100.7") for _ in range(6)]
    others = [server.connect("192.0.2.1"), server.connect("192.0.2.2")]
    server.loop.now += 1
    newcomer = server.connect("192.0.2.3")
    assert [wire(c).aborted for c in of_one].count(True) == 1
    assert not any(wire(c).aborted for c in (*others, newcomer))
    server.send(newcomer, HEAD + b"Content-Length: 2\r\n\r\nab")
    assert wire(newcomer).sent.endswith(b"2")
    assert len(server.connections) == 8


def test_the_connections_of_one_network_of_ipv6_count_together(server: Server) -> None:
    server.connections.most = 3
    of_one = [server.connect(f"2001:db8::{n}") for n in (1, 2)]
    server.connect("192.0.2.1")
    server.connect("192.0.2.2")
    assert [wire(c).aborted for c in of_one].count(True) == 1


def test_who_waits_for_an_answer_is_never_closed_and_one_too_many_is_told(server: Server) -> None:
    server.connections.most = 2
    server.hangs = True
    waiting = [server.connect() for _ in range(2)]
    for connection in waiting:
        server.send(connection, HEAD + b"Content-Length: 0\r\n\r\n")
    server.later(300)
    refused = server.connect()
    assert wire(refused).sent.startswith(b"HTTP/1.1 503 ")
    assert b"Retry-After: 1" in wire(refused).sent
    assert not any(wire(c).closing for c in waiting)


async def _over(tasks: set[asyncio.Task[None]]) -> None:
    waiting: list[Coroutine[Any, Any, None] | asyncio.Task[None]] = list(tasks)
    await asyncio.gather(*waiting, return_exceptions=True)
