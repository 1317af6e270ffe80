"""Why a step failed, in one sentence a tired person can act on, made from what was seen rather than from a time-out."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from facts import Dialog
    from journeys.recording import SeenRequest

_API_KINDS = frozenset({"document", "fetch", "xhr"})
_NO_ANSWER_S = 3.0
_QUOTE = 160

_NET_WORDS = {
    "ERR_CONNECTION_REFUSED": "connection refused",
    "ERR_NAME_NOT_RESOLVED": "the name does not resolve",
    "ERR_CONNECTION_TIMED_OUT": "the connection timed out",
    "ERR_TIMED_OUT": "timed out",
    "ERR_CONNECTION_RESET": "the connection was reset",
    "ERR_CONNECTION_CLOSED": "the connection was closed",
    "ERR_EMPTY_RESPONSE": "the connection was closed without an answer",
    "ERR_INTERNET_DISCONNECTED": "no network",
    "ERR_NETWORK_CHANGED": "the network changed",
    "ERR_ADDRESS_UNREACHABLE": "the address is unreachable",
    "ERR_PROXY_CONNECTION_FAILED": "the proxy does not answer",
    "ERR_TUNNEL_CONNECTION_FAILED": "the proxy refuses the connection",
    "ERR_SSL_PROTOCOL_ERROR": "TLS failed",
    "ERR_CERT_AUTHORITY_INVALID": "the certificate's authority is not trusted",
    "ERR_CERT_COMMON_NAME_INVALID": "the certificate is for another name",
    "ERR_CERT_DATE_INVALID": "the certificate has expired or is not valid yet",
}
# The connection stood, so the site's own server broke it off.
_SITE_ERRORS = (
    "ERR_EMPTY_RESPONSE",
    "ERR_CONNECTION_CLOSED",
    "ERR_CERT_",
    "ERR_SSL_",
    "ERR_HTTP2",
    "ERR_TOO_MANY_REDIRECTS",
)


class Kind(StrEnum):
    """What sort of fact a failure rests on; blame follows from it."""

    ANSWERED = "answered"
    """The site answered 400 or more."""
    SILENT = "silent"
    """The site took the request and gave no answer."""
    SHOWN = "shown"
    """The page showed, or the site charged, what it should not."""
    UNREACHED = "unreached"
    """No HTTP answer: name, connection or TLS failed."""
    THIRD_PARTY = "third_party"
    LIMITED = "limited"
    """The site answered 429 to ourselves."""
    WALLED = "walled"
    """A bot wall or a CAPTCHA."""
    MISSING = "missing"
    """A control was not where the journey looks for it, and nothing says why."""
    CRASHED = "crashed"
    """The page's renderer crashed."""
    BROWSER_GONE = "browser_gone"
    UNBOOKED = "unbooked"
    """Our own ledger cannot be written, and nothing is bought that is not in it."""
    SCRIPT = "script"
    """The journey's own code raised."""
    DEADLINE = "deadline"
    """The journey as a whole took longer than it may."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """A failed step: its kind, the sentence for people, and `file:line` of the journey's code."""

    step: str
    kind: Kind
    sentence: str
    where: str | None = None


class Broken(Exception):  # noqa: N818 - what a page object says when the shop is, not an error of ours
    """What a person would notice: the page or the money is not as it should be. `kind` tells whose affair it is."""

    def __init__(self, what: str, *, kind: Kind = Kind.SHOWN) -> None:
        super().__init__(what)
        self.what = what
        self.kind = kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """All that is known at the moment a step failed. `now` is on the clock of the requests; `page_is_first` tells whose page it was."""

    step: str
    requests: Sequence[SeenRequest]
    dialogs: Sequence[Dialog]
    exceptions: Sequence[str]
    now: float
    page: str
    page_text: str
    page_is_first: bool
    crashed: bool = False
    walled: str | None = None
    over_deadline_s: float | None = None


def explain(error: BaseException, scene: Scene, *, where: str | None = None) -> Failure:
    """The failure that an error amounts to, given all that was seen in its step."""
    kind, parts = _cause(error, scene)
    sentence = "; ".join(part for part in (*parts, *_told_by(scene)) if part)
    return Failure(step=scene.step, kind=kind, sentence=f"{scene.step}: {sentence}", where=where)


def _cause(error: BaseException, scene: Scene) -> tuple[Kind, list[str]]:
    limited = [r for r in scene.requests if r.party == "first" and r.status == 429 and r.kind in _API_KINDS]
    if limited:
        said = _answer(limited[0])
        return Kind.LIMITED, [f"{said}: this address has used up the requests the site allows it"]
    if scene.walled:
        return Kind.WALLED, [scene.walled]
    if isinstance(error, Broken) and error.kind in (Kind.WALLED, Kind.UNBOOKED):
        return error.kind, [error.what]
    if scene.crashed:
        return Kind.CRASHED, ["the page crashed"]
    if re.search(r"Target .*has been closed|Connection closed", str(error)):
        return Kind.BROWSER_GONE, ["the browser went away"]
    kind, parts = _from_requests(error, scene) or _from_error(error, scene)
    if scene.over_deadline_s is not None:
        return Kind.DEADLINE, [f"the journey took longer than its {scene.over_deadline_s:g} s", *parts]
    return kind, parts


def _from_requests(error: BaseException, scene: Scene) -> tuple[Kind, list[str]] | None:
    """The cause as the network tells it; None where it tells nothing. A script's own error is never laid on a request."""
    if not isinstance(error, Broken) and not _is_playwright(error):
        return None
    shown = [error.what] if isinstance(error, Broken) else []
    own = [r for r in scene.requests if r.party == "first" and r.kind in _API_KINDS]
    answered = [r for r in own if r.status is not None and r.status >= 400]
    if answered:
        return Kind.ANSWERED, [*(_answer(r) for r in _distinct(answered)), *shown]
    failed = [r for r in own if r.failed]
    if failed:
        site_side = any(name in (failed[0].failure or "") for name in _SITE_ERRORS)
        return (Kind.SILENT if site_side else Kind.UNREACHED), [f"{_name(failed[0])} failed: {_net(failed[0])}", *shown]
    if isinstance(error, Broken):
        return None
    silent = [r for r in own if not r.ended and r.status is None and scene.now - r.began >= _NO_ANSWER_S]
    if silent:
        return Kind.SILENT, [f"{_name(silent[0])} gave no answer in {scene.now - silent[0].began:.1f} s"]
    third = [r for r in scene.requests if r.party != "first" and r.kind in _API_KINDS and r.failed and r.is_main]
    if third:
        what = _answer(third[0]) if third[0].status else f"{_name(third[0])} failed: {_net(third[0])}"
        return Kind.THIRD_PARTY, [what]
    return None


def _from_error(error: BaseException, scene: Scene) -> tuple[Kind, list[str]]:
    if isinstance(error, Broken):
        return error.kind, [error.what]
    if isinstance(error, AssertionError):
        return Kind.SHOWN, [_assertion(error)]
    if not _is_playwright(error):
        return Kind.SCRIPT, [f"the journey's code raised {type(error).__name__}: {_short(str(error))}"]
    message = str(error)
    if "net::" in message:
        return Kind.UNREACHED, [_net_message(message)]
    text = _short(scene.page_text) or "nothing"
    place = scene.page if scene.page_is_first else f"the page at {scene.page}"
    parts = [_missed(message), f"{place} showed '{text}'"]
    if scene.exceptions:
        parts.insert(1, f"a script of the page threw '{_short(scene.exceptions[-1])}'")
    return Kind.MISSING, parts


def _told_by(scene: Scene) -> list[str]:
    """The native dialogs of the step, in the buyer's eyes."""
    texts = dict.fromkeys((d.kind, _short(d.text)) for d in scene.dialogs)
    return [f"the page showed {kind} '{text}'" for kind, text in texts]


def _distinct(requests: Sequence[SeenRequest]) -> list[SeenRequest]:
    seen = {(r.method, r.endpoint, r.status): r for r in reversed(requests)}
    return list(reversed(list(seen.values())))[:3]


def _name(request: SeenRequest) -> str:
    place = request.endpoint if request.party == "first" else request.party + request.endpoint
    return f"{request.method} {place}"


def _answer(request: SeenRequest) -> str:
    said = f" '{plain(request.body)}'" if request.body else ""
    return f"{_name(request)} answered {request.status}{said}"


def plain(body: str) -> str:
    """What an answer says in words: the message inside a small JSON error, or the words of an HTML page, else the body as it came."""
    message = re.search(r'"(?:error|message)"\s*:\s*"((?:[^"\\]|\\.)*)"', body)
    if message:
        return _short(_unescaped(message[1]))
    if "<" in body and re.match(r"\s*<(!doctype|html)", body, re.IGNORECASE):
        return _short(re.sub(r"<(script|style|head)\b.*?(</\1>|$)|<[^>]*>?", " ", body, flags=re.S | re.I))
    return _short(body)


def _unescaped(text: str) -> str:
    try:
        return str(json.loads(f'"{text}"'))
    except ValueError:
        return text


def _net(request: SeenRequest) -> str:
    return _net_message(request.failure or "")


def _net_message(message: str) -> str:
    match = re.search(r"net::(ERR_\w+)", message)
    if not match:
        return _short(message)
    words = _NET_WORDS.get(match[1])
    return f"{words} (net::{match[1]})" if words else f"net::{match[1]}"


def _missed(message: str) -> str:
    """Playwright's time-out in words: what was looked for, and for how long."""
    strict = re.search(r"strict mode violation: (.+?) resolved to (\d+) elements", message)
    if strict:
        return f"{describe(strict[1])} is there {strict[2]} times, and the journey cannot tell which one is meant"
    waited = re.search(r"Timeout (\d+)ms exceeded", message)
    looked = re.search(r"waiting for (.+?)(?: to be (\w+))?\s*(?:\n|$)", message)
    blocked = re.search(r"<.+?> (?:from .+ )?intercepts pointer events", message)
    disabled = "element is not enabled" in message
    for_how_long = f" within {int(waited[1]) / 1000:g} s" if waited else ""
    if not looked:
        return _short(message.splitlines()[0] if message else "unknown error")
    what = describe(looked[1])
    if blocked:
        return f"{what} could not be clicked{for_how_long}: {_short(blocked[0])}"
    if disabled:
        return f"{what} stayed disabled{for_how_long}"
    wanted = "went away" if looked[2] in ("hidden", "detached") else "appeared"
    return f"{what} never {wanted}{for_how_long}"


_BY_ROLE = re.compile(r"get_by_role\(\"(\w+)\"(?:, name=(?:re\.compile\()?r?(\"(?:[^\"\\]|\\.)*\"|/.*?/\w*))?.*")
_BY_WORDS = re.compile(
    r"get_by_(placeholder|text|label|title|alt_text)\((?:re\.compile\()?r?(\"(?:[^\"\\]|\\.)*\"|/.*?/\w*).*"
)


def describe(locator: str) -> str:
    """A locator as Playwright prints it, as a person would name it: `the button "Next"`."""
    role = _BY_ROLE.match(locator)
    if role:
        return f"the {role[1]} {role[2]}" if role[2] else f"a {role[1]}"
    words = _BY_WORDS.match(locator)
    if words:
        return f"the {'field' if words[1] in ('placeholder', 'label') else words[1]} {words[2]}"
    return _short(locator)


def _assertion(error: AssertionError) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return _short("; ".join(lines[:3])) or "an assertion of the journey failed"


def _is_playwright(error: BaseException) -> bool:
    return type(error).__module__.startswith("playwright.")


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _QUOTE else text[: _QUOTE - 1] + "…"
