"""Exports runs by OTLP: as traces, and the hub's counters as metrics.

The job reads what was stored, and so a collector that hangs or is gone holds up neither runners nor alerts: runs wait in the database.
"""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from datetime import datetime, timedelta

import httpx

from facts import Run, to_wire
from hub.jobs.job import Backoff, CatchUp, Job, JobContext, JobError, JobServices
from hub.jobs.schedule import Every
from hub.otlp_settings import OtlpSettings
from journeys.browser import our_version
from process.bounded_http import bounded_client, retry_after_s
from redact.masking import KNOWN
from store import counters, meta, runs

MOST_AT_ONCE, MOST_BATCHES = 100, 10
"""The runs in one request, and the requests in one run of the job; more wait for the next."""
LONGEST_BACKLOG = timedelta(hours=24)
SETTLED = timedelta(seconds=30)
"""The smallest age of a run that is exported: one that another hub received earlier may be written later."""
_PLACE = "otlp_exported"
_DEADLINE_S, _LARGEST_ANSWER = 120.0, 64 * 1024
_UNREADABLE = (400, 413)
_LATER = (429, 502, 503, 504)


def _export(context: JobContext) -> str:
    services = context.services
    settings = services.otlp
    assert settings is not None
    with bounded_client(timeout_s=settings.timeout_s, most_bytes=_LARGEST_ANSWER) as client:
        told = _export_runs(context, settings, client) if settings.traces else ""
        if settings.metrics:
            context.check()
            _export_metrics(services, settings, client, settings.metrics)
            told = f"{told}, and the counters" if told else "the counters"
    return told


def _export_runs(context: JobContext, settings: OtlpSettings, client: httpx.Client) -> str:
    services = context.services
    until = services.clock() - SETTLED
    place, skipped = _begin(services, until)
    sent, refused = 0, 0
    for _ in range(MOST_BATCHES):
        context.check()
        with services.store.read() as connection:
            batch = runs.received_after(connection, place=place, until=until, limit=MOST_AT_ONCE)
        if batch:
            refused += _send_runs([run for _, run in batch], settings, client)
            sent += len(batch)
            place = (batch[-1][0], batch[-1][1].id)
            _note(services, place)
        if len(batch) < MOST_AT_ONCE:
            break
    said = f"{sent - refused:,} runs"
    said += f"; the collector cannot read {refused:,} others, which are left out" if refused else ""
    return said + (
        f"; what was received before {to_wire(place[0])} is left out, because more than 24 h waited" if skipped else ""
    )


def _begin(services: JobServices, until: datetime) -> tuple[tuple[datetime, str], bool]:
    """Return the place after which runs are exported, and whether some were skipped; the first export begins with now."""
    with services.store.read() as connection:
        told = meta.get(connection, _PLACE)
    if told is None:
        place = (until, "")
        _note(services, place)
        return place, False
    place = (datetime.fromisoformat(told["at"]), str(told["id"]))
    oldest = until - LONGEST_BACKLOG
    return ((oldest, ""), True) if place[0] < oldest else (place, False)


def _note(services: JobServices, place: tuple[datetime, str]) -> None:
    with services.store.write() as connection:
        meta.put(connection, _PLACE, {"at": place[0].isoformat(), "id": place[1]})


def _send_runs(batch: Sequence[Run], settings: OtlpSettings, client: httpx.Client) -> int:
    """Send runs; a request that the collector cannot read is halved, until a single run is left out. Return how many were left out."""
    from hub.otlp_messages import trace_request

    assert settings.traces is not None
    status = _post(client, settings, settings.traces, trace_request(batch, settings.resource, our_version()))
    if status not in _UNREADABLE:
        return 0
    if len(batch) == 1:
        return 1
    middle = len(batch) // 2
    refused = [_send_runs(half, settings, client) for half in (batch[:middle], batch[middle:])]
    if sum(refused) == len(batch):
        raise JobError(
            f"{_name(settings.traces)} answered {status}: it cannot read any of {len(batch)} runs; is it for OTLP?"
        )
    return sum(refused)


def _export_metrics(services: JobServices, settings: OtlpSettings, client: httpx.Client, address: str) -> None:
    from hub.otlp_messages import metrics_request

    with services.store.read() as connection:
        counted = counters.read(connection)
    body = metrics_request(
        counted, settings.resource, our_version(), since=services.first_watched, now=services.clock()
    )
    status = _post(client, settings, address, body)
    if status in _UNREADABLE:
        raise JobError(f"{_name(address)} answered {status}: it cannot read the counters; is it for OTLP?")


def _post(client: httpx.Client, settings: OtlpSettings, address: str, body: bytes) -> int:
    """Send a message; return the status, which is 200 or one that says that the message cannot be read. Raises JobError."""
    headers = {key: secret.reveal() for key, secret in settings.headers.items()}
    headers |= {"Content-Type": "application/x-protobuf"} | ({"Content-Encoding": "gzip"} if settings.gzip else {})
    try:
        answer = client.post(address, content=gzip.compress(body) if settings.gzip else body, headers=headers)
    except httpx.TimeoutException:
        raise JobError(f"{_name(address)} did not answer within {settings.timeout_s:g} s") from None
    except httpx.HTTPError as error:
        raise JobError(f"{_name(address)} cannot be reached: {KNOWN.mask(str(error))[:200]}") from None
    if answer.is_success or answer.status_code in _UNREADABLE:
        return answer.status_code
    wait_s = retry_after_s(answer.headers) if answer.status_code in _LATER else None
    is_permanent = answer.status_code in (401, 403, 404, 405, 415)
    hint = "; check OTEL_EXPORTER_OTLP_HEADERS and the address" if is_permanent else ""
    raise JobError(
        f"{_name(address)} answered {answer.status_code}{hint}", permanent=is_permanent, retry_after_s=wait_s
    )


def _name(address: str) -> str:
    return KNOWN.mask(address)


JOB = Job(
    name="otlp_export",
    purpose="Exports runs by OTLP, as traces and metrics.",
    schedule=Every(60),
    do=_export,
    catch_up=CatchUp.SKIP,
    deadline_s=_DEADLINE_S,
    backoff=Backoff(first_s=60.0, longest_s=900.0),
    is_configured=lambda services: services.otlp is not None,
)
