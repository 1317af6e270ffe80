"""Requests, answers, locators, time-outs and files in the words of a person."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

from journeys.net_errors import in_words

if TYPE_CHECKING:
    from journeys.recording import SeenRequest

_QUOTE = 160
_HOUSE = Path(__file__).resolve().parent.parent


def name_of_request(request: SeenRequest) -> str:
    """`POST /api/buy`, with the origin before the path where it is a third party's."""
    place = request.endpoint if request.party == "first" else request.party + request.endpoint
    return f"{request.method} {place}"


def answer_of(request: SeenRequest) -> str:
    """A request and what it was answered."""
    said = f" '{plain(request.body)}'" if request.body else ""
    return f"{name_of_request(request)} answered {request.status}{said}"


def plain(body: str) -> str:
    """What an answer says in words: the message inside a small JSON error, or the words of an HTML page, else the body as it came."""
    message = re.search(r'"(?:error|message)"\s*:\s*"((?:[^"\\]|\\.)*)"', body)
    if message:
        return short(_unescaped(message[1]))
    if "<" in body and re.match(r"\s*<(!doctype|html)", body, re.IGNORECASE):
        return short(re.sub(r"<(script|style|head)\b.*?(</\1>|$)|<[^>]*>?", " ", body, flags=re.S | re.I))
    return short(body)


def _unescaped(text: str) -> str:
    try:
        return str(json.loads(f'"{text}"'))
    except ValueError:
        return text


def net_failure(message: str) -> str:
    """A connection's failure in words."""
    if message == "csp":
        return "the page's own security policy keeps it away"
    return in_words(message) or short(message)


def missed(message: str) -> str:
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
        return short(message.splitlines()[0] if message else "unknown error")
    what = describe(looked[1])
    if blocked:
        return f"{what} could not be clicked{for_how_long}: {short(blocked[0])}"
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
    return short(locator)


def assertion(error: AssertionError) -> str:
    """An assertion of the journey in a line."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return short("; ".join(lines[:3])) or "an assertion of the journey failed"


def short(text: str) -> str:
    """A text in one line that can be quoted."""
    text = " ".join(text.split())
    return text if len(text) <= _QUOTE else text[: _QUOTE - 1] + "…"


def as_known(file: str) -> str:
    """A file as its reader knows it: `journeys/ga_purchase.py` for ours, else from the current folder, else in full."""
    for known in (_HOUSE, Path.cwd()):
        if Path(file).is_relative_to(known):
            return str(Path(file).relative_to(known))
    return file
