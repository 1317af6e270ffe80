"""Builds the section on the browser's requests and their responses, step by step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from facts import Attempt, Request, Step
from reports import charts, phases, words

_TALKS = frozenset({"fetch", "xhr", "document"})
_MOST_SHOWN = 12
_SLOWEST_OF_A_STEP = 2
_MOST_ROWS = 30
_BETWEEN = "between steps"


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestRow:
    """Holds one request. `tone` is `bad` for the likely cause, `warn` for any other failed request, else `plain`.

    `spent` is its time by phase, `size` the transferred bytes as text. `is_first` is whether it went to the site itself.
    """

    step: str
    method: str
    endpoint: str
    answer: str
    took: str
    party: str
    kind: str
    tone: str
    failure: str | None
    body: str | None
    bar: Markup
    spent: tuple[phases.Spent, ...]
    size: str
    is_first: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestGroup:
    """Holds the requests that started in one step."""

    step: str
    summary: str
    failed: int
    is_open: bool
    rows: tuple[RequestRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestsSection:
    """Holds the section.

    `first` and `third` count the requests to the site and to others. `cause` is the request that most likely stopped the
    run. `troubled` are the failed requests, the cause first; `hidden` counts those beyond the list. `waterfall` are the
    failed requests, and then the slowest of each step, with bars on one scale. `legend` names the colours of the bars, if
    any request's phases are known.
    """

    total: int
    failed: int
    first: int
    third: int
    cause: RequestRow | None
    troubled: tuple[RequestRow, ...]
    hidden: int
    waterfall: tuple[RequestRow, ...]
    legend: tuple[phases.Spent, ...]
    groups: tuple[RequestGroup, ...]


def requests_section(attempt: Attempt | None, failed_step: str | None) -> RequestsSection:
    """Return the requests of an attempt; an empty section for a run without an attempt."""
    requests = attempt.requests if attempt else ()
    cause = cause_of(attempt, failed_step) if attempt else None
    bad = sorted((r for r in requests if went_wrong(r)), key=lambda r: _weight(r, cause, failed_step))
    names = _steps_of(requests, attempt.steps if attempt else ())
    first = sum(r.party == "first" for r in requests)
    return RequestsSection(
        total=len(requests),
        failed=len(bad),
        first=first,
        third=len(requests) - first,
        cause=_row(cause, cause, (cause,)) if cause else None,
        waterfall=tuple(_row(r, cause, requests) for r in _worth_showing(requests, bad, names)),
        troubled=tuple(_row(r, cause, (r,)) for r in bad[:_MOST_SHOWN]),
        hidden=max(0, len(bad) - _MOST_SHOWN),
        legend=phases.legend(phases.OF_REQUEST) if any(r.phases for r in requests) else (),
        groups=tuple(_group(name, [r for r in requests if r.step == name], cause, failed_step) for name in names),
    )


def _worth_showing(requests: Sequence[Request], bad: Sequence[Request], names: Sequence[str | None]) -> list[Request]:
    """Return the failed requests, and then the slowest of each step in their order."""
    shown = list(bad[:_MOST_SHOWN])
    failed = {id(r) for r in bad}
    for name in names:
        rest = [r for r in requests if r.step == name and id(r) not in failed]
        slowest = sorted(rest, key=lambda r: -(r.duration_ms or 0))[:_SLOWEST_OF_A_STEP]
        shown += sorted(slowest, key=lambda r: r.started_ms or 0)
    return shown[:_MOST_ROWS]


def went_wrong(request: Request) -> bool:
    """Return whether a request got no response, or a status of 400 or more. A request that the page itself cancelled did not fail."""
    if request.status is not None:
        return request.status >= 400
    return request.failure != "net::ERR_ABORTED"


def cause_of(attempt: Attempt, failed_step: str | None) -> Request | None:
    """Return the request that most likely stopped the attempt: the one its error names, else the failed step's first failed one."""
    if attempt.error is None:
        return None
    wrong = [r for r in attempt.requests if went_wrong(r) and r.kind in _TALKS and r.step == failed_step]
    # The error names the request that stopped the step; other failed requests may be harmless.
    named = [r for r in wrong if r.endpoint in attempt.error and (r.status is None or str(r.status) in attempt.error)]
    return next(iter(named or wrong), None)


def _weight(request: Request, cause: Request | None, failed_step: str | None) -> tuple[bool, bool, bool]:
    return (request is not cause, request.step != failed_step, request.kind not in _TALKS)


def _steps_of(requests: Sequence[Request], steps: Sequence[Step]) -> list[str | None]:
    """Return the names of the steps with requests, in order; None stands for the time between steps."""
    asked = dict.fromkeys(r.step for r in requests)
    known = [step.name for step in steps if step.name in asked]
    return [*known, *(name for name in asked if name not in known)]


def _group(name: str | None, requests: list[Request], cause: Request | None, failed_step: str | None) -> RequestGroup:
    failed = sum(went_wrong(r) for r in requests)
    return RequestGroup(
        step=name or _BETWEEN,
        summary=words.count(len(requests), "request"),
        failed=failed,
        is_open=name is not None and name == failed_step,
        rows=tuple(_row(r, cause, requests) for r in requests),
    )


def _row(request: Request, cause: Request | None, among: Sequence[Request]) -> RequestRow:
    if not went_wrong(request):
        tone = "plain"
    elif request is cause:
        tone = "bad"
    else:
        tone = "warn"
    return RequestRow(
        step=request.step or _BETWEEN,
        method=request.method,
        endpoint=request.endpoint,
        answer=str(request.status) if request.status is not None else "no answer",
        took=words.duration(request.duration_ms),
        party="the site" if request.party == "first" else request.party,
        kind=request.kind,
        tone=tone,
        failure=request.failure,
        body=request.body,
        bar=_bar(request, among, tone),
        spent=phases.spent(request.phases),
        size=_size(request),
        is_first=request.party == "first",
    )


def _size(request: Request) -> str:
    if request.transferred_bytes is None:
        return "–"
    return "from the cache" if request.transferred_bytes == 0 else words.size(request.transferred_bytes)


def _bar(request: Request, among: Sequence[Request], tone: str) -> Markup:
    timed = [(r.started_ms, r.started_ms + (r.duration_ms or 0)) for r in among if r.started_ms is not None]
    if request.started_ms is None or not timed:
        return Markup("")
    first = min(start for start, _ in timed)
    total = max(1.0, max(end for _, end in timed) - first)
    start = request.started_ms - first
    if request.phases:
        return phases.bar(request.phases, start=start, total=total)
    return charts.waterfall(start, request.duration_ms or 0, total, tone=tone)
