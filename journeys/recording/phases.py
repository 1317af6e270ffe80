"""Splits a duration into its phases, in order, so that the parts sum to the whole."""

from __future__ import annotations

from collections.abc import Mapping

_NEVER = -1


def parts_of(total: float, parts: Mapping[str, float]) -> dict[str, float]:
    """The parts in ms, to a tenth. Their ends are what is rounded, and the last is the total: so they still sum to it."""
    found: dict[str, float] = {}
    reached = spent = 0.0
    whole = round(total, 1)
    for number, (name, length) in enumerate(parts.items(), start=1):
        spent += max(0.0, length)
        end = whole if number == len(parts) else min(whole, round(spent, 1))
        found[name] = round(end - reached, 1)
        reached = end
    return found


def request_phases(timing: Mapping[str, float]) -> dict[str, float]:
    """What a request's time was spent on (see `facts.Request`), from the browser's own times of it.

    `timing` is Playwright's: ms since the request's start, -1 for what did not happen
    (https://playwright.dev/python/docs/api/class-request#request-timing). Empty where the browser tells no answer's times.
    """
    lookup = _between(timing, "domainLookupStart", "domainLookupEnd")
    secure = timing["secureConnectionStart"] >= 0
    connect = _between(timing, "connectStart", "secureConnectionStart" if secure else "connectEnd")
    tls = _between(timing, "secureConnectionStart", "connectEnd")
    wait = _between(timing, "requestStart", "responseStart")
    receive = _between(timing, "responseStart", "responseEnd")
    if wait is None or receive is None:
        return {}
    total = timing["responseEnd"]
    known = {"dns": lookup, "connect": connect, "tls": tls, "wait": wait, "receive": receive}
    happened = {name: length for name, length in known.items() if length is not None}
    queued = total - sum(happened.values())
    return parts_of(total, ({"queued": queued} if queued >= 0.1 else {}) | happened)


def _between(timing: Mapping[str, float], start: str, end: str) -> float | None:
    began, ended = timing[start], timing[end]
    return None if _NEVER in (began, ended) else max(0.0, ended - began)
