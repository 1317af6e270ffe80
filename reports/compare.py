"""Compares a run with the last good one of the same journey and location; the most significant differences come first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from facts import Attempt, Request, Run, StepStatus
from reports import words
from reports.sections.requests import went_wrong
from reports.words import duration, utc

_MOST = 12
_MOST_OF_A_KIND = 3
_SLOWER_BY = 1.3
_SLOWER_MS = 200.0


class Kind(StrEnum):
    """The kinds of differences, the most informative first."""

    STEP_FAILED = "step failed"
    ANSWER = "answer"
    NEW = "new request"
    SETTING = "setting"
    FILE = "file"
    STEP_SLOWER = "slower step"
    SLOWER = "slower request"
    GONE = "request gone"


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Holds one difference. `weight` orders the differences; `then` and `now` are text."""

    kind: Kind
    what: str
    then: str
    now: str
    tone: str
    weight: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Holds the differences of one kind: a sentence with their number, and the first of them; `more` counts the others."""

    kind: Kind
    tone: str
    sentence: str
    rows: tuple[Difference, ...]
    more: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Holds the differences from a good run; `more` counts the rows left out.

    `changes` are the same differences by kind. `same` names what is the same in both runs, as text. `note` says what could
    not be compared. `before` is how long before this run the good one started.
    """

    run_id: str
    at: str
    before: str
    rows: tuple[Difference, ...]
    more: int
    changes: tuple[Change, ...]
    same: str
    note: str | None = None


def compare(run: Run, good: Run) -> Comparison:
    """Return the differences between a run and a good one of the same journey and location."""
    found = [*_settings(run, good), *_steps(run, good), *_requests(run, good), *_files(run, good)]
    found.sort(key=lambda d: -d.weight)
    return Comparison(
        run_id=good.id,
        at=utc(good.started_at),
        before=words.span(run.started_at - good.started_at),
        rows=tuple(found[:_MOST]),
        more=max(0, len(found) - _MOST),
        changes=_by_kind(found),
        same=words.listed([what.lower() for what, now, then in _set(run, good) if now == then]),
        note=_incomparable(run, good),
    )


def _by_kind(found: Sequence[Difference]) -> tuple[Change, ...]:
    changes = []
    for kind in Kind:
        rows = [d for d in found if d.kind is kind]
        if rows:
            tone = "bad" if any(d.tone == "bad" for d in rows) else "warn"
            shown = tuple(rows[:_MOST_OF_A_KIND])
            more = len(rows) - len(shown)
            changes.append(Change(kind=kind, tone=tone, sentence=_sentence(kind, len(rows)), rows=shown, more=more))
    return tuple(changes)


def _sentence(kind: Kind, n: int) -> str:
    one, many = _SENTENCES[kind]
    return one if n == 1 else many.format(n=n)


_SENTENCES = {
    Kind.STEP_FAILED: ("1 step failed", "{n} steps failed"),
    Kind.ANSWER: ("1 answer is different", "{n} answers are different"),
    Kind.NEW: ("1 request is new", "{n} requests are new"),
    Kind.SETTING: ("1 setting is different", "{n} settings are different"),
    Kind.FILE: ("1 script or style sheet changed", "{n} scripts or style sheets changed"),
    Kind.STEP_SLOWER: ("1 step is slower", "{n} steps are slower"),
    Kind.SLOWER: ("1 request is slower", "{n} requests are slower"),
    Kind.GONE: ("1 request is gone", "{n} requests are gone"),
}


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


def _set(run: Run, good: Run) -> tuple[tuple[str, str, str], ...]:
    return (("Browser", run.browser, good.browser), ("Plan", run.plan, good.plan), ("Site", run.site, good.site))


def _settings(run: Run, good: Run) -> Iterator[Difference]:
    for what, now, then in _set(run, good):
        if now != then:
            yield Difference(kind=Kind.SETTING, what=what, then=then, now=now, tone="warn", weight=500)


def _steps(run: Run, good: Run) -> Iterator[Difference]:
    before = {step.name: step for step in good.steps}
    for step in run.steps:
        then = before.get(step.name)
        was = duration(then.duration_ms) if then else "not there"
        if step.status in (StepStatus.FAILED, StepStatus.TIMED_OUT):
            ended = f"{step.status.value.replace('_', ' ')} after {duration(step.duration_ms)}"
            yield Difference(
                kind=Kind.STEP_FAILED, what=f"Step {step.name}", then=was, now=ended, tone="bad", weight=1000
            )
        elif then is not None and _slower(step.duration_ms, then.duration_ms):
            share = (step.duration_ms or 0) / (then.duration_ms or 1)
            now = f"{duration(step.duration_ms)} ({share:.1f} ×)"
            yield Difference(
                kind=Kind.STEP_SLOWER, what=f"Step {step.name}", then=was, now=now, tone="warn", weight=100 + share
            )


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
            if not good.cut.get("requests") and (went_wrong(request) or _is_telling(request)):
                tone, weight = ("bad", 800) if went_wrong(request) else ("warn", 30)
                yield _row(Kind.NEW, name, "not asked", _answer(request), tone, weight)
        elif _answer(request) != _answer(was):
            yield _row(Kind.ANSWER, name, _answer(was), _answer(request), "bad" if went_wrong(request) else "warn", 900)
        elif _slower(request.duration_ms, was.duration_ms):
            yield _row(Kind.SLOWER, name, duration(was.duration_ms), duration(request.duration_ms), "warn", 50)
    if run.cut.get("requests"):
        return
    # Requests of steps that this run never reached are naturally missing.
    reached = {step.name for step in run.steps if step.status is not StepStatus.SKIPPED}
    for name, request in before.items():
        telling = _is_telling(request) and (request.step is None or request.step in reached)
        if name not in after and telling:
            yield _row(Kind.GONE, name, _answer(request), "not asked", "warn", 40)


def _is_telling(request: Request) -> bool:
    """Return whether a request that appears or disappears says something: pictures and fonts come and go with the cache."""
    return request.kind in ("fetch", "xhr", "document")


def _files(run: Run, good: Run) -> Iterator[Difference]:
    """Yield the scripts and style sheets of which another version was loaded, by endpoint.

    The name tells a version where it has a hash, and the size where it has none.
    """
    if run.cut.get("requests") or good.cut.get("requests"):
        return
    before, after = _versions(good.counted), _versions(run.counted)
    for name, now in after.items():
        then = before.get(name)
        if then is None:
            continue
        # A step that was not reached loads fewer files of the same name; only another version is a change.
        came, went = [v for v in now if v not in then], [v for v in then if v not in now]
        if came:
            yield _row(Kind.FILE, name, _named(went) or "not loaded", _named(came), "warn", 300)


def _versions(attempt: Attempt | None) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for request in attempt.requests if attempt else ():
        if request.file is None or request.status is None or request.status >= 400:
            continue
        versions = found.setdefault(_name(request), [])
        # What came from the browser's cache has no size of its own.
        size = f" ({words.size(request.body_bytes)})" if request.body_bytes and request.file in request.endpoint else ""
        version = request.file + size
        if version not in versions:
            versions.append(version)
    return found


def _named(versions: Sequence[str]) -> str:
    more = f" and {len(versions) - 2} more" if len(versions) > 2 else ""
    return ", ".join(versions[:2]) + more


def _row(kind: Kind, name: str, then: str, now: str, tone: str, weight: float) -> Difference:
    return Difference(kind=kind, what=name, then=then, now=now, tone=tone, weight=weight)


def _by_name(attempt: Attempt | None) -> dict[str, Request]:
    """Return the worst request of each name: a retry that succeeded must not hide the request that failed."""
    found: dict[str, Request] = {}
    for request in attempt.requests if attempt else ():
        name = _name(request)
        if name not in found or (went_wrong(request) and not went_wrong(found[name])):
            found[name] = request
    return found


def _name(request: Request) -> str:
    place = "" if request.party == "first" else f" ({request.party})"
    return f"{request.method} {request.endpoint}{place}"


def _answer(request: Request) -> str:
    return str(request.status) if request.status is not None else request.failure or "no answer"
