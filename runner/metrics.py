"""Serves the runner's own Prometheus metrics, on this machine only; the hub publishes the metrics that others need."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any

from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from facts import LedgerState, Run, Status
from runner.spool.sender import Sender
from runner.spool.spool import Spool

_MOST_CONNECTIONS = 32
LATE_EDGES_S = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
"""The upper bounds of the histogram's buckets, in seconds."""


class Measures(Collector):
    """Counts runs since the start of this process, and reads spool, sender and ledger at each scrape. Thread-safe."""

    def __init__(self, *, spool: Spool, sender: Sender, about: Callable[[], LedgerState]) -> None:
        self._spool, self._sender, self._about = spool, sender, about
        self._lock = threading.Lock()
        self._runs: Counter[tuple[str, str]] = Counter()
        self._late: Counter[float] = Counter()
        self._late_sum = 0.0

    def started(self, journey: str, late_s: float) -> None:
        """Count a run that started `late_s` seconds after its slot."""
        # Every status starts at 0, so that Prometheus sees the first increase of each counter.
        with self._lock:
            self._runs.update({(journey, status.value): 0 for status in Status})
            self._late[next((edge for edge in LATE_EDGES_S if late_s <= edge), float("inf"))] += 1
            self._late_sum += max(0.0, late_s)

    def ended(self, run: Run) -> None:
        """Count a run whose record was kept."""
        with self._lock:
            self._runs[run.journey, run.status.value] += 1

    def collect(self) -> Iterator[Metric]:
        """Yield all metrics for one scrape."""
        yield _gauge("sixfb_runner_spool_results", "Results that wait for the hub.", self._spool.depth())
        trouble = self._sender.trouble is not None
        yield _gauge("sixfb_runner_sending_up", "0 while the hub does not take what is sent.", float(not trouble))
        with self._lock:
            yield self._of_runs()
            yield self._of_lateness()
        yield from _of_ledger(self._about())

    def _of_runs(self) -> Metric:
        family = CounterMetricFamily("sixfb_runner_runs", "Records since the start.", labels=["journey", "status"])
        for (journey, status), n in sorted(self._runs.items()):
            family.add_metric([journey, status], n)
        return family

    def _of_lateness(self) -> Metric:
        below, buckets = 0, []
        for edge in LATE_EDGES_S:
            below += self._late[edge]
            buckets.append((str(edge), float(below)))
        buckets.append(("+Inf", float(self._late.total())))
        return HistogramMetricFamily(
            "sixfb_runner_start_lateness_seconds",
            "How long after their slots runs began.",
            buckets=buckets,
            sum_value=self._late_sum,
        )


def _of_ledger(state: LedgerState) -> Iterator[Metric]:
    family = GaugeMetricFamily("sixfb_runner_ledger_sessions", "Purchases that are not undone.", labels=["state"])
    for word, n in (("open", state.open), ("paid", state.paid), ("unknown", state.unknown), ("ordered", state.ordered)):
        family.add_metric([word], n)
    yield family
    yield _gauge("sixfb_runner_purchases", "Runs of the last hour that told of a purchase.", state.purchases)
    told = "Runs of the last hour that may have bought and told of no purchase."
    yield _gauge("sixfb_runner_purchases_untold", told, state.untold)


def _gauge(name: str, help_: str, value: float) -> Metric:
    return GaugeMetricFamily(name, help_, value=value)


class Served:
    """Serves `GET /metrics` in a thread until `close` is called."""

    def __init__(self, measures: Collector, port: int) -> None:
        # Imported here, because most runners do not serve metrics.
        from process.connections import Connections, limited_server
        from process.listeners import listen

        registry = CollectorRegistry(auto_describe=False)
        registry.register(measures)
        (self._listener,) = listen("127.0.0.1", port)
        limits = Connections(_MOST_CONNECTIONS)
        self._server = limited_server(_metrics_app(registry), limits, lifespan="off", timeout_graceful_shutdown=1)
        run = {"sockets": [self._listener]}
        self._thread = threading.Thread(target=self._server.run, kwargs=run, name="metrics", daemon=True)
        self._thread.start()

    @property
    def port(self) -> int:
        """The TCP port that the server listens on."""
        return int(self._listener.getsockname()[1])

    def close(self) -> None:
        """Stop the server and close its socket."""
        self._server.should_exit = True
        self._thread.join(3)
        self._listener.close()


def _metrics_app(registry: CollectorRegistry) -> Callable[..., Any]:
    """Return the ASGI application that answers every request with the metrics."""

    async def door(scope: Mapping[str, Any], _receive: Any, send: Callable[[dict[str, Any]], Awaitable[None]]) -> None:
        accept = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"accept"), "")
        encode, content_type = choose_encoder(accept)
        # Reading the spool, a file, may block: it runs in a thread so that the event loop stays free.
        body = await asyncio.to_thread(encode, registry)
        headers = [(b"content-type", content_type.encode()), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    return door


def serve(measures: Collector, port: int) -> Served:
    """Start serving metrics on the loopback address. Raises OSError if the port is in use."""
    return Served(measures, port)
