"""An HTTP server that nobody can hold up by opening connections: deadlines for head and body, and a limit on how many are open.

uvicorn has a deadline for what is idle after an answer, and none for a head that is never finished or a body that drips.
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
    """What a connection waits for. The least is closed first where there are too many."""

    CLOSING = 0
    IDLE = 1
    HEAD = 2
    BODY = 3
    ANSWER = 4
    """The client waits for us: such a connection is never closed to make room."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deadlines:
    """How long a client may take, in seconds: for its head; for its body, and a second more for each `bytes_per_s` of it that
    came; before it reads on; and before it sends the next request or takes note that we close."""

    head_s: float = 10.0
    body_s: float = 20.0
    bytes_per_s: int = 4096
    stalled_s: float = 30.0
    idle_s: float = 10.0
    closing_s: float = 5.0

    def of(self, phase: Phase, received: int) -> float | None:
        """Return how long a phase may last; None for one that has no end of its own."""
        if phase is Phase.BODY:
            return self.body_s + received / self.bytes_per_s
        return {Phase.CLOSING: self.closing_s, Phase.IDLE: self.idle_s, Phase.HEAD: self.head_s}.get(phase)


class Connections:
    """The open connections of one server. It belongs to its event loop."""

    def __init__(self, most: int, deadlines: Deadlines | None = None, *, sweep_s: float = 1.0) -> None:
        self.most, self.deadlines, self._sweep_s = most, deadlines or Deadlines(), sweep_s
        self._open: set[LimitedProtocol] = set()
        self._sweeps = False

    def __len__(self) -> int:
        return len(self._open)

    def add(self, connection: LimitedProtocol, loop: asyncio.AbstractEventLoop) -> bool:
        """Take a connection in, which may cost others theirs; False where it is one too many."""
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
        """A connection is gone."""
        self._open.discard(connection)

    def _make_room(self, newcomer: LimitedProtocol) -> bool:
        """Close some that wait for their client: of the address that has most of them, those that wait for least and longest."""
        waiting = [c for c in self._open if c is not newcomer and c.phase is not Phase.ANSWER]
        if not waiting:
            return False
        ((address, _),) = Counter(c.address for c in waiting).most_common(1)
        of_one = sorted((c for c in waiting if c.address == address), key=lambda c: (c.phase, c.since))
        # Several at once: to look through all of them for every newcomer would be an attack of its own.
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
    """One connection. `since` is when its phase began, by the loop's clock."""

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
        """Begin, or refuse at once what is one too many."""
        super().connection_made(transport)
        self.address = _network(self.client[0]) if self.client else ""
        if not self._limits.add(self, self.loop):
            self._refuse(503, "the hub has too many connections; come back soon", (b"Retry-After", b"1"))

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        self._limits.discard(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take bytes in."""
        if self.transport.is_closing():
            return
        self._received += len(data)
        super().data_received(data)
        self._note_phase()

    def on_response_complete(self) -> None:
        """The answer is given."""
        super().on_response_complete()
        self._note_phase(is_after_answer=True)

    def look(self, now: float) -> None:
        """Close what has taken too long."""
        self._note_phase()
        if self.phase is Phase.BODY and self.flow.read_paused:
            # It is we who do not read.
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
        """Close without waiting for what the client has not read."""
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
        """Whether the client has not read for too long what we have for it."""
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
        """Whatever is under way for this connection is told that its client is gone, and answers nobody."""
        if self.cycle is not None and not self.cycle.response_complete:
            self.cycle.disconnected = True
            self.cycle.message_event.set()


def _network(address: str) -> str:
    """The address, or of IPv6 the network of 64 bits, which is one customer's."""
    try:
        known = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    return address if known.version == 4 else str(ipaddress.ip_network((known, 64), strict=False))


def limited_server(app: Callable[..., Any], limits: Connections, **settings: Any) -> uvicorn.Server:
    """Return a server for an application, with uvicorn's settings. It speaks HTTP/1.1 and nothing else."""
    http: Any = partial(LimitedProtocol, limits=limits)
    return uvicorn.Server(
        uvicorn.Config(
            app,
            http=http,
            ws="none",
            loop="asyncio",
            # Its logs go where ours do.
            log_config=None,
            access_log=False,
            server_header=False,
            **settings,
        )
    )
