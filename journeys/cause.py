"""Explains why a step failed, in one sentence a tired person can act on, from observed facts rather than from a time-out.

The order in which the facts are asked is the decision; `docs/blame.md` has it as a table.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Sequence
from itertools import dropwhile
from typing import TYPE_CHECKING

from journeys.analytics import only_measures
from journeys.crash_pages import error_page
from journeys.failure import Failure, FailureContext, Kind, SiteBroken, Thrown
from journeys.net_errors import PROXY_REFUSES, is_ours, never_connected
from journeys.recording.endpoints import origin_of
from journeys.refusals import please_wait, refusal_in, sells, sold_out, welcomes, went_wrong
from journeys.slowness import Slowness, slowness
from journeys.walls import PUZZLE, wall_said_by
from journeys.wording import (
    answer_of,
    assertion,
    covered,
    cut,
    is_other_value,
    name_of_request,
    net_failure,
    plain,
    short,
    without_stack,
)

if TYPE_CHECKING:
    from facts import Dialog
    from journeys.recording import SeenRequest

Cause = tuple[Kind, list[str]]
_API_KINDS = frozenset({"document", "fetch", "xhr"})
_ASKED = _API_KINDS | {"probe"}
_ASSETS = frozenset({"script", "stylesheet"})
# What a page object knows for certain, whatever the requests around it tell.
_FIRM = frozenset({Kind.WALLED, Kind.SETUP, Kind.UNBOOKED})
_NO_ANSWER_S = 3.0
# The part of a file's name that each build makes anew: app.3f2a9c1b.js.
_BUILD = re.compile(r"(?<=[._/-])(?=[\w-]*[0-9])(?=[\w-]*[A-Za-z])[A-Za-z0-9_-]{8,}(?=\.(?:js|mjs|css)\b)")
_GONE = re.compile(r"(page, context or browser|target|connection|browser)( has been)? closed", re.IGNORECASE)


def explain(error: BaseException, scene: FailureContext, *, where: str | None = None) -> Failure:
    """Return the failure that explains an error, from everything that was observed in its step."""
    kind, parts = _cause(error, scene)
    late = scene.over_deadline_s is not None and kind not in (Kind.LIMITED, Kind.WALLED, Kind.BROWSER_GONE, Kind.SETUP)
    if late:
        kind = Kind.DEADLINE if kind is Kind.MISSING else kind
        parts = [f"the journey took longer than its {scene.over_deadline_s:g} s", *parts]
    # A dialog that is the cause stands at the beginning already.
    sentence = "; ".join(dict.fromkeys(part for part in (*parts, *_told_by(scene)) if part))
    return Failure(step=scene.step, kind=kind, sentence=f"{scene.step}: {sentence}", where=where, late=late)


def mark(request: SeenRequest) -> str:
    """Return the key by which two failures of requests count as the same failure."""
    name = _BUILD.sub("{hash}", name_of_request(request))
    if request.party != "first" and request.is_unusable:
        # However it failed: what does not need it in one way does not need it in another.
        return f"{name} failed"
    outcome = f"{name} {request.status or request.failure or 'silence'}"
    said = request.refusal or ("broken JSON" if request.is_broken_json else None)
    return f"{outcome} {short(said)}" if said else outcome


def mark_of_alert(text: str) -> str:
    """What makes two alerts the same one, whatever numbers and addresses they name. The words are not in it: they may be private."""
    words = " ".join(re.sub(r"\S*[@\d]\S*", " ", text).split())
    return f"alert {zlib.crc32(words.encode()):08x}"


def marks_of_polls(requests: Sequence[SeenRequest]) -> frozenset[str]:
    """Return the marks of calls that were repeated and never got another answer than that something is pending."""
    return frozenset(_mark_of_poll(poll[-1]) for poll in _polls_in_vain(requests))


def _mark_of_poll(last: SeenRequest) -> str:
    return f"{name_of_request(last)} stays {last.pending}"


def _polls_in_vain(requests: Sequence[SeenRequest]) -> list[list[SeenRequest]]:
    """Return the site's own calls that were repeated and answered "pending" to the end, each with its repetitions."""
    asked: dict[tuple[str, str], list[SeenRequest]] = {}
    for r in requests:
        if r.party == "first" and r.kind in ("fetch", "xhr") and r.status is not None and not r.failed:
            asked.setdefault((r.method, r.endpoint), []).append(r)
    return [polls for polls in asked.values() if len(polls) >= _A_POLL and all(r.pending for r in polls[-_A_POLL:])]


_A_POLL = 3


def _cause(error: BaseException, scene: FailureContext) -> Cause:
    wall = _wall(scene)
    if wall:
        return Kind.WALLED, [wall]
    # The document on show counts too: the step before may have asked for it at its very end.
    there = [*(r for r in scene.around if r.is_main), *scene.requests]
    asked = [r for r in there if r.party == "first" and r.kind in _ASKED | {"script"}]
    # Telemetry that is refused so while buyers get through stops nobody, and must not hide why a buyer is. What was refused at an
    # earlier step of this run is no telemetry yet: the limit may have been reached there.
    limited = [r for r in asked if r.status == 429 and (r.is_main or mark(r) not in scene.usual)]
    if limited:
        return Kind.LIMITED, [f"{answer_of(limited[0])}: this address has used up the requests the site allows it"]
    refused = [r for r in there if r.status == PROXY_REFUSES and r.kind in _ASKED | {"script"}]
    if refused:
        return Kind.UNREACHED, [f"{answer_of(refused[0])}: the proxy on the way does not take our login"]
    if isinstance(error, SiteBroken) and error.kind in _FIRM:
        return error.kind, [error.what]
    if scene.crashed:
        return Kind.CRASHED, ["the page crashed: its process in the browser ended, often for want of memory"]
    if _is_playwright(error) and _GONE.search(str(error)):
        return Kind.BROWSER_GONE, ["the browser went away: it ended by itself, or something on this machine killed it"]
    if not isinstance(error, SiteBroken) and not _is_playwright(error):
        if isinstance(error, AssertionError):
            return Kind.SHOWN, [assertion(error, scene.asserted)]
        return Kind.SCRIPT, [f"the journey's code raised {type(error).__name__}: {short(str(error))}"]
    return _from_site(error, scene) or _from_error(error, scene) or _from_page(error, scene)


def _wall(scene: FailureContext) -> str | None:
    if scene.walled:
        return scene.walled
    for request in scene.requests:
        said = plain(request.body) if request.body and request.kind in _API_KINDS else ""
        if request.party == "first" and (wall_said_by(said) or PUZZLE.search(request.body or "")):
            return f"{answer_of(request)}: a bot wall"
    return None


def _from_site(error: BaseException, scene: FailureContext) -> Cause | None:
    """Return the cause that the site's own responses in the step show; None if they show none."""
    shown = [error.what] if isinstance(error, SiteBroken) else []
    kinds = _ASKED if isinstance(error, SiteBroken) else _API_KINDS
    own = [r for r in _of_step_and_page(scene) if r.party == "first" and r.kind in kinds]
    answered = [r for r in own if r.status is not None and r.status >= 400]
    if answered:
        what = shown or _what_is_missing(error, scene, answered)
        told = [*(answer_of(r) for r in _distinct(answered)), *_asks_who_it_is(answered, scene), *what]
        return Kind.ANSWERED, [*told, *_slow_beside(error, scene)]
    failed = next(filter(_broke_off, own), None)
    if failed:
        return _kind_of_failure(failed, scene), [_broken(failed), *shown, *_slow_beside(error, scene)]
    said_no = [said for r in reversed(_latest(own)) if (said := _said_no(r, scene))]
    if said_no:
        what = shown or _what_is_missing(error, scene, own)
        return Kind.ANSWERED, [said_no[0], *what, *_slow_beside(error, scene)]
    no_page = next(filter(None, (_no_page(r, scene) for r in own if r.is_main)), None)
    if no_page:
        return Kind.ANSWERED, [no_page, *(what for what in shown if "no page" not in what)]
    chain = [] if isinstance(error, SiteBroken) else _slow_chain(own, scene)
    if chain:
        slow = _slowness(scene)
        # Where nothing is quick, the chain is no news but for what is still under way.
        return Kind.SILENT, [slow.words, chain[-1]] if slow and slow.is_all else [_in_a_row(chain), *_all_slow(scene)]
    silent = next((r for r in own if _is_silent(r, scene)), None)
    if silent and not isinstance(error, SiteBroken):
        return Kind.SILENT, _silence_and_slowness(silent, scene)
    late = next((r for r in own if r.is_main), None) if str(error).startswith("Page.goto: Timeout") else None
    if late:
        blocking = _keeps_the_page_waiting(scene) if late.ended else None
        if blocking:
            kind = Kind.SILENT if blocking.party == "first" else Kind.THIRD_PARTY
            waits = f"the page at {late.endpoint} waits for it"
            return kind, [*_silence_and_slowness(blocking, scene, what_waits=waits)]
        return Kind.SILENT, [
            f"{name_of_request(late)} did not come in time: it took {(late.duration_ms or 0) / 1000:.1f} s",
            *_all_slow(scene),
        ]
    poll = next((p for p in _polls_in_vain(own) if _mark_of_poll(p[-1]) not in scene.usual), None)
    if poll and not isinstance(error, SiteBroken):
        asked = f"{name_of_request(poll[-1])} was asked {len(poll)} times in {scene.now - poll[0].began:.1f} s"
        return Kind.ANSWERED, [f"{asked} and answered '{poll[-1].pending}' to the end", _not_there(error, scene)]
    return None


def _no_page(request: SeenRequest, scene: FailureContext) -> str | None:
    """Return what a response contained instead of a page; None for a page, and for a download that each good run had too."""
    if _was_given_up(request, scene):
        return f"{name_of_request(request)} brought no page: the browser gave the answer up, as it does with an unasked 304"
    answered = f"{name_of_request(request)} answered {request.status}"
    if request.status in (204, 205, 304):
        return f"{answered}, which brings no page"
    if request.is_download and mark(request) not in scene.usual:
        return f"{answered} with a download, which is no page"
    if request.status in _REDIRECTS and request.ended and not request.failure:
        has_next = any(r.came_from is request for r in (*scene.requests, *scene.all_requests))
        return None if has_next else f"{answered}, a redirect that names no address"
    return None


def _was_given_up(request: SeenRequest, scene: FailureContext) -> bool:
    """Whether a page that was asked for never came, and no other one was asked for in its place, nor a file to save."""
    if request.status is not None or request.failure != "net::ERR_ABORTED" or request.is_download:
        return False
    later = (r for r in (*scene.requests, *scene.all_requests) if r.is_main and r.page is request.page)
    return not any(r.began > request.began for r in later)


_REDIRECTS = frozenset({301, 302, 303, 307, 308})


def _keeps_the_page_waiting(scene: FailureContext) -> SeenRequest | None:
    """Return the file that keeps a page from finishing to load; the site's own files are preferred to a third party's."""
    silent = [r for r in _new(scene.requests, scene) if r.kind in _ASSETS and _is_silent(r, scene)]
    return next((r for r in silent if r.party == "first"), silent[0] if silent else None)


def _from_error(error: BaseException, scene: FailureContext) -> Cause | None:
    """Return the cause that the error itself names; None if it only says that something did not appear."""
    if isinstance(error, SiteBroken):
        return error.kind, [error.what]
    message = str(error)
    if "net::" not in message:
        return None
    if "net::ERR_ABORTED" in message and scene.requests:
        main = next((r for r in reversed(scene.requests) if r.is_main and r.status is not None), None)
        if main:
            return Kind.ANSWERED, [f"{name_of_request(main)} answered {main.status}, and it is no page but a download"]
    if is_ours(message):
        return Kind.SETUP, [net_failure(message)]
    unreached = never_connected(message, answered_before=scene.site_answered)
    return (Kind.UNREACHED if unreached else Kind.SILENT), [net_failure(message)]


def _from_page(error: BaseException, scene: FailureContext) -> Cause:
    """Something did not come. What stands around it says why; where nothing does, the script may be stale."""
    others = [r for r in _of_step_and_page(scene) if r.party != "first"]
    page = next((r for r in others if r.is_main and _went_wrong(r, scene)), None)
    if page is None and not scene.page_is_first:
        page = next((r for r in others if r.kind in _API_KINDS | {"script"} and _went_wrong(r, scene)), None)
    if page:
        return Kind.THIRD_PARTY, [_what_went_wrong(page, scene)]
    what = _not_there(error, scene)
    not_there = [*_other_tabs(scene), what, *_offered(scene), _what_the_page_showed(scene, _EXCERPT)]
    if scene.puzzled:
        return Kind.WALLED, ["a CAPTCHA stands on the page", *not_there]
    if any(_complains(d, scene) for d in scene.dialogs):
        # What the page complains of is the cause; what did not come is its consequence.
        return Kind.SHOWN, [*_told_by(scene), *not_there]
    if scene.asks_to_log_in:
        return Kind.SHOWN, ["the site asks the buyer to log in", *not_there]
    if not scene.page_is_first:
        return Kind.MISSING, not_there
    # A page that offers something to buy is no maintenance page: "back soon" may be about a single product.
    instead = None if any(map(sells, scene.offers)) else error_page(scene.page_text)
    if instead:
        return Kind.SHOWN, [f"{scene.page} shows {instead}", *map(_threw, _new_exceptions(scene)[:1]), what]
    why = _from_code(scene)
    if why:
        return why[0], [*why[1], *_other_tabs(scene), what, _what_the_page_showed(scene, _SHORT_EXCERPT)]
    # After the scripts: a layer may lie there because the one that takes it away failed.
    if scene.cover or "intercepts pointer events" in str(error):
        return Kind.MISSING, [what]
    if _all_slow(scene):
        return Kind.SILENT, [*_all_slow(scene), *not_there]
    if not scene.page_text.strip():
        return Kind.SHOWN, [f"{scene.page} is an empty page", what]
    document = next((r for r in reversed([*scene.around, *scene.requests]) if r.is_main and r.ended), None)
    # A page that was no HTML while buyers got through is what the journey looks at.
    if document and document.content_type in NO_HTML and mark_of_type(document) not in scene.usual:
        answered = (
            f"{name_of_request(document)} answered {document.status} with {document.content_type} where a page was due"
        )
        return Kind.SHOWN, [answered, *not_there]
    if scene.is_another_page:
        return Kind.SHOWN, ["this is another page than when a buyer last got through", *not_there]
    gone = None
    if not any(map(sells, scene.offers)):
        gone = next(filter(None, map(sold_out, (*scene.offers, scene.excerpt, scene.page_text))), None)
    if gone and not scene.tabs and not is_other_value(str(error)):
        # The shop does what it should; it is the journey that asks for something that is not for sale.
        return Kind.MISSING, [
            f"the page says '{gone}': what this journey buys may not be for sale now",
            what,
            *_offered(scene),
        ]
    wrong = went_wrong(scene.excerpt or scene.page_text)
    if wrong and not is_other_value(str(error)):
        return Kind.SHOWN, [f"the page says '{wrong}'", *not_there]
    waits = please_wait(scene.excerpt or scene.page_text)
    if waits and not scene.offers and not is_other_value(str(error)):
        return Kind.SHOWN, [f"the page still says '{waits}'", *not_there]
    # A value that is not the expected one stands on the page: the control itself was found.
    return (Kind.SHOWN if is_other_value(str(error)) else Kind.MISSING), not_there


def _complains(dialog: Dialog, scene: FailureContext) -> bool:
    """Whether a dialog is an alert that may be a complaint: it is not known to be friendly, and the last good run had none like it."""
    return dialog.kind == "alert" and not welcomes(dialog.text) and mark_of_alert(dialog.text) not in scene.usual


NO_HTML = frozenset({"application/json", "application/problem+json", "text/plain", "application/xml", "text/xml"})


def mark_of_type(request: SeenRequest) -> str:
    """Return the key by which two documents of another type than HTML count as the same document."""
    return f"{name_of_request(request)} {request.content_type}"


# Where the cause is not known, the reader has to find it in what the page said.
_EXCERPT, _SHORT_EXCERPT = 160, 60


def _what_the_page_showed(scene: FailureContext, most: int) -> str:
    place = scene.page if scene.page_is_first else f"the page at {scene.page}"
    return f"{place} showed '{cut(scene.excerpt or scene.page_text, most) or 'nothing'}'"


def _offered(scene: FailureContext) -> list[str]:
    names = ", ".join(f"'{name}'" for name in (*scene.offers, *scene.alike))
    return [f"there is {names}"] if names else []


def _other_tabs(scene: FailureContext) -> list[str]:
    return [
        f"the site opened {name_of_request(tab).removeprefix('GET ')} in a new tab, where the journey did not look"
        for tab in scene.tabs
    ]


def _threw(thrown: Thrown) -> str:
    """Return an exception in words: its message, its place, and whether it was caught."""
    if _IS_HTML.fullmatch(thrown.text.strip()):
        return f"a script of the page is HTML, no JavaScript: '{short(thrown.text)}'"
    place = f" in {thrown.place}" if thrown.place else ""
    if thrown.text.strip() in _NO_ERRORS:
        return f"a script of the page threw an object that is no Error, so it says no more{place}"
    caught = ", caught and written to the console" if thrown.caught else ""
    return f"a script of the page threw '{short(without_stack(thrown.text))}'{place}{caught}"


# What the browser says of a promise that was rejected with a plain object.
_NO_ERRORS = frozenset({"Object", "[object Object]", "Uncaught (in promise) Object"})
# What the browser says of a script that begins with a tag.
_IS_HTML = re.compile(r"(Uncaught )?(SyntaxError: )?Unexpected token '<'")
# What Chromium says of a text that is none: "Unexpected end of JSON input", "Expected ',' ... in JSON at position 15".
_NO_JSON = re.compile(r"is not valid JSON|end of JSON input|\bin JSON\b|after JSON at position|JSON\.parse")
_LOGIN_STATUSES = frozenset({401, 403})


def _asks_who_it_is(answered: Sequence[SeenRequest], scene: FailureContext) -> list[str]:
    """Return what to check if the site's page itself requires a login or a secret header, as a protected preview does."""
    page = next((r for r in answered if r.is_main and r.status in _LOGIN_STATUSES), None)
    if page is None:
        return []
    there = origin_of(page.url)
    if scene.has_credentials and scene.site_origin and there != scene.site_origin:
        return [f"a login of site.yaml goes to {scene.site_origin} alone, so write {there} as base_url"]
    if scene.has_credentials:
        return ["the login or secret header that site.yaml names was not taken"]
    return ["site.yaml names no login and no secret header (basic_auth_file, header_files)"]


def _from_code(scene: FailureContext) -> Cause | None:
    """A page is what its scripts make of it: one that did not come, or that threw."""
    on_page = [*scene.around, *scene.requests]
    there = _new(on_page, scene)
    # The site's own scripts and styles count on every page anew: what the page lacks may be what they would have made.
    failed = [r for r in on_page if r.kind in _ASSETS and _went_wrong(r, scene)]
    own = [r for r in failed if r.party == "first" and mark(r) not in scene.usual]
    if own:
        first = next((r for r in own if r.kind == "script"), own[0])
        kind = Kind.ANSWERED if (first.status or 0) >= 400 or first.is_html_instead else Kind.SILENT
        more = f" (and {len(own) - 1} more of the page's own files failed)" if len(own) > 1 else ""
        # A page without its styles mostly works: what is on it may well be what the journey looks for, under another name.
        offered = _offered(scene) if first.kind == "stylesheet" else []
        if _is_silent(first, scene) and not first.is_html_instead:
            what, *slow = _silence_and_slowness(first, scene)
            return Kind.SILENT, [what, *slow, *offered] if slow else [what + more, *offered]
        what = _what_went_wrong(first, scene) + more
        return (_kind_of_failure(first, scene) if _broke_off(first) else kind), [what, *offered]
    thrown = _new_exceptions(scene)
    # The first one: those after it are often its consequence.
    threw = [_threw(thrown[0])] if thrown else []
    # Beside a good run, what is new is a suspect, though steps passed that needed it not: a headline may stand without the data.
    calls_from = [r for r in on_page if mark(r) not in scene.usual] if scene.has_good_run else there
    no_data = _call_of_the_page(calls_from, scene)
    if no_data:
        return no_data[0], [*no_data[1], *threw]
    others = [r for r in there if r.party != "first" and not only_measures(r.party)]
    scripts = [r for r in others if r.kind == "script" and _went_wrong(r, scene)]
    calls = [r for r in others if r.kind in ("fetch", "xhr") and _went_wrong(r, scene)]
    foreign = next((r for r in (*scripts, *calls) if r.failure not in _OWN_POLICY), None)
    if foreign:
        return Kind.THIRD_PARTY, [_what_went_wrong(foreign, scene), *threw]
    if thrown:
        whose = thrown[0].party
        return (
            (Kind.THREW, threw) if whose == "first" else (Kind.THIRD_PARTY, [f"{threw[0]}, which comes from {whose}"])
        )
    return None


def _call_of_the_page(there: Sequence[SeenRequest], scene: FailureContext) -> Cause | None:
    """A call that the page on show made in an earlier step, and whose data it lacks: the step passed before they were due."""
    calls = [r for r in there if r.party == "first" and r.kind in ("fetch", "xhr") and r.step != scene.step]
    for call in reversed(_latest(calls)):
        if (call.status or 0) >= 400:
            return Kind.ANSWERED, [answer_of(call)]
        if _broke_off(call):
            return _kind_of_failure(call, scene), [_broken(call)]
        if said := _said_no(call, scene):
            return Kind.ANSWERED, [said]
        # One that was answered and does not end is a stream.
        if call.status is None and _is_silent(call, scene):
            return Kind.SILENT, _silence_and_slowness(call, scene)
    return None


def _new_exceptions(scene: FailureContext) -> list[Thrown]:
    return [thrown for thrown in scene.exceptions if thrown.text not in scene.survived]


def _what_is_missing(error: BaseException, scene: FailureContext, requests: Sequence[SeenRequest]) -> list[str]:
    """What did not come, where only a call failed: such a call is a suspect, and the reader must see what the step waited for."""
    if scene.dialogs or any(r.is_main and (r.status or 0) >= 400 for r in requests) or "Timeout" not in str(error):
        return []
    return [_not_there(error, scene)]


def _not_there(error: BaseException, scene: FailureContext) -> str:
    return covered(str(error), scene.cover, scene.options, scene.closers, control=scene.control)


def _latest(requests: Sequence[SeenRequest]) -> list[SeenRequest]:
    """Return the last request to each endpoint: an earlier one may have been refused and tried again."""
    return list({(r.method, r.endpoint): r for r in requests}.values())


def _said_no(request: SeenRequest, scene: FailureContext) -> str | None:
    """Return how a response with status 200 refuses, or that it is a page instead of JSON; None if it is neither."""
    if request.kind not in ("fetch", "xhr") or (request.status or 0) >= 400:
        return None
    # A page that could not read an answer as JSON tells that it was due.
    could_not_read = any(_NO_JSON.search(thrown.text) for thrown in _new_exceptions(scene))
    answered, body = f"{name_of_request(request)} answered {request.status}", request.body or ""
    if request.is_broken_json and not body:
        return f"{answered} with an empty body where JSON was due" if could_not_read else None
    if request.is_broken_json and not body.startswith("<"):
        return f"{answered} with JSON that cannot be read: '{short(body)}'"
    refusal = request.refusal or refusal_in(body)
    if refusal:
        return f"{answered}, and says no: '{short(refusal)}'"
    due = request.wants_json or request.is_broken_json or "/api/" in request.endpoint or could_not_read
    if body and due and not body.lstrip().startswith((*_BEGINS_JSON, "<?xml")):
        what = "HTML" if body.lstrip().startswith("<") else "something else"
        return f"{answered} with {what} where JSON was due: '{plain(body)}'"
    return None


# What the text of a JSON value begins with.
_BEGINS_JSON = ("{", "[", '"', "-", "0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "true", "false", "null", ")]}'")


def _slow_chain(own: Sequence[SeenRequest], scene: FailureContext) -> list[str]:
    """The pages and slow calls that followed one another, in words, the last still under way when the step failed; else empty."""
    failed_at = scene.failed_at or scene.now
    chain: list[SeenRequest] = []
    # A journey runs out of time over all of its steps, a step over what it asked for itself.
    there = own if scene.over_deadline_s is not None else [r for r in own if r.step == scene.step]
    for r in (r for r in there if r.began < failed_at):
        took_s = _ended_at(r, failed_at) - r.began
        # One that had only begun counts behind two slow ones: it is what the page went on with.
        has_begun = not r.ended and len(chain) > 1 and took_s >= _FELT_S
        is_link = r.is_main or (r.kind in _API_KINDS and (took_s >= _SLOW_CALL_S or has_begun))
        # What ran beside the one before does not follow it.
        follows = not chain or r.came_from is chain[-1] or _ended_at(chain[-1], failed_at) <= r.began + _OVERLAP_S
        if is_link and follows:
            chain.append(r)
    # What was quick before the first slow link is no part of it.
    chain = list(dropwhile(lambda r: _ended_at(r, failed_at) - r.began < _SLOW_CALL_S, chain))
    if len(chain) < 2 or _ended_at(chain[-1], failed_at) < failed_at:
        return []
    took = sum(_ended_at(r, failed_at) - r.began for r in chain)
    if took < _SLOW_CALL_S:
        return []
    done = [f"{name_of_request(r)} took {_ended_at(r, failed_at) - r.began:.1f} s" for r in chain[:-1][-4:]]
    waited = failed_at - chain[-1].began
    is_as_slow = waited < max(_ended_at(r, failed_at) - r.began for r in chain[:-1])
    how = "had no answer yet after" if is_as_slow else "gave no answer in"
    last = f"{name_of_request(chain[-1])} {how} {waited:.1f} s"
    return [*done, last]


def _in_a_row(chain: Sequence[str]) -> str:
    return f"one slow answer after another: {', then '.join(chain)}"


# A call that takes this long is felt, where several follow one another.
_SLOW_CALL_S = 1.0
_OVERLAP_S = 0.2
_FELT_S = 0.3


def _ended_at(request: SeenRequest, now: float) -> float:
    """Return when a request ended; `now` if it had not ended by then."""
    return min(now, request.began + (request.duration_ms or 0) / 1000) if request.ended else now


def _slowness(scene: FailureContext) -> Slowness | None:
    at = scene.failed_at or scene.now
    # Where the journey's time is up, two have used up a good part of it.
    return (
        slowness(scene.all_requests, at) if scene.over_deadline_s is None else slowness(scene.all_requests, at, few=2)
    )


def _all_slow(scene: FailureContext) -> list[str]:
    """Return the sentence that the site responds slowly; no sentence if it does not."""
    slow = _slowness(scene)
    return [slow.words] if slow else []


def _slow_beside(error: BaseException, scene: FailureContext) -> list[str]:
    """Return the sentence about a slow site that is added to another cause, if the time ran out."""
    is_late = "Timeout" in str(error) or scene.over_deadline_s is not None
    return _all_slow(scene) if is_late else []


def _silence_and_slowness(request: SeenRequest, scene: FailureContext, *, what_waits: str = "") -> list[str]:
    """A request without an answer, and how slow the site is otherwise: as slow as this one, or this one is the exception."""
    slow = _slowness(scene)
    waited = (scene.failed_at or scene.now) - request.began
    if slow and request.status is None and slow.explains(request, waited):
        none_yet = f"{name_of_request(request)} had no answer yet after {waited:.1f} s"
        return [slow.words, f"{none_yet}, and {what_waits}" if what_waits else none_yet]
    silence = _silence(request, scene)
    return [f"{silence}, and {what_waits}" if what_waits else silence, *([slow.words] if slow else [])]


# A third party's script that the site's own policy keeps away.
_OWN_POLICY = ("csp", "net::ERR_BLOCKED_BY_CSP")


def _of_step_and_page(scene: FailureContext) -> list[SeenRequest]:
    """What the step asked for, and the document on show, which an earlier step may have asked for at its end."""
    return _new([*(r for r in scene.around if r.is_main), *scene.requests], scene)


def _new(requests: Iterable[SeenRequest], scene: FailureContext) -> list[SeenRequest]:
    """Return the requests that do not repeat a failure with which an earlier step passed."""
    return [r for r in requests if r.is_main or not scene.survived or mark(r) not in scene.survived]


def _broke_off(request: SeenRequest) -> bool:
    """Return whether a request failed without a response or in the middle of one; one that the page itself cancelled did not fail."""
    return request.failure is not None and request.failure != "net::ERR_ABORTED" and (request.status or 0) < 400


def _is_silent(request: SeenRequest, scene: FailureContext) -> bool:
    return not request.ended and (request.status or 0) < 400 and scene.now - request.began >= _NO_ANSWER_S


def _went_wrong(request: SeenRequest, scene: FailureContext) -> bool:
    return (request.status or 0) >= 400 or _broke_off(request) or _is_silent(request, scene) or request.is_html_instead


def _kind_of_failure(request: SeenRequest, scene: FailureContext) -> Kind:
    failure = request.failure or ""
    if is_ours(failure):
        return Kind.SETUP
    unreached = never_connected(failure, answered_before=scene.site_answered or request.status is not None)
    return Kind.UNREACHED if unreached else Kind.SILENT


def _what_went_wrong(request: SeenRequest, scene: FailureContext) -> str:
    if (request.status or 0) >= 400:
        return answer_of(request)
    if request.is_html_instead:
        return f"{name_of_request(request)} answered {request.status} with HTML where a {request.kind} was due"
    return _broken(request) if _broke_off(request) else _silence(request, scene)


def _broken(request: SeenRequest) -> str:
    return f"{name_of_request(request)} failed: {net_failure(request.failure or '')}"


def _silence(request: SeenRequest, scene: FailureContext) -> str:
    waited = f"{scene.now - request.began:.1f} s"
    if request.status is None:
        return f"{name_of_request(request)} gave no answer in {waited}"
    return f"{name_of_request(request)} answered {request.status}, and its answer came to no end in {waited}"


def _told_by(scene: FailureContext) -> list[str]:
    """Return the native dialogs of the step in words, as the buyer saw them."""
    texts = dict.fromkeys((d.kind, short(d.text)) for d in scene.dialogs)
    asked = {(d.kind, short(d.text)) for d in scene.cancelled}
    return [
        f"the page asked '{text}' ({kind}), and the journey did not answer it, which is Cancel"
        if (kind, text) in asked
        else f"the page showed {kind} '{text}'"
        for kind, text in texts
    ]


def _distinct(requests: Sequence[SeenRequest]) -> list[SeenRequest]:
    seen = {(r.method, r.endpoint, r.status): r for r in reversed(requests)}
    return list(reversed(list(seen.values())))[:3]


def _is_playwright(error: BaseException) -> bool:
    # `expect` raises a plain AssertionError, which is Playwright's all the same: it lists what it looked for.
    return type(error).__module__.startswith("playwright.") or "Call log:" in str(error)
