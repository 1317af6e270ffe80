"""Decides whether the site as a whole responds slowly, or only its pages, or only its API."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

from journeys.wording import name_of_request

if TYPE_CHECKING:
    from journeys.recording import SeenRequest

# From here on an answer is slow, and a step that waits for several in a row runs out of time.
_SLOW_ANSWER_S = 2.0
# One answer in five may have been quick, like one that came from a cache.
_SLOW_SHARE, _MOST_OF_A_GROUP = 0.8, 0.5
_FEW_ANSWERS = 3
# What has waited longer than answers usually take here is not just as slow as the others.
_MUCH_LONGER = 1.5
_PAGES, _CALLS, _FILES = "pages", "API calls", "files"
_GROUPS = {
    "document": _PAGES,
    "fetch": _CALLS,
    "xhr": _CALLS,
    "script": _FILES,
    "stylesheet": _FILES,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Slowness:
    """What is slow of a site: `groups` of `pages`, `API calls` and `files`, and `typical_s`, the median time of their answers.

    `is_all`: no page and no API call was quick; `are_files_quick`: its scripts and styles were, as a CDN's are. `answered` are the
    slow answers that came.
    """

    groups: tuple[str, ...]
    is_all: bool
    are_files_quick: bool = False
    typical_s: float
    answered: tuple[SeenRequest, ...]

    def explains(self, request: SeenRequest, waited_s: float) -> bool:
        """Return whether a request without an answer only waits as long as others of its group did."""
        return _GROUPS.get(request.kind) in self.groups and waited_s < self.typical_s * _MUCH_LONGER

    @property
    def words(self) -> str:
        """The finding as a sentence: `all of the site's answers are slow: they took about 6 s each`."""
        what = "answers" if self.is_all else " and ".join(self.groups)
        if len(self.answered) == 1:
            only = self.answered[0]
            took = f"{name_of_request(only)} took {(only.duration_ms or 0) / 1000:.1f} s"
        else:
            took = f"they took about {self.typical_s:.0f} s each"
        but = "; only its scripts and styles come quickly" if self.is_all and self.are_files_quick else ""
        return f"all of the site's {what} are slow: {took}{but}"


def slowness(requests: Iterable[SeenRequest], now: float, *, few: int = _FEW_ANSWERS) -> Slowness | None:
    """Return what is slow of a site, judged by all of its requests in an attempt; None where it is not slow as such.

    `now` is on the clock of the requests. What has waited for 2 s without an answer counts as slow beside one that came. It takes
    `few` of them, or two where one is still under way.
    """
    by_group: dict[str, list[SeenRequest]] = {group: [] for group in (_PAGES, _CALLS, _FILES)}
    for request in requests:
        if request.party == "first" and request.kind in _GROUPS and _tells(request, now):
            by_group[_GROUPS[request.kind]].append(request)
    # Files alone are no slow site: what they keep waiting is told by itself.
    files = by_group.pop(_FILES)
    there = {group: its for group, its in by_group.items() if its}
    share = _slow_share([request for its in there.values() for request in its])
    is_all = share >= _SLOW_SHARE and all(_slow_share(its) >= _MOST_OF_A_GROUP for its in there.values())
    slow = there if is_all else {group: its for group, its in there.items() if _slow_share(its) >= _SLOW_SHARE}
    are_files_slow = _slow_share(files) >= _SLOW_SHARE
    if slow and are_files_slow:
        slow = {**slow, _FILES: files}
    seen = [request for its in slow.values() for request in its]
    answered = tuple(request for request in seen if request.ended and _took(request) >= _SLOW_ANSWER_S)
    if not answered or len(seen) < (2 if len(answered) < len(seen) else few):
        return None
    return Slowness(
        groups=tuple(slow),
        is_all=is_all,
        are_files_quick=bool(files) and not are_files_slow,
        typical_s=median(map(_took, answered)),
        answered=answered,
    )


def _tells(request: SeenRequest, now: float) -> bool:
    """Return whether a request shows how fast the site responds: it has a response, or has waited for long."""
    if request.ended:
        # Nothing over the wire: it came out of the browser's cache.
        return request.status is not None and request.duration_ms is not None and request.transferred_bytes != 0
    return request.status is None and now - request.began >= _SLOW_ANSWER_S


def _slow_share(requests: Sequence[SeenRequest]) -> float:
    slow = [request for request in requests if not request.ended or _took(request) >= _SLOW_ANSWER_S]
    return len(slow) / len(requests) if requests else 0.0


def _took(request: SeenRequest) -> float:
    return (request.duration_ms or 0) / 1000
