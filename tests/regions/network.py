"""The map: where everything stands, how far it is from there to there, and how a way is cut."""

from __future__ import annotations

import json
import secrets
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass

from tests.regions.delayer import Link
from tests.regions.namespaces import ip, namespaces

SHOP, HUB = "shop", "hub"
ADDRESS: Mapping[str, str] = {SHOP: "10.66.0.1", HUB: "10.66.0.2"}
"""Where the shop and the hub answer, seen from anywhere."""
_RTT_TO_HUB_MS = 20.0
_RTT_SHOP_TO_HUB_MS = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """Namespaces and the links between them; `rtt_ms` is each region's way to the shop and back."""

    prefix: str
    rtt_ms: Mapping[str, float]

    def namespace(self, name: str) -> str:
        """The namespace of a region, of `shop` or of `hub`."""
        return f"{self.prefix}-{name}"

    def command(self, name: str, *command: str) -> list[str]:
        """A command, to be run there. The process that it starts is the command's own."""
        return ["ip", "netns", "exec", self.namespace(name), *command]

    def withdraw(self, region: str) -> None:
        """No way leads from a region to the shop any more: its router says so at once, and what was under way is lost."""
        self._in(SHOP, "link", "set", region, "down")
        self._in(region, "route", "replace", "unreachable", ADDRESS[SHOP])

    def restore(self, region: str) -> None:
        """The way to the shop is back."""
        self._in(SHOP, "link", "set", region, "up")
        self._in(region, "route", "replace", ADDRESS[SHOP], "dev", SHOP)

    def silence(self, *regions: str) -> None:
        """What regions send to the hub is lost without a word, as behind a cut cable."""
        for region in regions:
            self._in(HUB, "link", "set", region, "down")

    def hear(self, *regions: str) -> None:
        """The hub hears them again."""
        for region in regions:
            self._in(HUB, "link", "set", region, "up")

    def lay(self) -> None:
        """Give the devices of the links their addresses and routes."""
        for place, address in ADDRESS.items():
            self._in(place, "addr", "add", f"{address}/32", "dev", "lo")
        for number, region in enumerate(self.rtt_ms, 1):
            for place, net in ((SHOP, 1), (HUB, 2)):
                self._join(region, place, f"10.66.{net}.{number}", ADDRESS[place])
        self._join(HUB, SHOP, ADDRESS[HUB], ADDRESS[SHOP])

    def links(self) -> list[Link]:
        """Each region to the shop and to the hub, and the hub to the shop. A device is called after where it leads to."""
        far = [(region, SHOP, rtt) for region, rtt in self.rtt_ms.items()]
        near = [(region, HUB, _RTT_TO_HUB_MS) for region in self.rtt_ms]
        return [
            Link(ends=((self.namespace(one), other), (self.namespace(other), one)), delay_ms=rtt / 2)
            for one, other, rtt in (*far, *near, (HUB, SHOP, _RTT_SHOP_TO_HUB_MS))
        ]

    def _join(self, one: str, other: str, address: str, other_address: str) -> None:
        """Both ends of a link know the other's address. An address with its peer has a route that returns with its device."""
        self._in(one, "addr", "add", address, "peer", other_address, "dev", other)
        self._in(other, "addr", "add", other_address, "peer", address, "dev", one)
        for place, device in ((one, other), (other, one)):
            self._in(place, "link", "set", device, "up")

    def _in(self, name: str, *arguments: str) -> None:
        ip("-n", self.namespace(name), *arguments)


@contextmanager
def a_network(rtt_ms: Mapping[str, float]) -> Iterator[Network]:
    """The network of regions that far from the shop. Afterwards nothing of it is left."""
    network = Network(prefix=f"sixfb{secrets.token_hex(2)}", rtt_ms=dict(rtt_ms))
    with namespaces(network.prefix, [SHOP, HUB, *rtt_ms]):
        links = json.dumps([asdict(link) for link in network.links()])
        program = [sys.executable, "-P", "-m", "tests.regions.delayer", links]
        delayer = subprocess.Popen(program, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        try:
            assert delayer.stdout is not None
            assert delayer.stdout.readline() == b"up\n", "the links did not come up"
            network.lay()
            yield network
        finally:
            delayer.communicate()
            assert delayer.returncode == 0
