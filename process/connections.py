"""Provides an HTTP server with deadlines for head and body and a limit on open connections, so that clients cannot block it.

uvicorn has a deadline for idle connections after a response, but none for an unfinished head or a slowly arriving body.
"""

from __future__ import annotations

import asyncio
import ipaddress
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from functools import partial
from typing import Any

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from process.logs import get_logger

_log = get_logger("sixfb.connections")


class Phase(IntEnum):
    """What a connection waits for. If there are too many connections, those with the lowest phase are closed first."""

    CLOSING = 0
    IDLE = 1
    HEAD = 2
    BODY = 3
    ANSWER = 4
    """The client waits for the server: such a connection is never closed to make room."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadlines:
    """Holds the time limits of a client in seconds.

    `head_s` is for the head. `body_s` is for the body, plus one second for each `bytes_per_s` received. `stalled_s` is
    how long the client may stop reading, `idle_s` is for the next request, and `closing_s` for noticing that the server
    closes.
    """

    head_s: float = 10.0
    body_s: float = 20.0
    bytes_per_s: int = 4096
    stalled_s: float = 30.0
    idle_s: float = 10.0
    closing_s: float = 5.0

    def of(self, phase: Phase, received: int) -> float | None:
        """Return how long a phase may last, in seconds; None if it has no limit."""
        if phase is Phase.BODY:
            return self.body_s + received / self.bytes_per_s
        return {Phase.CLOSING: self.closing_s, Phase.IDLE: self.idle_s, Phase.HEAD: self.head_s}.get(phase)


class Connections:
    """Holds the open connections of one server. It belongs to the server's event loop; not thread-safe."""

    def __init__(self, most: int, deadlines: Deadlines | None = None, *, sweep_s: float = 1.0) -> None:
        self.most, self.deadlines, self._sweep_s = most, deadlines or Deadlines(), sweep_s
        self._open: set[LimitedProtocol] = set()
        self._sweeps = False

    def __len__(self) -> int:
        return len(self._open)

    def add(self, connection: LimitedProtocol, loop: asyncio.AbstractEventLoop) -> bool:
        """Add a connection, which may close others; return False if there is no room for it."""
        full = len(self._open) >= self.most
        self._open.add(connection)
        if not self._sweeps:
            self._sweeps = True
            loop.call_later(self._sweep_s, self._sweep, loop)
        if not full:
            return True
        made_room = self._make_room(connection)
        _log.warning("connections_full", most=self.most, made_room=made_room)
        return made_room

    def discard(self, connection: LimitedProtocol) -> None:
        """Remove a closed connection."""
        self._open.discard(connection)

    def _make_room(self, newcomer: LimitedProtocol) -> bool:
        """Close some waiting connections of the address that has most of them: lowest phase and longest wait first."""
        waiting = [c for c in self._open if c is not newcomer and c.phase is not Phase.ANSWER]
        if not waiting:
            return False
        ((address, _),) = Counter(c.address for c in waiting).most_common(1)
        of_one = sorted((c for c in waiting if c.address == address), key=lambda c: (c.phase, c.since))
        # Several are closed at once, because examining all of them for each new connection would be an attack in itself.
        for connection in of_one[: max(1, self.most // 16)]:
            connection.abort()
        return True

    def _sweep(self, loop: asyncio.AbstractEventLoop) -> None:
        now = loop.time()
        for connection in list(self._open):
            connection.look(now)
        self._sweeps = bool(self._open)
        if self._sweeps:
            loop.call_later(self._sweep_s, self._sweep, loop)


class LimitedProtocol(H11Protocol):
    """Handles one connection. `since` is when its phase began, by the loop's clock."""

    def __init__(
        self,
        config: uvicorn.Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
        *,
        limits: Connections,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._limits = limits
        self.address = ""
        self.phase, self.since = Phase.HEAD, self.loop.time()
        self._received = 0
        self._looked_at = self.since
        self._unsent, self._unsent_since = 0, self.since

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the connection, or refuse it at once if there are too many."""
        super().connection_made(transport)
        self.address = _network(self.client[0]) if self.client else ""
        if not self._limits.add(self, self.loop):
            self._refuse(503, "the hub has too many connections; come back soon", (b"Retry-After", b"1"))

    def connection_lost(self, exc: Exception | None) -> None:
        """Remove the connection."""
        self._limits.discard(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Process received bytes."""
        if self.transport.is_closing():
            return
        self._received += len(data)
        super().data_received(data)
        self._note_phase()

    def on_response_complete(self) -> None:
        """Note that the response is complete."""
        super().on_response_complete()
        self._note_phase(is_after_answer=True)

    def look(self, now: float) -> None:
        """Close the connection if its phase takes too long."""
        self._note_phase()
        if self.phase is Phase.BODY and self.flow.read_paused:
            # The server has paused reading, so this time does not count against the client.
            self.since += now - self._looked_at
        self._looked_at = now
        may_last = self._limits.deadlines.of(self.phase, self._received)
        if self.phase is Phase.CLOSING and may_last is not None and now - self.since > may_last:
            self.abort()
        elif may_last is not None and now - self.since > may_last:
            self._give_up()
        elif self._has_stalled(now):
            self.abort()

    def abort(self) -> None:
        """Close without waiting for unread output."""
        self._limits.discard(self)
        self._forget_request()
        self.transport.abort()

    def _note_phase(self, *, is_after_answer: bool = False) -> None:
        phase = self._phase_now()
        if phase is not self.phase or is_after_answer:
            self.phase, self.since, self._received = phase, self.loop.time(), 0
            self._looked_at = self.since

    def _phase_now(self) -> Phase:
        if self.transport.is_closing():
            return Phase.CLOSING
        theirs = self.conn.their_state
        if theirs is h11.SEND_BODY:
            return Phase.BODY
        if theirs is not h11.IDLE:
            return Phase.ANSWER
        has_answered = self.cycle is not None
        return Phase.IDLE if has_answered and not self.conn.trailing_data[0] else Phase.HEAD

    def _has_stalled(self, now: float) -> bool:
        """Return whether the client has not read pending output for too long."""
        unsent = self.transport.get_write_buffer_size()
        if unsent == 0 or unsent < self._unsent:
            self._unsent_since = now
        self._unsent = unsent
        return unsent > 0 and now - self._unsent_since > self._limits.deadlines.stalled_s

    def _give_up(self) -> None:
        if self.phase is Phase.IDLE or (self.phase is Phase.HEAD and not self._received):
            self.transport.close()
        else:
            self._refuse(408, "the request did not come to its end in time; send it again")

    def _refuse(self, status: int, message: str, *headers: tuple[bytes, bytes]) -> None:
        self._forget_request()
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE):
            body = json.dumps({"error": message}).encode()
            told = [(b"Content-Type", b"application/json"), (b"Content-Length", str(len(body)).encode())]
            answer = h11.Response(status_code=status, headers=[*told, (b"Connection", b"close"), *headers])
            for event in (answer, h11.Data(data=body), h11.EndOfMessage()):
                self.transport.write(self.conn.send(event) or b"")
        self.transport.close()
        self._note_phase()

    def _forget_request(self) -> None:
        """Tell the current request's handler that the client has disconnected, so that it sends nothing."""
        if self.cycle is not None and not self.cycle.response_complete:
            self.cycle.disconnected = True
            self.cycle.message_event.set()


def _network(address: str) -> str:
    """Return the address, or for IPv6 its /64 network, which belongs to one customer."""
    try:
        known = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    return address if known.version == 4 else str(ipaddress.ip_network((known, 64), strict=False))


def limited_server(app: Callable[..., Any], limits: Connections, **settings: Any) -> uvicorn.Server:
    """Return a server for an application, with uvicorn's settings. It supports HTTP/1.1 only."""
    http: Any = partial(LimitedProtocol, limits=limits)
    return uvicorn.Server(
        uvicorn.Config(
            app,
            http=http,
            ws="none",
            loop="asyncio",
            # uvicorn's logs go through the program's own logging.
            log_config=None,
            access_log=False,
            server_header=False,
            **settings,
        )
    )
