"""Why a step failed, in one sentence a tired person can act on, made from what was seen rather than from a time-out.

The order in which the facts are asked is the decision; `docs/blame.md` has it as a table.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from journeys.failure import Broken, Failure, Kind, Scene
from journeys.net_errors import PROXY_REFUSES, is_ours, never_connected
from journeys.walls import PUZZLE, wall_said_by
from journeys.wording import answer_of, assertion, missed, name_of_request, net_failure, plain, short

if TYPE_CHECKING:
    from journeys.recording import SeenRequest

Cause = tuple[Kind, list[str]]
_API_KINDS = frozenset({"document", "fetch", "xhr"})
_ASKED = _API_KINDS | {"probe"}
# What a page object knows for certain, whatever the requests around it tell.
_FIRM = frozenset({Kind.WALLED, Kind.SETUP, Kind.UNBOOKED})
_NO_ANSWER_S = 3.0
_GONE = re.compile(r"(page, context or browser|target|connection|browser)( has been)? closed", re.IGNORECASE)


def explain(error: BaseException, scene: Scene, *, where: str | None = None) -> Failure:
    """The failure that an error amounts to, given all that was seen in its step."""
    kind, parts = _cause(error, scene)
    late = scene.over_deadline_s is not None and kind not in (Kind.LIMITED, Kind.WALLED, Kind.BROWSER_GONE, Kind.SETUP)
    if late:
        kind = Kind.DEADLINE if kind is Kind.MISSING else kind
        parts = [f"the journey took longer than its {scene.over_deadline_s:g} s", *parts]
    sentence = "; ".join(part for part in (*parts, *_told_by(scene)) if part)
    return Failure(step=scene.step, kind=kind, sentence=f"{scene.step}: {sentence}", where=where, late=late)


def mark(request: SeenRequest) -> str:
    """What makes two failures of requests the same one."""
    return f"{request.method} {request.url.partition('?')[0]} {request.status or request.failure or 'silence'}"


def _cause(error: BaseException, scene: Scene) -> Cause:
    wall = _wall(scene)
    if wall:
        return Kind.WALLED, [wall]
    limited = [r for r in scene.requests if r.party == "first" and r.status == 429 and r.kind in _ASKED | {"script"}]
    if limited:
        return Kind.LIMITED, [f"{answer_of(limited[0])}: this address has used up the requests the site allows it"]
    refused = [r for r in scene.requests if r.status == PROXY_REFUSES and r.kind in _ASKED | {"script"}]
    if refused:
        return Kind.UNREACHED, [f"{answer_of(refused[0])}: the proxy on the way does not take our login"]
    if isinstance(error, Broken) and error.kind in _FIRM:
        return error.kind, [error.what]
    if scene.crashed:
        return Kind.CRASHED, ["the page crashed"]
    if _is_playwright(error) and _GONE.search(str(error)):
        return Kind.BROWSER_GONE, ["the browser went away"]
    if not isinstance(error, Broken) and not _is_playwright(error):
        if isinstance(error, AssertionError):
            return Kind.SHOWN, [assertion(error)]
        return Kind.SCRIPT, [f"the journey's code raised {type(error).__name__}: {short(str(error))}"]
    return _from_site(error, scene) or _from_error(error, scene) or _from_page(error, scene)


def _wall(scene: Scene) -> str | None:
    if scene.walled:
        return scene.walled
    for request in scene.requests:
        said = plain(request.body) if request.body and request.kind in _API_KINDS else ""
        if request.party == "first" and (wall_said_by(said) or PUZZLE.search(request.body or "")):
            return f"{answer_of(request)}: a bot wall"
    return None


def _from_site(error: BaseException, scene: Scene) -> Cause | None:
    """What the site's own answers in the step tell; None where they tell nothing."""
    shown = [error.what] if isinstance(error, Broken) else []
    kinds = _ASKED if isinstance(error, Broken) else _API_KINDS
    own = [r for r in _of_step_and_page(scene) if r.party == "first" and r.kind in kinds]
    answered = [r for r in own if r.status is not None and r.status >= 400]
    if answered:
        return Kind.ANSWERED, [*(answer_of(r) for r in _distinct(answered)), *shown]
    failed = next(filter(_broke_off, own), None)
    if failed:
        return _kind_of_failure(failed, scene), [_broken(failed), *shown]
    silent = next((r for r in own if _is_silent(r, scene)), None)
    if silent and not isinstance(error, Broken):
        return Kind.SILENT, [_silence(silent, scene)]
    late = next((r for r in own if r.is_main), None) if str(error).startswith("Page.goto: Timeout") else None
    if late:
        return Kind.SILENT, [
            f"{name_of_request(late)} did not come in time: it took {(late.duration_ms or 0) / 1000:.1f} s"
        ]
    return None


def _from_error(error: BaseException, scene: Scene) -> Cause | None:
    """What the error itself says, where it says more than that something did not come."""
    if isinstance(error, Broken):
        return error.kind, [error.what]
    message = str(error)
    if "net::" not in message:
        return None
    if is_ours(message):
        return Kind.SETUP, [net_failure(message)]
    unreached = never_connected(message, answered_before=scene.site_answered)
    return (Kind.UNREACHED if unreached else Kind.SILENT), [net_failure(message)]


def _from_page(error: BaseException, scene: Scene) -> Cause:
    """Something did not come. What stands around it says why; where nothing does, the script may be stale."""
    others = [r for r in _of_step_and_page(scene) if r.party != "first"]
    page = next((r for r in others if r.is_main and _went_wrong(r, scene)), None)
    if page is None and not scene.page_is_first:
        page = next((r for r in others if r.kind in _API_KINDS | {"script"} and _went_wrong(r, scene)), None)
    if page:
        return Kind.THIRD_PARTY, [_what_went_wrong(page, scene)]
    text = short(scene.page_text) or "nothing"
    place = scene.page if scene.page_is_first else f"the page at {scene.page}"
    not_there = [missed(str(error)), f"{place} showed '{text}'"]
    if scene.puzzled:
        return Kind.WALLED, ["a CAPTCHA stands on the page", *not_there]
    if any(d.kind == "alert" for d in scene.dialogs):
        return Kind.SHOWN, not_there
    if scene.asks_to_log_in:
        return Kind.SHOWN, ["the site asks the buyer to log in", *not_there]
    why = _from_code(scene) if scene.page_is_first else None
    return (why[0], [*why[1], *not_there]) if why else (Kind.MISSING, not_there)


def _from_code(scene: Scene) -> Cause | None:
    """A page is what its scripts make of it: one that did not come, or that threw."""
    there = _new([*scene.around, *scene.requests], scene)
    scripts = [r for r in there if r.kind == "script" and _went_wrong(r, scene)]
    own = next((r for r in scripts if r.party == "first"), None)
    if own:
        kind = Kind.ANSWERED if own.status and own.status >= 400 else Kind.SILENT
        return (_kind_of_failure(own, scene) if _broke_off(own) else kind), [_what_went_wrong(own, scene)]
    thrown = [t for t in scene.exceptions if t.text not in scene.survived]
    # The first one: those after it are often its consequence.
    threw = [f"a script of the page threw '{short(thrown[0].text)}'"] if thrown else []
    calls = [r for r in there if r.party != "first" and r.kind in ("fetch", "xhr") and _went_wrong(r, scene)]
    foreign = next((r for r in (*scripts, *calls) if r.failure not in _OWN_POLICY), None)
    if foreign:
        return Kind.THIRD_PARTY, [_what_went_wrong(foreign, scene), *threw]
    if thrown:
        whose = thrown[0].party
        return (
            (Kind.THREW, threw) if whose == "first" else (Kind.THIRD_PARTY, [f"{threw[0]}, which comes from {whose}"])
        )
    return None


# A third party's script that the site's own policy keeps away.
_OWN_POLICY = ("csp", "net::ERR_BLOCKED_BY_CSP")


def _of_step_and_page(scene: Scene) -> list[SeenRequest]:
    """What the step asked for, and the document on show, which an earlier step may have asked for at its end."""
    return _new([*(r for r in scene.around if r.is_main), *scene.requests], scene)


def _new(requests: Iterable[SeenRequest], scene: Scene) -> list[SeenRequest]:
    """Those that are no repetition of what kept no earlier step from passing."""
    return [r for r in requests if r.is_main or not scene.survived or mark(r) not in scene.survived]


def _broke_off(request: SeenRequest) -> bool:
    """It failed without an answer, or in the middle of one. What the page itself gave up has not failed."""
    return request.failure is not None and request.failure != "net::ERR_ABORTED" and (request.status or 0) < 400


def _is_silent(request: SeenRequest, scene: Scene) -> bool:
    return not request.ended and (request.status or 0) < 400 and scene.now - request.began >= _NO_ANSWER_S


def _went_wrong(request: SeenRequest, scene: Scene) -> bool:
    return (request.status or 0) >= 400 or _broke_off(request) or _is_silent(request, scene)


def _kind_of_failure(request: SeenRequest, scene: Scene) -> Kind:
    failure = request.failure or ""
    if is_ours(failure):
        return Kind.SETUP
    unreached = never_connected(failure, answered_before=scene.site_answered or request.status is not None)
    return Kind.UNREACHED if unreached else Kind.SILENT


def _what_went_wrong(request: SeenRequest, scene: Scene) -> str:
    if (request.status or 0) >= 400:
        return answer_of(request)
    return _broken(request) if _broke_off(request) else _silence(request, scene)


def _broken(request: SeenRequest) -> str:
    return f"{name_of_request(request)} failed: {net_failure(request.failure or '')}"


def _silence(request: SeenRequest, scene: Scene) -> str:
    waited = f"{scene.now - request.began:.1f} s"
    if request.status is None:
        return f"{name_of_request(request)} gave no answer in {waited}"
    return f"{name_of_request(request)} answered {request.status}, and its answer came to no end in {waited}"


def _told_by(scene: Scene) -> list[str]:
    """The native dialogs of the step, in the buyer's eyes."""
    texts = dict.fromkeys((d.kind, short(d.text)) for d in scene.dialogs)
    return [f"the page showed {kind} '{text}'" for kind, text in texts]


def _distinct(requests: Sequence[SeenRequest]) -> list[SeenRequest]:
    seen = {(r.method, r.endpoint, r.status): r for r in reversed(requests)}
    return list(reversed(list(seen.values())))[:3]


def _is_playwright(error: BaseException) -> bool:
    # `expect` raises a plain AssertionError, which is Playwright's all the same: it lists what it looked for.
    return type(error).__module__.startswith("playwright.") or "Call log:" in str(error)
