"""Keeps the web vitals that the browser's observers report for every page of an attempt."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Set
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from facts import Vital
from journeys.recording.endpoints import endpoint_of, party_of
from journeys.recording.phases import parts_of

SCRIPT = Path(__file__).with_name("vitals.js")
BINDING = "__sixfb_vitals"

_LCP_PHASES = ("ttfb", "load_delay", "load_duration", "render_delay")
_INP_PHASES = ("input_delay", "processing", "presentation")
_LONGEST_URL = 200
_MOST_DOCUMENTS = 50
_LONGEST = 1 << 18
_LATEST_MS = 3000.0
_FARTHEST = 100_000


class VitalsLog:
    """Holds the last report of each document, in the order in which the documents appeared."""

    def __init__(self, *, first: Set[str], clock: Callable[[], float] = time.monotonic) -> None:
        self._first = first
        self._clock = clock
        self._documents: dict[str, list[dict[str, Any]]] = {}
        self.left_out = 0
        """Pushes that were not kept: a page loads itself for ever, or says too much at once."""
        self.last_motion = clock()
        """Clock time of the latest paint or layout shift that any page told."""
        self.latest_url = ""
        """The address of the page that told something last."""
        self.tells_soft_navigations = False
        """Whether the browser tells them; where it does not, a page reached without a load never tells its address."""

    def take(self, payload: str) -> None:
        """Take one push of the page's script: JSON of `document`, `quiet` and `visits`.

        `quiet` is how many ms the page has been at rest: since its last paint or shift that counts, or the end of an animation. It is
        below 0 where an animation is still running, or where shifts count only from then on.

        A page could call the binding itself; what does not look like a push is ignored.
        """
        if len(payload) > _LONGEST:
            self.left_out += 1
            return
        try:
            push = json.loads(payload)
            document, visits, quiet = str(push["document"]), list(push["visits"]), float(push["quiet"])
            url = str(visits[-1]["url"])
        except (ValueError, TypeError, KeyError, IndexError):
            return
        if document not in self._documents and len(self._documents) >= _MOST_DOCUMENTS:
            self.left_out += 1
            return
        self._documents[document] = visits[:50]
        self.latest_url = url
        self.tells_soft_navigations = bool(push.get("soft"))
        self.last_motion = max(self.last_motion, self._clock() - max(quiet, -_LATEST_MS) / 1000)

    @property
    def pages_seen(self) -> int:
        """Return how many hard and soft navigations have been reported so far."""
        return sum(len(visits) for visits in self._documents.values())

    def vitals(self) -> tuple[Vital, ...]:
        """Return all vitals of all pages: seven for a hard navigation, six for a soft one."""
        return tuple(
            vital for visits in self._documents.values() for visit in visits for vital in _vitals(visit, self._first)
        )


def _vitals(visit: dict[str, Any], first: Set[str]) -> list[Vital]:
    url = str(visit.get("url", ""))
    party = party_of(url, first=first)
    page = endpoint_of(url) if party == "first" else party + endpoint_of(url)
    soft = visit.get("kind") == "soft"
    of_page: dict[str, Any] = {"page": page, "navigation": "soft" if soft else "hard"}
    cut = bool(visit.get("cut"))
    lcp, inp = _ms(visit.get("lcp")), _ms(visit.get("inp"))
    found = [
        Vital(
            name="LCP",
            value=lcp,
            unit="ms",
            cut=cut,
            target=_text(visit.get("lcpTarget")),
            url=picture_of(_text(visit.get("lcpUrl"), most=2000), first=first),
            phases=_phases(visit.get("lcpPhases"), _LCP_PHASES, lcp),
            box=_box(visit.get("lcpBox")),
            **of_page,
        ),
        Vital(
            name="INP",
            value=inp,
            unit="ms",
            target=_text(visit.get("inpTarget")),
            event=_text(visit.get("inpEvent")),
            phases=_phases(visit.get("inpPhases"), _INP_PHASES, inp),
            estimated=bool(visit.get("inpEstimated")),
            box=_box(visit.get("inpBox")),
            **of_page,
        ),
        Vital(name="FID", value=_ms(visit.get("fid")), unit="ms", target=_text(visit.get("fidTarget")), **of_page),
        Vital(
            name="CLS",
            value=_number(visit.get("cls"), digits=4),
            unit="score",
            cut=cut,
            target=_text(visit.get("clsTarget")),
            box=_box(visit.get("clsBox")),
            **of_page,
        ),
        Vital(name="FCP", value=_ms(visit.get("fcp")), unit="ms", **of_page),
        Vital(name="TTFB", value=_ms(visit.get("ttfb")), unit="ms", **of_page),
    ]
    return found if soft else [*found, Vital(name="LOAD", value=_ms(visit.get("load")), unit="ms", **of_page)]


def picture_of(url: str | None, *, first: Set[str]) -> str | None:
    """The address of a picture as a reader knows it: its path, with the origin of a third party, and without the query.

    A picture that an image service makes smaller (`/_next/image?url=%2Fhero.png&w=640`) is known by the one it was made from.
    """
    if not url:
        return None
    if not url.startswith(("http:", "https:")):
        return url.partition(":")[0] + ":"  # data: and blob: hold the picture itself
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    party = party_of(url, first=first)
    made_from = parse_qs(parts.query).get("url", [""])[0].partition("?")[0]
    known = ("" if party == "first" else party) + parts.path + (f"?url={made_from}" if made_from else "")
    return known[:_LONGEST_URL]


def _text(value: Any, *, most: int = 120) -> str | None:
    return str(value)[:most] if value else None


def _box(value: Any) -> tuple[int, ...] | None:
    """The place of an element as the page told it; None for anything that is none."""
    if not isinstance(value, list) or len(value) != 4:
        return None
    sides = [side for side in value if isinstance(side, int) and not isinstance(side, bool) and abs(side) <= _FARTHEST]
    return tuple(sides) if len(sides) == 4 and sides[2] > 0 and sides[3] > 0 else None


def _ms(value: Any) -> float | None:
    return _number(value, digits=1)


def _number(value: Any, *, digits: int) -> float | None:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
    return round(float(value), digits) if is_number else None


def _phases(told: Any, names: tuple[str, ...], total: float | None) -> dict[str, float]:
    """Return the phases in their order; none unless all of them were reported."""
    values = {name: _ms(told.get(name)) for name in names} if isinstance(told, dict) else {}
    known = {name: value for name, value in values.items() if value is not None}
    return parts_of(total, known) if total is not None and len(known) == len(names) else {}
