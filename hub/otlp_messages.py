"""Writes runs as OTLP messages: a trace for each run, and the hub's counters as metrics.

It is imported only where runs are exported. Names of attributes are those of OpenTelemetry's semantic
conventions where there are any, else they begin with `sixfb.`: https://opentelemetry.io/docs/specs/semconv/http/http-spans/.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, InstrumentationScope, KeyValue
from opentelemetry.proto.metrics.v1.metrics_pb2 import (
    AggregationTemporality,
    Histogram,
    HistogramDataPoint,
    Metric,
    NumberDataPoint,
    ResourceMetrics,
    ScopeMetrics,
    Sum,
)
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans, Span, Status

from facts import Attempt, Request, Run, StepStatus
from facts import Status as RunStatus
from redact.masking import KNOWN
from store.columns import microseconds
from store.counters import RUN_EDGES_S, STEP_EDGES_S, Counted, Spread

MOST_REQUESTS = 50
"""The most requests of a run that become spans: those that failed first, then the slowest."""
_LONGEST_TEXT = 1024
_FAILED_FROM = 400
_UNDECIDED = (RunStatus.MISSED, RunStatus.SKIPPED)
Value = str | int | float | bool | None


def trace_request(runs: Iterable[Run], resource: Mapping[str, str], version: str) -> bytes:
    """Return the request that exports runs as traces. Ids are derived from the run's, so that what is sent twice is the same."""
    spans = [span for run in runs for span in spans_of(run)]
    scope = ScopeSpans(scope=InstrumentationScope(name="sixfb", version=version), spans=spans)
    told = ResourceSpans(resource=_resource(resource, version), scope_spans=[scope])
    return bytes(ExportTraceServiceRequest(resource_spans=[told]).SerializeToString())


def spans_of(run: Run) -> list[Span]:
    """Return the spans of a run: one for the run, one for each step that began, and one for each of its most telling requests."""
    whole = _span(
        run,
        "run",
        name=f"{run.journey} {run.location}",
        since=run.started_at,
        until=run.finished_at,
        told={
            "sixfb.run.id": run.id,
            "sixfb.run.status": run.status.value,
            "sixfb.run.blame": run.blame.value if run.blame else None,
            "sixfb.run.slow": run.slow,
            "sixfb.run.flaky": run.flaky,
            "sixfb.run.failed_step": run.failed_step,
            "sixfb.run.attempts": len(run.attempts),
            "sixfb.journey": run.journey,
            "sixfb.location": run.location,
            "sixfb.slot": run.slot.isoformat() if run.slot else None,
            "user_agent.synthetic.type": "test",
            "url.full": run.site,
        },
    )
    if run.status not in _UNDECIDED:
        _judge(whole, failed=run.status is not RunStatus.PASSED, why=run.error, kind=run.status.value)
    steps = {(attempt.number, name): span for attempt in run.attempts for name, span in _steps(run, attempt)}
    requests = [(attempt, n, request) for attempt in run.attempts for n, request in enumerate(attempt.requests)]
    chosen = sorted(requests, key=lambda one: (not _has_failed(one[2]), -(one[2].duration_ms or 0)))[:MOST_REQUESTS]
    spans = [whole, *steps.values()]
    for attempt, n, request in chosen:
        if request.started_ms is not None:
            parent = steps.get((attempt.number, request.step or ""), whole)
            spans.append(_request_span(run, attempt, n, request, parent))
    return spans


def _steps(run: Run, attempt: Attempt) -> Iterable[tuple[str, Span]]:
    for n, step in enumerate(attempt.steps):
        if step.started_ms is None:
            continue
        since = attempt.started_at + timedelta(milliseconds=step.started_ms)
        span = _span(
            run,
            f"step {attempt.number} {n}",
            name=step.name,
            since=since,
            until=since + timedelta(milliseconds=step.duration_ms or 0),
            told={"sixfb.step": step.name, "sixfb.step.status": step.status.value, "sixfb.attempt": attempt.number},
            parent=_span_id(run, "run"),
        )
        if step.status is not StepStatus.SKIPPED:
            _judge(span, failed=step.status is not StepStatus.PASSED, why=step.error, kind=step.status.value)
        yield step.name, span


def _request_span(run: Run, attempt: Attempt, n: int, request: Request, parent: Span) -> Span:
    since = attempt.started_at + timedelta(milliseconds=request.started_ms or 0)
    host = urlsplit(run.site if request.party == "first" else request.party).hostname or request.party
    failed = _has_failed(request)
    span = _span(
        run,
        f"request {attempt.number} {n}",
        name=f"{request.method} {request.endpoint}",
        since=since,
        until=since + timedelta(milliseconds=request.duration_ms or 0),
        told={
            "http.request.method": request.method,
            "http.response.status_code": request.status,
            "http.response.body.size": request.body_bytes,
            "server.address": host,
            "url.path": request.endpoint,
            "sixfb.request.party": request.party,
            "sixfb.request.kind": request.kind,
            "sixfb.attempt": attempt.number,
        },
        parent=parent.span_id,
        kind=Span.SpanKind.SPAN_KIND_CLIENT,
    )
    if failed:
        _judge(span, failed=True, why=request.failure, kind=request.failure or str(request.status or "no answer"))
    return span


def _has_failed(request: Request) -> bool:
    return request.failure is not None or request.status is None or request.status >= _FAILED_FROM


def _span(
    run: Run,
    which: str,
    *,
    name: str,
    since: datetime,
    until: datetime,
    told: Mapping[str, Value],
    parent: bytes = b"",
    kind: Span.SpanKind.ValueType = Span.SpanKind.SPAN_KIND_INTERNAL,
) -> Span:
    return Span(
        trace_id=hashlib.sha256(run.id.encode()).digest()[:16],
        span_id=_span_id(run, which),
        parent_span_id=parent,
        name=_text(name),
        kind=kind,
        start_time_unix_nano=_nanoseconds(since),
        end_time_unix_nano=_nanoseconds(max(since, until)),
        attributes=_attributes(told),
    )


def _span_id(run: Run, which: str) -> bytes:
    return hashlib.sha256(f"{run.id}\0{which}".encode()).digest()[:8]


def _judge(span: Span, *, failed: bool, why: str | None, kind: str) -> None:
    """Set a span's status; one that failed also has the low-cardinality `error.type`."""
    code = Status.StatusCode.STATUS_CODE_ERROR if failed else Status.StatusCode.STATUS_CODE_OK
    span.status.CopyFrom(Status(code=code, message=_text(why or "") if failed else ""))
    if failed:
        span.attributes.extend(_attributes({"error.type": kind}))


def metrics_request(
    counted: Sequence[Counted], resource: Mapping[str, str], version: str, *, since: datetime, now: datetime
) -> bytes:
    """Return the request that exports the hub's counters: runs by status, and how long passed runs and steps took.

    They are cumulative since `since`, when the hub first watched.
    """
    begins, ends = _nanoseconds(since), _nanoseconds(now)
    runs, lengths, steps = [], [], []
    for one in counted:
        place: dict[str, Value] = {"sixfb.journey": one.journey, "sixfb.location": one.location}
        for status, n in sorted(one.statuses.items()):
            told = _attributes({**place, "sixfb.run.status": status})
            point = NumberDataPoint(attributes=told, as_int=n, start_time_unix_nano=begins, time_unix_nano=ends)
            runs.append(point)
        lengths.append(_histogram(one.runs, RUN_EDGES_S, place, begins, ends))
        for name, of in sorted(one.steps.items()):
            steps.append(_histogram(of, STEP_EDGES_S, {**place, "sixfb.step": name}, begins, ends))
    cumulative = AggregationTemporality.AGGREGATION_TEMPORALITY_CUMULATIVE
    total = Sum(data_points=runs, aggregation_temporality=cumulative, is_monotonic=True)
    metrics = [
        Metric(name="sixfb.runs", unit="{run}", description="Runs of slots by their final status.", sum=total),
        Metric(
            name="sixfb.run.duration",
            unit="s",
            description="How long runs that passed took.",
            histogram=Histogram(data_points=lengths, aggregation_temporality=cumulative),
        ),
        Metric(
            name="sixfb.step.duration",
            unit="s",
            description="How long steps that passed took.",
            histogram=Histogram(data_points=steps, aggregation_temporality=cumulative),
        ),
    ]
    scope = ScopeMetrics(scope=InstrumentationScope(name="sixfb", version=version), metrics=metrics)
    of_hub = ResourceMetrics(resource=_resource(resource, version), scope_metrics=[scope])
    return bytes(ExportMetricsServiceRequest(resource_metrics=[of_hub]).SerializeToString())


def _histogram(
    spread: Spread, edges: Sequence[float], told: Mapping[str, Value], begins: int, ends: int
) -> HistogramDataPoint:
    counts = [spread.counts.get(f"{edge:g}", 0) for edge in edges] + [spread.counts.get("inf", 0)]
    return HistogramDataPoint(
        attributes=_attributes(told),
        explicit_bounds=[float(edge) for edge in edges],
        bucket_counts=counts,
        count=sum(counts),
        sum=spread.total,
        start_time_unix_nano=begins,
        time_unix_nano=ends,
    )


def _resource(told: Mapping[str, str], version: str) -> Resource:
    return Resource(attributes=_attributes({"service.version": version, **told}))


def _attributes(told: Mapping[str, Value]) -> list[KeyValue]:
    return [KeyValue(key=key, value=_value(value)) for key, value in told.items() if value is not None]


def _value(value: Value) -> AnyValue:
    if isinstance(value, bool):
        return AnyValue(bool_value=value)
    if isinstance(value, int):
        return AnyValue(int_value=value)
    return AnyValue(double_value=value) if isinstance(value, float) else AnyValue(string_value=_text(value or ""))


def _text(text: str) -> str:
    """Return a text without known secrets and without what protobuf cannot hold, at most 1,024 characters long."""
    whole = KNOWN.mask(text[: 4 * _LONGEST_TEXT])
    return whole.encode("utf-8", "replace").decode("utf-8", "replace")[:_LONGEST_TEXT]


def _nanoseconds(moment: datetime) -> int:
    return max(0, (microseconds(moment) or 0) * 1000)
