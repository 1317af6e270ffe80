"""Links that take their time: `python -m tests.regions.delayer LINKS`, a JSON list of `Link`s; it says `up` once they are there.

Each link is a TUN device in each of two network namespaces. What goes into one comes out of the other after the link's delay,
in order and as it was. The devices are gone when this process is: at the end of its standard input, however that comes.
It needs no netem, which not every kernel has; https://docs.kernel.org/networking/tuntap.html is all that it uses.
"""

from __future__ import annotations

import contextlib
import fcntl
import heapq
import itertools
import json
import os
import select
import struct
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

from facts import from_wire
from tests.regions.namespaces import entered

_TUNSETIFF, _TUN, _NO_INFORMATION = 0x400454CA, 0x0001, 0x1000
_LARGEST = 1 << 16
_NICENESS = -10
Device = tuple[str, str]
"""A namespace and the name of a device in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """Two devices and how many ms a packet takes from one to the other."""

    ends: tuple[Device, Device]
    delay_ms: float


def opened(device: Device) -> int:
    """A new TUN device, as the file to which its packets go and from which they come."""
    namespace, name = device
    with entered(namespace):
        file = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
        fcntl.ioctl(file, _TUNSETIFF, struct.pack("16sH22x", name.encode(), _TUN | _NO_INFORMATION))
    return file


class Delayer:
    """The packets that are under way."""

    def __init__(self, links: Sequence[Link]) -> None:
        self._ways: dict[int, tuple[int, float]] = {}
        for link in links:
            one, other = (opened(end) for end in link.ends)
            self._ways[one] = other, link.delay_ms / 1000
            self._ways[other] = one, link.delay_ms / 1000
        self._under_way: list[tuple[float, int, int, bytes]] = []
        self._numbers = itertools.count()

    def carry_on(self, until: int) -> None:
        """Carry packets until the file `until` ends."""
        poll = select.epoll()
        for file in (*self._ways, until):
            poll.register(file, select.EPOLLIN)
        while True:
            due = self._under_way[0][0] - time.monotonic() if self._under_way else None
            for file, _ in poll.poll(None if due is None else max(0.0, due)):
                if file == until:
                    return
                self._take_in(file)
            self._let_out()

    def _take_in(self, file: int) -> None:
        other, delay_s = self._ways[file]
        with contextlib.suppress(BlockingIOError):
            while True:
                packet = os.read(file, _LARGEST)
                heapq.heappush(self._under_way, (time.monotonic() + delay_s, next(self._numbers), other, packet))

    def _let_out(self) -> None:
        now = time.monotonic()
        while self._under_way and self._under_way[0][0] <= now:
            *_, file, packet = heapq.heappop(self._under_way)
            # A device that is down takes nothing: the packet is lost, as on a cable that was cut.
            with contextlib.suppress(OSError):
                os.write(file, packet)


def main() -> None:
    delayer = Delayer([from_wire(Link, link) for link in json.loads(sys.argv[1])])
    # Before whatever else this machine computes: a packet that waits for the processor has a longer way than it should.
    with contextlib.suppress(OSError):
        os.nice(_NICENESS)
    sys.stdout.write("up\n")
    sys.stdout.flush()
    delayer.carry_on(sys.stdin.fileno())


if __name__ == "__main__":
    main()
