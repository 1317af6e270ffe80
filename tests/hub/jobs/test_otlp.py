"""The export of runs by OTLP, against a small receiver that reads protobuf, and that misbehaves."""

from __future__ import annotations

import gzip
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from opentelemetry.proto.trace.v1.trace_pb2 import Status as SpanStatus

from config import ConfigError, Secret
from facts import Attempt, Blame, Request, Run, Status, Step, StepStatus
from hub.artifacts import Artifacts
from hub.jobs import JobContext, JobError, JobServices
from hub.jobs.otlp import JOB, LONGEST_BACKLOG, MOST_AT_ONCE, SETTLED
from hub.otlp_messages import MOST_REQUESTS, spans_of
from hub.otlp_settings import OtlpSettings, read_otlp_settings
from redact.masking import KNOWN
from store import Store, counters, meta
from store import runs as run_rows
from tests.builders import A_MOMENT, a_run
from tests.drills.hub import the_watched

HEADER = "authorization=Bearer%20a%20token"


@dataclass
class Collector:
    """What a receiver was sent; `answers` are the statuses of the next answers, 200 after them."""

    url: str = ""
    traces: list[ExportTraceServiceRequest] = field(default_factory=list)
    metrics: list[ExportMetricsServiceRequest] = field(default_factory=list)
    headers: list[Mapping[str, str]] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    unreadable: str = ""
    retry_after: str = ""
    hangs: threading.Event | None = None

    def spans(self) -> list[Span]:
        return [
            span
            for told in self.traces
            for of in told.resource_spans
            for scope in of.scope_spans
            for span in scope.spans
        ]


@pytest.fixture
def collector() -> Iterator[Collector]:
    told = Collector()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            body = gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body
            if told.hangs is not None:
                told.hangs.wait(60)
                return
            status = told.answers.pop(0) if told.answers else 200
            if self.path.endswith("/v1/traces"):
                message = ExportTraceServiceRequest.FromString(body)
                names = {
                    a.value.string_value for s in message.resource_spans[0].scope_spans[0].spans for a in s.attributes
                }
                status = 400 if told.unreadable and told.unreadable in names else status
                if status == 200:
                    told.traces.append(message)
            elif status == 200:
                told.metrics.append(ExportMetricsServiceRequest.FromString(body))
            told.headers.append(dict(self.headers))
            self.send_response(status)
            self.send_header("Content-Length", "0")
            if told.retry_after:
                self.send_header("Retry-After", told.retry_after)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Print nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    told.url = f"http://127.0.0.1:{server.server_address[1]}"
    yield told
    if told.hangs is not None:
        told.hangs.set()
    server.shutdown()
    server.server_close()
    thread.join()


@dataclass
class Stage:
    """A store whose runs are exported; the test holds the clock."""

    store: Store
    folder: Path
    settings: OtlpSettings
    now: datetime = A_MOMENT

    def export(self) -> str:
        services = JobServices(
            store=self.store,
            watched=the_watched(),
            artifacts=Artifacts(self.store, self.folder / "evidence"),
            first_watched=A_MOMENT,
            evidence_bytes=1,
            clock=lambda: self.now,
            otlp=self.settings,
        )
        assert JOB.is_configured(services)
        assert not JOB.is_configured(replace(services, otlp=None))
        return JOB.do(JobContext(services=services, slot=self.now))

    def receive(self, *runs: Run) -> None:
        for run in runs:
            with self.store.write() as connection:
                run_rows.save(connection, run, received_at=self.now)

    def later(self, length: timedelta = timedelta(minutes=1)) -> None:
        self.now += length


@pytest.fixture
def stage(store: Store, tmp_path: Path, collector: Collector) -> Stage:
    """The export has begun: what comes from now on is sent."""
    environment = {
        "OTEL_EXPORTER_OTLP_ENDPOINT": collector.url,
        "OTEL_EXPORTER_OTLP_HEADERS": HEADER,
        "OTEL_TRACES_EXPORTER": "otlp",
    }
    settings = read_otlp_settings(environment | {"OTEL_RESOURCE_ATTRIBUTES": "deployment.environment.name=test"})
    assert settings is not None
    found = Stage(store, tmp_path, settings)
    assert found.export() == "0 runs, and the counters"
    collector.metrics.clear()
    collector.headers.clear()
    found.later()
    return found


def a_failed_run(n: int = 1, **facts: Any) -> Run:
    """A run of one attempt with two steps, the second of which failed by a request."""
    begun = A_MOMENT + timedelta(seconds=10)
    requests = (
        Request(
            step="open",
            method="GET",
            endpoint="/events",
            status=200,
            duration_ms=120.0,
            party="first",
            kind="document",
            started_ms=5.0,
        ),
        Request(
            step="pay",
            method="POST",
            endpoint="/api/pay",
            status=500,
            duration_ms=80.5,
            party="first",
            started_ms=1010.0,
            body_bytes=20,
            body="secret",
        ),
        Request(
            step="pay",
            method="GET",
            endpoint="/v3",
            status=None,
            duration_ms=None,
            party="https://js.stripe.com",
            started_ms=1100.0,
            failure="net::ERR_FAILED",
        ),
        Request(step="pay", method="GET", endpoint="/never-begun", status=None, duration_ms=None, party="first"),
    )
    steps = (
        Step(name="open", status=StepStatus.PASSED, started_ms=0.0, duration_ms=900.0),
        Step(
            name="pay",
            status=StepStatus.FAILED,
            started_ms=1000.0,
            duration_ms=500.0,
            error="POST /api/pay answered 500",
        ),
        Step(name="thanks", status=StepStatus.SKIPPED),
    )
    attempt = Attempt(number=1, status=Status.FAILED, started_at=begun, steps=steps, requests=requests)
    told: dict[str, Any] = {
        "id": f"run-{n}", "slot": A_MOMENT + timedelta(minutes=n), "started_at": begun, "finished_at": begun + timedelta(seconds=2),
        "status": Status.FAILED, "blame": Blame.SITE, "failed_step": "pay", "error": "POST /api/pay answered 500",
        "site": "https://shop.example/", "attempts": (attempt,), "steps": steps,
    }  # fmt: skip
    return a_run(**told | facts)


def values(attributes: Any) -> dict[str, Any]:
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in attributes}


def test_a_run_is_one_span_with_its_steps_and_requests_below(stage: Stage, collector: Collector) -> None:
    run = a_failed_run()
    stage.receive(run)
    stage.later()
    assert stage.export() == "1 runs, and the counters"
    spans = {span.name: span for span in collector.spans()}
    name = f"{run.journey} {run.location}"
    whole, opened, pay = spans[name], spans["open"], spans["pay"]
    assert set(spans) == {name, "open", "pay", "GET /events", "POST /api/pay", "GET /v3"}
    assert {span.trace_id for span in spans.values()} == {whole.trace_id}
    assert len(whole.trace_id) == 16
    assert whole.parent_span_id == b""
    assert {opened.parent_span_id, pay.parent_span_id} == {whole.span_id}
    assert spans["GET /events"].parent_span_id == opened.span_id
    assert {spans["POST /api/pay"].parent_span_id, spans["GET /v3"].parent_span_id} == {pay.span_id}
    assert len({span.span_id for span in spans.values()}) == len(spans)
    told = values(whole.attributes)
    assert told["sixfb.run.id"] == "run-1"
    assert (told["sixfb.run.status"], told["sixfb.run.blame"], told["error.type"]) == ("failed", "site", "failed")
    assert told["user_agent.synthetic.type"] == "test"
    error = SpanStatus.StatusCode.STATUS_CODE_ERROR
    assert (whole.status.code, whole.status.message) == (error, "POST /api/pay answered 500")
    assert pay.status.code == error
    assert opened.status.code == SpanStatus.StatusCode.STATUS_CODE_OK
    begun = int((A_MOMENT + timedelta(seconds=10)).timestamp()) * 1_000_000_000
    assert (whole.start_time_unix_nano, whole.end_time_unix_nano) == (begun, begun + 2_000_000_000)
    assert (pay.start_time_unix_nano, pay.end_time_unix_nano) == (begun + 1_000_000_000, begun + 1_500_000_000)
    failed = spans["POST /api/pay"]
    assert failed.kind == Span.SpanKind.SPAN_KIND_CLIENT
    assert failed.end_time_unix_nano - failed.start_time_unix_nano == 80_500_000
    assert values(failed.attributes) == {
        "http.request.method": "POST", "http.response.status_code": 500, "http.response.body.size": 20,
        "server.address": "shop.example",
        "url.path": "/api/pay", "sixfb.request.party": "first", "sixfb.request.kind": "other", "sixfb.attempt": 1, "error.type": "500",
    }  # fmt: skip
    assert values(spans["GET /v3"].attributes)["server.address"] == "js.stripe.com"
    assert values(spans["GET /v3"].attributes)["error.type"] == "net::ERR_FAILED"
    resource = values(collector.traces[0].resource_spans[0].resource.attributes)
    assert resource["service.name"] == "sixfb"
    assert resource["deployment.environment.name"] == "test"
    assert resource["service.version"]
    (headers,) = {
        tuple(sorted(one.items()))
        for one in collector.headers
        if one["Content-Length"] == collector.headers[0]["Content-Length"]
    }
    assert dict(headers)["authorization"] == "Bearer a token"
    assert dict(headers)["Content-Type"] == "application/x-protobuf"


def test_each_run_is_sent_once_in_the_order_in_which_it_came(stage: Stage, collector: Collector) -> None:
    many = [a_failed_run(n, attempts=(), steps=()) for n in range(MOST_AT_ONCE + 5)]
    stage.receive(*many)
    assert stage.export() == "0 runs, and the counters", "what was received this moment may have company yet"
    stage.later(SETTLED + timedelta(microseconds=1))
    assert stage.export() == f"{len(many)} runs, and the counters"
    assert [len(told.resource_spans[0].scope_spans[0].spans) for told in collector.traces] == [MOST_AT_ONCE, 5]
    ids = [values(span.attributes)["sixfb.run.id"] for span in collector.spans()]
    assert sorted(ids) == sorted(run.id for run in many)
    stage.later()
    assert stage.export() == "0 runs, and the counters"
    stage.receive(a_failed_run(500))
    stage.later()
    assert stage.export() == "1 runs, and the counters"


def test_the_counters_are_sent_as_cumulative_metrics(stage: Stage, collector: Collector) -> None:
    taken = [
        a_run(id=f"ok-{n}", slot=A_MOMENT + timedelta(minutes=n), duration_ms=n * 1000.0, status=Status.PASSED)
        for n in (3, 4, 200)
    ]
    with stage.store.write() as connection:
        counters.count(connection, [*taken, a_failed_run()])
    stage.export()
    metrics = {one.name: one for one in collector.metrics[0].resource_metrics[0].scope_metrics[0].metrics}
    counted = {values(p.attributes)["sixfb.run.status"]: p.as_int for p in metrics["sixfb.runs"].sum.data_points}
    assert counted == {"passed": 3, "failed": 1}
    assert metrics["sixfb.runs"].sum.is_monotonic
    (point,) = metrics["sixfb.run.duration"].histogram.data_points
    assert (point.count, point.sum) == (3, 207.0)
    assert sum(point.bucket_counts) == 3
    assert point.bucket_counts[-1] == 1, "200 s are beyond the last edge"
    assert len(point.bucket_counts) == len(point.explicit_bounds) + 1
    assert point.start_time_unix_nano == int(A_MOMENT.timestamp()) * 1_000_000_000
    steps = {values(p.attributes)["sixfb.step"] for p in metrics["sixfb.step.duration"].histogram.data_points}
    assert "open" in steps


@pytest.mark.parametrize(
    ("status", "permanent"), [(401, True), (403, True), (404, True), (429, False), (500, False), (503, False)]
)
def test_a_collector_that_refuses_is_told_of_and_nothing_is_lost(
    stage: Stage, collector: Collector, status: int, permanent: bool
) -> None:
    stage.receive(a_failed_run())
    stage.later()
    collector.answers, collector.retry_after = [status], "120"
    with pytest.raises(JobError, match=f"answered {status}") as told:
        stage.export()
    assert told.value.permanent is permanent
    assert told.value.retry_after_s == (120 if status in (429, 503) else None)
    assert "a token" not in str(told.value)
    stage.later()
    assert stage.export() == "1 runs, and the counters"


def test_a_collector_that_is_gone_or_hangs_ends_the_job_in_time(stage: Stage, collector: Collector) -> None:
    stage.receive(a_failed_run())
    stage.later()
    working = stage.settings
    stage.settings = replace(working, traces="http://127.0.0.1:1/v1/traces")
    with pytest.raises(JobError, match=r"http://127\.0\.0\.1:1/v1/traces cannot be reached"):
        stage.export()
    collector.hangs = threading.Event()
    stage.settings = replace(working, timeout_s=0.2)
    with pytest.raises(JobError, match=r"did not answer within 0\.2 s"):
        stage.export()
    collector.hangs.set()
    collector.hangs = None
    stage.settings = working
    assert stage.export() == "1 runs, and the counters"


def test_a_run_that_the_collector_cannot_read_is_left_out_and_told(stage: Stage, collector: Collector) -> None:
    stage.receive(*(a_failed_run(n) for n in range(7)))
    stage.later()
    collector.unreadable = "run-3"
    assert stage.export() == "6 runs; the collector cannot read 1 others, which are left out, and the counters"
    sent = {values(span.attributes).get("sixfb.run.id") for span in collector.spans()} - {None}
    assert sent == {f"run-{n}" for n in range(7) if n != 3}


def test_an_address_that_reads_no_run_at_all_loses_none(stage: Stage, collector: Collector) -> None:
    stage.receive(*(a_failed_run(n) for n in range(3)))
    stage.later()
    collector.unreadable = "ga_purchase"
    with pytest.raises(JobError, match="cannot read any of"):
        stage.export()
    collector.unreadable = ""
    assert stage.export() == "3 runs, and the counters"


def test_what_waited_for_more_than_a_day_is_left_out_and_told(stage: Stage, collector: Collector) -> None:
    stage.receive(a_failed_run(1))
    stage.later(LONGEST_BACKLOG + timedelta(minutes=5))
    recent = stage.now - timedelta(hours=1)
    stage.receive(a_failed_run(2, started_at=recent, finished_at=recent, slot=recent))
    stage.later()
    assert "is left out, because more than 24 h waited" in stage.export()
    assert [values(span.attributes)["sixfb.run.id"] for span in collector.spans() if not span.parent_span_id] == [
        "run-2"
    ]


def test_the_first_export_does_not_send_history(store: Store, tmp_path: Path, collector: Collector) -> None:
    stage = Stage(store, tmp_path, OtlpSettings(traces=f"{collector.url}/v1/traces", metrics=None))
    stage.receive(a_failed_run())
    stage.later()
    assert stage.export() == "0 runs"
    assert collector.metrics == []
    with store.read() as connection:
        assert meta.get(connection, "otlp_exported") is not None


def test_known_secrets_and_bodies_are_not_sent_and_texts_are_bounded(stage: Stage, collector: Collector) -> None:
    KNOWN.learn("very-secret-value")
    stage.receive(a_failed_run(1, error="it said very-secret-value sk_live_abcdefgh " + "x" * 9000))
    stage.later()
    stage.settings = replace(stage.settings, gzip=True)
    stage.export()
    sent = b"".join(told.SerializeToString() for told in collector.traces)
    for gone in (b"very-secret-value", b"sk_live_abcdefgh", b'"secret"', b"secret\x12"):
        assert gone not in sent
    assert all(len(span.status.message) <= 1024 for span in collector.spans())
    assert collector.headers[0]["Content-Encoding"] == "gzip"


def test_of_many_requests_those_that_failed_and_the_slowest_become_spans() -> None:
    run = a_failed_run()
    slow = [
        Request(
            step="open", method="GET", endpoint=f"/{n}", status=200, duration_ms=float(n), party="first", started_ms=1.0
        )
        for n in range(200)
    ]
    attempt = replace(run.attempts[0], requests=(*slow, *run.attempts[0].requests))
    names = [
        span.name for span in spans_of(replace(run, attempts=(attempt,))) if span.kind == Span.SpanKind.SPAN_KIND_CLIENT
    ]
    assert len(names) <= MOST_REQUESTS
    assert {"POST /api/pay", "GET /v3", "GET /199"} <= set(names)
    assert "GET /1" not in names


@pytest.mark.parametrize("status", list(Status))
def test_a_run_of_every_status_has_a_span(status: Status) -> None:
    (span,) = spans_of(a_run(status=status, attempts=(), steps=(), error="\ud800 half"))
    undecided = status in (Status.MISSED, Status.SKIPPED)
    assert (span.status.code == SpanStatus.StatusCode.STATUS_CODE_UNSET) is undecided
    assert (span.status.code == SpanStatus.StatusCode.STATUS_CODE_OK) is (status is Status.PASSED)


def test_the_settings_are_those_of_opentelemetry() -> None:
    assert read_otlp_settings({}) is None
    base = {"OTEL_EXPORTER_OTLP_ENDPOINT": "https://c.example:4318/otlp/"}
    found = read_otlp_settings(base)
    assert found is not None
    assert (found.traces, found.metrics, found.timeout_s) == (
        "https://c.example:4318/otlp/v1/traces",
        "https://c.example:4318/otlp/v1/metrics",
        10,
    )
    own = read_otlp_settings({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://c.example/x"})
    assert own is not None
    assert (own.traces, own.metrics) == ("http://c.example/x", None)
    assert read_otlp_settings(base | {"OTEL_SDK_DISABLED": "true"}) is None
    assert read_otlp_settings(base | {"OTEL_TRACES_EXPORTER": "none", "OTEL_METRICS_EXPORTER": "none"}) is None
    more = {"OTEL_SERVICE_NAME": "shop", "OTEL_EXPORTER_OTLP_TIMEOUT": "500", "OTEL_EXPORTER_OTLP_HEADERS": HEADER}
    named = read_otlp_settings(base | more)
    assert named is not None
    assert (named.resource["service.name"], named.timeout_s, named.headers) == (
        "shop",
        0.5,
        {"authorization": Secret("Bearer a token")},
    )
    assert "a token" not in repr(named)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4317"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "ftp://c.example"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "https://user:word@c.example"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "https://c.example:99999"),
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "https://c.example/?x=1"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "0"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "10s"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "60000"),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "brotli"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "authorization"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "a%0d%0ab=c"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "a=b%0d%0aHost: x"),
        ("OTEL_RESOURCE_ATTRIBUTES", "=x"),
        ("OTEL_SDK_DISABLED", "maybe"),
        ("OTEL_TRACES_EXPORTER", "jaeger"),
    ],
)
def test_a_wrong_setting_is_told_with_its_name_and_without_its_secret(key: str, value: str) -> None:
    with pytest.raises(ConfigError, match=key) as told:
        read_otlp_settings({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c.example", key: value})
    assert "word" not in str(told.value)


def test_nothing_of_opentelemetry_is_loaded_where_nothing_is_exported() -> None:
    imports = "import sys, hub.serve, hub.jobs, hub.otlp_settings, cli.hub"
    script = f"{imports}; print([m for m in sys.modules if m.startswith(('opentelemetry.proto', 'hub.otlp_m'))])"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
