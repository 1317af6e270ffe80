"""Compares a run with the last good one of the same journey and location; the most significant differences come first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from facts import Attempt, Request, Run, StepStatus
from reports.words import duration, utc

_MOST = 12
_SLOWER_BY = 1.3
_SLOWER_MS = 200.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Holds one difference. `weight` orders the differences; `then` and `now` are text."""

    what: str
    then: str
    now: str
    tone: str
    weight: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Holds the differences from a good run; `more` counts those left out. `note` says what could not be compared."""

    run_id: str
    at: str
    rows: tuple[Difference, ...]
    more: int
    note: str | None = None


def compare(run: Run, good: Run) -> Comparison:
    """Return the differences between a run and a good one of the same journey and location."""
    found = [*_settings(run, good), *_steps(run, good), *_requests(run, good)]
    found.sort(key=lambda d: -d.weight)
    return Comparison(
        run_id=good.id,
        at=utc(good.started_at),
        rows=tuple(found[:_MOST]),
        more=max(0, len(found) - _MOST),
        note=_incomparable(run, good),
    )


def _incomparable(run: Run, good: Run) -> str | None:
    """Return what cannot be compared because it was not recorded, as text; None if everything can."""
    if not _walked(run.counted):
        return "This run recorded no requests, so requests are not compared."
    if not _walked(good.counted):
        return "The good run recorded no requests, so requests are not compared."
    short = [whose for whose, r in (("this run's", run), ("the good run's", good)) if r.cut.get("requests")]
    return (
        f"Of {' and '.join(short)} requests only a part was kept; what is missing there is not compared."
        if short
        else None
    )


def _walked(attempt: Attempt | None) -> bool:
    return attempt is not None and bool(attempt.requests)


def _settings(run: Run, good: Run) -> Iterator[Difference]:
    for what, now, then in (
        ("Browser", run.browser, good.browser),
        ("Plan", run.plan, good.plan),
        ("Site", run.site, good.site),
    ):
        if now != then:
            yield Difference(what=what, then=then, now=now, tone="warn", weight=500)


def _steps(run: Run, good: Run) -> Iterator[Difference]:
    before = {step.name: step for step in good.steps}
    for step in run.steps:
        then = before.get(step.name)
        was = duration(then.duration_ms) if then else "not there"
        if step.status in (StepStatus.FAILED, StepStatus.TIMED_OUT):
            words = f"{step.status.value.replace('_', ' ')} after {duration(step.duration_ms)}"
            yield Difference(what=f"Step {step.name}", then=was, now=words, tone="bad", weight=1000)
        elif then is not None and _slower(step.duration_ms, then.duration_ms):
            share = (step.duration_ms or 0) / (then.duration_ms or 1)
            now = f"{duration(step.duration_ms)} ({share:.1f} ×)"
            yield Difference(what=f"Step {step.name}", then=was, now=now, tone="warn", weight=100 + share)


def _slower(now: float | None, then: float | None) -> bool:
    return now is not None and then is not None and now > then * _SLOWER_BY and now - then > _SLOWER_MS


def _requests(run: Run, good: Run) -> Iterator[Difference]:
    now, then = run.counted, good.counted
    if not _walked(now) or not _walked(then):
        return
    before, after = _by_name(then), _by_name(now)
    for name, request in after.items():
        was = before.get(name)
        if was is None:
            # A request missing from a shortened record may have been made all the same.
            if _failed(request) and not good.cut.get("requests"):
                yield _row(name, "not asked", _answer(request), "bad", 800)
        elif _answer(request) != _answer(was):
            yield _row(name, _answer(was), _answer(request), "bad" if _failed(request) else "warn", 900)
        elif _slower(request.duration_ms, was.duration_ms):
            yield _row(name, duration(was.duration_ms), duration(request.duration_ms), "warn", 50)
    if run.cut.get("requests"):
        return
    # Requests of steps that this run never reached are naturally missing.
    reached = {step.name for step in run.steps if step.status is not StepStatus.SKIPPED}
    for name, request in before.items():
        telling = request.kind in ("fetch", "xhr", "document") and (request.step is None or request.step in reached)
        if name not in after and telling:
            yield _row(name, _answer(request), "not asked", "warn", 40)


def _row(name: str, then: str, now: str, tone: str, weight: float) -> Difference:
    return Difference(what=name, then=then, now=now, tone=tone, weight=weight)


def _by_name(attempt: Attempt | None) -> dict[str, Request]:
    """Return the worst request of each name: a retry that succeeded must not hide the request that failed."""
    found: dict[str, Request] = {}
    for request in attempt.requests if attempt else ():
        place = "" if request.party == "first" else f" ({request.party})"
        name = f"{request.method} {request.endpoint}{place}"
        if name not in found or (_failed(request) and not _failed(found[name])):
            found[name] = request
    return found


def _failed(request: Request) -> bool:
    return request.status is None or request.status >= 400


def _answer(request: Request) -> str:
    return str(request.status) if request.status is not None else request.failure or "no answer"
