"""Web vitals as the page's own observers tell them, kept for every page of an attempt."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from facts import Vital
from journeys.recording.endpoints import endpoint_of, party_of

SCRIPT = Path(__file__).with_name("vitals.js")
BINDING = "__sixfb_vitals"

_MS = (("LCP", "lcp", "lcpTarget"), ("INP", "inp", "inpTarget"), ("FID", "fid", "fidTarget"))
_PLAIN_MS = (("FCP", "fcp"), ("TTFB", "ttfb"))


class VitalsLog:
    """The last push of each document, in the order in which the documents came."""

    def __init__(self, *, first: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._first = first
        self._clock = clock
        self._documents: dict[str, list[dict[str, Any]]] = {}
        self.last_motion = clock()
        """Clock time of the latest paint or layout shift that any page told."""
        self.latest_url = ""
        """The address of the page that told something last."""
        self.tells_soft_navigations = False
        """Whether the browser tells them; where it does not, a page reached without a load never tells its address."""

    def take(self, payload: str) -> None:
        """One push of the page's script: JSON of `document`, `quiet` (ms since its last paint or shift) and `visits`.

        A page could call the binding itself; what does not look like a push is ignored.
        """
        try:
            push = json.loads(payload)
            document, visits, quiet = str(push["document"]), list(push["visits"]), float(push["quiet"])
            url = str(visits[-1]["url"])
        except (ValueError, TypeError, KeyError, IndexError):
            return
        self._documents[document] = visits[:50]
        self.latest_url = url
        self.tells_soft_navigations = bool(push.get("soft"))
        self.last_motion = max(self.last_motion, self._clock() - quiet / 1000)

    @property
    def pages_seen(self) -> int:
        """How many hard and soft navigations have been told so far."""
        return sum(len(visits) for visits in self._documents.values())

    def vitals(self) -> tuple[Vital, ...]:
        """All vitals of all pages, six a page."""
        return tuple(
            vital for visits in self._documents.values() for visit in visits for vital in _vitals(visit, self._first)
        )


def _vitals(visit: dict[str, Any], first: str) -> list[Vital]:
    url = str(visit.get("url", ""))
    party = party_of(url, first=first)
    page = endpoint_of(url) if party == "first" else party + endpoint_of(url)
    soft = visit.get("kind") == "soft"
    navigation = "soft" if soft else "hard"
    cut = bool(visit.get("cut"))

    def a_vital(name: str, key: str, unit: str = "ms", target: str | None = None) -> Vital:
        text = visit.get(target) if target else None
        return Vital(
            page=page,
            name=name,
            value=_number(visit.get(key), digits=4 if unit == "score" else 1),
            unit=unit,
            navigation=navigation,
            cut=cut and name in ("LCP", "CLS"),
            target=str(text)[:120] if text else None,
        )

    return [
        *(a_vital(name, key, target=target) for name, key, target in _MS),
        a_vital("CLS", "cls", unit="score", target="clsTarget"),
        *(a_vital(name, key) for name, key in _PLAIN_MS),
    ]


def _number(value: Any, *, digits: int) -> float | None:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return round(float(value), digits) if is_number else None
