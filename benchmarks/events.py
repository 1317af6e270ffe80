"""How many of the site's events one hub takes in a second: whole batches through the guard, the parser and the database.

`python -P -m benchmarks.events [--seconds 10] [--senders 4] [--batch 500]`. `DATABASE_URL` names a database that is not SQLite.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import threading
import time
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from hub.event_ingest import EventIngest
from store import open_store

_NAMES = ("checkout_session_created", "payment_successful", "page_view", "api_request", "inventory_updated")
_CITIES = ("dallas", "atlanta", "la", "sf", "chicago", "nyc")


def a_batch(sender: int, first: int, size: int) -> bytes:
    """Return a batch of different events as lines, as a shop sends them."""
    now = datetime.now(UTC).isoformat()
    return "\n".join(
        json.dumps(
            {
                "id": f"evt-{sender}-{n}",
                "at": now,
                "level": "info",
                "name": _NAMES[n % len(_NAMES)],
                "city": _CITIES[n % len(_CITIES)],
                "tier": "ga",
                "amount_minor": 100_000,
                "currency": "usd",
                "endpoint": "/api/create-checkout-session",
                "method": "POST",
                "status": 200,
                "duration_ms": 120.5,
                "session": f"cs_test_{n}",
            }
        )
        for n in range(first, first + size)
    ).encode()


def events_a_second(url: str | None, folder: Path, *, seconds: float, senders: int, size: int) -> float:
    """Return how many events a second were accepted."""
    taken = [0] * senders
    with closing(open_store(url, folder=folder)) as store:
        store.migrate()
        ingest = EventIngest(store)
        ends = time.monotonic() + seconds

        def send(sender: int) -> None:
            while time.monotonic() < ends:
                body = a_batch(sender, taken[sender], size)
                found = ingest.batch(body, now=datetime.now(UTC), source="benchmark")
                taken[sender] += sum(one.result == "accepted" for one in found)

        threads = [threading.Thread(target=send, args=(n,)) for n in range(senders)]
        began = time.monotonic()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return sum(taken) / (time.monotonic() - began)


def main() -> None:
    """Print the rate."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--senders", type=int, default=4)
    parser.add_argument("--batch", type=int, default=500)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        url = os.environ.get("DATABASE_URL")
        rate = events_a_second(url, Path(folder), seconds=asked.seconds, senders=asked.senders, size=asked.batch)
    print(f"{rate:,.0f} events a second, {asked.senders} senders, batches of {asked.batch}")


if __name__ == "__main__":
    main()
