"""Lets the simulated traffic flow into the hub while the demo runs, through the doors that a real site would use."""

from __future__ import annotations

import json
import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx

from demo.faults import Faults
from demo.shop.inventory import Inventory
from demo.stripe import StripeAccount
from demo.traffic.effects import HELD_BACK, with_faults
from demo.traffic.generator import Generator, Records, Sale
from process.bounded_http import bounded_client

EVERY_S = 2.0
_AT_ONCE, _MOST_WAITING = 1000, 20_000
_WITHIN_S = 5.0
_LARGEST_ANSWER = 4_000_000
_FEW_LEFT = {"ga": 60, "vip": 25}
_ADDED = {"ga": 300, "vip": 100}


class Market:
    """What the simulated buyers change: the shop's inventory, the events of the Stripe account, and the texts that Twilio lists.

    Where few tickets of a city are left, seats are added, so that a demo that runs for days does not sell out.
    """

    def __init__(self, inventory: Inventory, account: StripeAccount, texts: deque[dict[str, Any]]) -> None:
        self.inventory = inventory
        self._account = account
        self._texts = texts
        self._held: dict[tuple[str, str], int] = {}
        self._pending: list[dict[str, Any]] = []

    def open(self, seats: Mapping[tuple[str, str], int], sales: Sequence[Sale]) -> None:
        """Begin with these seats by city and tier, of which some are sold."""
        for (city, tier), n in seats.items():
            self.inventory.expand(city, tier, n - self.inventory.one(city)["actualLimits"][tier])
        for sale in sales:
            self.inventory.sell(sale.city, sale.tier, sale.quantity)

    def take(self, records: Records, on: Collection[str]) -> None:
        """Apply what happened, under the faults that are on."""
        self._hold_back("sellout_near" in on)
        for sale in records.sales:
            left = self._left(sale.city, sale.tier)
            if left >= sale.quantity:
                left = self.inventory.sell(sale.city, sale.tier, sale.quantity)
            if left < _FEW_LEFT[sale.tier] and (sale.city, sale.tier) not in self._held:
                self.inventory.expand(sale.city, sale.tier, _ADDED[sale.tier])
        for event in records.stripe:
            self._account.tables.add(event)
            if event["pending_webhooks"]:
                self._pending.append(event)
        if self._pending and "webhook_backlog" not in on:
            for event in self._pending:
                self._account.tables.change(event, pending_webhooks=0)
            self._pending = []
        self._texts.extend(records.texts)

    def _left(self, city: str, tier: str) -> int:
        left: int = self.inventory.one(city)["actualAvailable"][tier]
        return left

    def _hold_back(self, on: bool) -> None:
        """Take seats of one city off sale while the fault is on, and put them back afterwards."""
        city, tier, left = HELD_BACK
        if on and (city, tier) not in self._held:
            held = max(0, self._left(city, tier) - left)
            self._held[city, tier] = held
            self.inventory.expand(city, tier, -held)
        elif not on and (city, tier) in self._held:
            self.inventory.expand(city, tier, self._held.pop((city, tier)))


class Feed:
    """Sends the traffic as it happens, in a thread of its own, from `begins` (epoch seconds) on.

    The site's events go to `POST /api/events` of the hub with the token of a source, its log lines into a file, and all else to the
    market. What the hub does not take is sent again, with the same ids.
    """

    def __init__(
        self,
        generator: Generator,
        market: Market,
        faults: Faults,
        *,
        begins: float,
        hub_url: str,
        token: str,
        log_file: Path,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._generator = generator
        self._market = market
        self._faults = faults
        self._until = begins
        self._url = f"{hub_url}/api/events"
        self._log_file = log_file
        self._clock = clock
        self._client = bounded_client(
            timeout_s=_WITHIN_S, most_bytes=_LARGEST_ANSWER, headers={"Authorization": f"Bearer {token}"}
        )
        self._waiting: deque[dict[str, Any]] = deque(maxlen=_MOST_WAITING)
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="demo-traffic", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """End, and wait for it."""
        self._ending.set()
        self._thread.join(2 * _WITHIN_S)
        self._client.close()

    def _run(self) -> None:
        while not self._ending.is_set():
            self.pump()
            self._ending.wait(EVERY_S)

    def pump(self) -> None:
        """Send what happened since the last time."""
        since, self._until = self._until, max(self._until, self._clock())
        on = self._faults.active()
        records = with_faults(self._generator, self._generator.between(since, self._until), on, since, self._until)
        self._market.take(records, on)
        if records.log:
            with self._log_file.open("a", encoding="utf-8") as file:
                file.writelines(json.dumps(log_line(one)) + "\n" for one in records.log)
        self._waiting.extend(records.events)
        self._send()

    def _send(self) -> None:
        while self._waiting:
            batch = [self._waiting[n] for n in range(min(_AT_ONCE, len(self._waiting)))]
            body = "\n".join(json.dumps(one) for one in batch)
            try:
                answer = self._client.post(self._url, content=body, headers={"Content-Type": "application/x-ndjson"})
            except httpx.HTTPError:
                return
            if answer.status_code == 429 or answer.status_code >= 500:
                return
            for _ in batch:
                self._waiting.popleft()


def log_line(event: dict[str, Any]) -> dict[str, Any]:
    """Return an event as a line of a log in JSON: its moment is `time` and its name `event`."""
    rest = {key: value for key, value in event.items() if key not in ("id", "at", "name")}
    return {"time": event["at"], "event": event["name"], **rest}
