"""Describes requests, responses, locators, time-outs and files in plain words."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from journeys import locator_words
from journeys.net_errors import in_words

if TYPE_CHECKING:
    from journeys.recording import SeenRequest

_QUOTE = 160
_CODE = 300
_MOST_OPTIONS = 8
_WORTH_TELLING_MS = 500
_LOOKED_FOR = re.compile(r"waiting for (.+?)(?: to be (\w+))?\s*(?:\n|$)")
# The first frame of a stack, in Chromium's words.
_STACK = re.compile(r"\s+at (?:[^\n]{0,200}?\()?(?:https?|file|blob|webpack[\w-]*)://\S*?:\d+(?::\d+\)?|…)")
_HOUSE = Path(__file__).resolve().parent.parent


def name_of_request(request: SeenRequest) -> str:
    """Return a request's name, like `POST /api/buy`, with the origin before the path for a third party's."""
    place = request.endpoint if request.party == "first" else request.party + request.endpoint
    return f"{request.method} {place}"


def answer_of(request: SeenRequest) -> str:
    """Return a request and its response in words."""
    words = plain(request.body) if request.body else ""
    said = f" '{words}'" if words else ""
    return f"{name_of_request(request)} answered {request.status}{said}"


def plain(body: str) -> str:
    """What an answer says in words: the message inside a small JSON error, or the words of an HTML page, else the body as it came."""
    message = re.search(r'"(?:error|message)"\s*:\s*"((?:[^"\\]|\\.)*)"', body)
    if message:
        return short(_unescaped(message[1]))
    if re.match(r"\s*<(!doctype|[a-z])", body, re.IGNORECASE):
        return short(re.sub(r"<(script|style|head)\b.*?(</\1>|$)|<[^>]*>?", " ", body, flags=re.S | re.I))
    return short(body)


def _unescaped(text: str) -> str:
    try:
        return str(json.loads(f'"{text}"'))
    except ValueError:
        return text


def net_failure(message: str) -> str:
    """Return the failure of a connection in words."""
    if message == "csp":
        return "the page's own security policy keeps it away"
    return in_words(message) or short(message)


def is_other_value(message: str) -> bool:
    """Return whether Playwright's `expect` found its control, with another value than the expected one."""
    return "xpected" in message and "Actual value:" in message and not _found_nothing(message)


def _found_nothing(message: str) -> bool:
    return "Error: element(s) not found" in message or re.search(r"^Actual value: \[\]\s*$", message, re.M) is not None


def covered(
    message: str,
    cover: str | None,
    options: Sequence[str],
    closers: Sequence[str] = (),
    *,
    control: str | None = None,
) -> str:
    """Return Playwright's time-out in words, with what was seen on the page: a layer over the control, the options of a list.

    `closers` names the controls of that layer, and `control` is what the page calls the control itself.
    """
    looked = _LOOKED_FOR.search(message)
    if cover == "" and looked:
        return f"{describe(looked[1], control)} takes no clicks (pointer-events: none)"
    if cover and looked:
        names = ", ".join(f"'{cut(name, 40)}'" for name in closers)
        offers = f" (it has {names})" if names else ""
        return f"'{short(cover)}'{offers} covers {describe(looked[1], control)}"
    if options and looked:
        there = ", ".join(f"'{short(option)}'" for option in options[:_MOST_OPTIONS])
        more = f" and {len(options) - _MOST_OPTIONS} more" if len(options) > _MOST_OPTIONS else ""
        return f"{describe(looked[1], control)} has no such option; it offers {there}{more}"
    return missed(message, control)


def _expectation(message: str, control: str | None) -> str | None:
    """Return the value that `expect` required and the one it found, in words; None for any other error."""
    # A value may have several lines, the first of them empty: it ends where Playwright says how it looked.
    ends = r"\s*?\n(?=Error: |Call log:|Aria snapshot:|\Z)"
    looked = _LOOKED_FOR.search(message)
    own = re.match(rf"(.+?)(?:\nExpected value: (.*?))?\nActual value:(.*?){ends}", message, re.DOTALL)
    wanted = re.match(rf"(?:Locator|Page) (.*?)expected (not )?to (.+?)\nActual value:(.*?){ends}", message, re.DOTALL)
    if wanted:
        what = describe(looked[1], control) if looked else f"the page's {wanted[1].strip()}".removesuffix("'s ")
        how = f"{wanted[2] or ''}to {short(_in_words(wanted[3]))}"
        actual = wanted[4]
    elif own and "Call log:" in message:
        # A journey's own words stand in the place of Playwright's.
        what = f"{short(own[1])}: {describe(looked[1], control) if looked else 'it'}"
        how = f"to be {short(_in_words(own[2]))}" if own[2] else "to be otherwise"
        actual = own[3]
    else:
        return None
    is_there = f"it is '{short(actual.strip())}'" if actual.strip() != "None" else "it has none"
    return f"{what} was expected {how}, and {'it is not there' if _found_nothing(message) else is_there}"


def _in_words(expected: str) -> str:
    """Return what was expected without Python's notation of a regular expression."""
    text = re.sub(r"'?re\.compile\(r?(['\"])(.+?)\1(?:, re\.\w+(?:\|re\.\w+)*)?\)'?", lambda m: _like(m[2]), expected)
    return re.sub(r"^have Value\b", "have value", text)


def _like(pattern: str) -> str:
    return "like '" + locator_words.name_of(f"/{pattern}/")[1:-1] + "'"


# What Playwright says of a control that was found and could not be used, and what that means: before and after for how long.
_STATES = (
    ("intercepts pointer events", ("could not be clicked", ": something lies over it")),
    ("element is not enabled", ("stayed disabled", "")),
    ("element is not editable", ("stayed read-only", "")),
    ("element is outside of the viewport", ("could not be clicked", ": it lies outside of the window")),
    ("element is not stable", ("never stood still", "")),
    ("element is not visible", ("is on the page and stayed hidden", "")),
    ("locator resolved to hidden", ("is on the page and stayed hidden", "")),
)


def missed(message: str, control: str | None = None) -> str:
    """Return Playwright's time-out in words: what was looked for, and for how long.

    `control` is what the page calls the control, where it was found.
    """
    expected = _expectation(message, control)
    if expected:
        return expected
    strict = re.search(r"strict mode violation: (.+?) resolved to (\d+) elements", message)
    if strict:
        return (
            f"{describe(strict[1], control)} is there {strict[2]} times, and the journey cannot tell which one is meant"
        )
    waited = re.search(r"Timeout (\d+)ms exceeded", message)
    looked = _LOOKED_FOR.search(message)
    awaited = _awaited(message)
    # What was waited for a moment only was given up for another reason, which the sentence has already.
    for_how_long = (
        f" within {round(int(waited[1]) / 1000, 1):g} s" if waited and int(waited[1]) >= _WORTH_TELLING_MS else ""
    )
    if awaited:
        return f"{awaited}{for_how_long}"
    if not looked:
        return short(message.splitlines()[0] if message else "unknown error")
    what = describe(looked[1], control)
    state = next((words for said, words in _STATES if said in message), None)
    if state and looked[2] not in ("hidden", "detached"):
        return f"{what} {state[0]}{for_how_long}{state[1]}"
    wanted = "went away" if looked[2] in ("hidden", "detached") else "appeared"
    return f"{what} never {wanted}{for_how_long}"


def _awaited(message: str) -> str | None:
    """Return what a journey waited for other than a control: an address, an event, or its own script's result; None for a control."""
    call = re.match(r"(?:\w+\.)?wait_for_(\w+):", message)
    if call and call[1] in ("function", "load_state"):
        what = {"function": "what the journey asked the page by a script", "load_state": "the page's loading"}[call[1]]
        return f"{what} {'never came true' if call[1] == 'function' else 'never ended'}"
    navigation = re.search(r"waiting for navigation to \"(.+?)\"", message)
    if navigation:
        return f"the page never went on to '{short(navigation[1])}'"
    event = re.search(r"while waiting for event \"(\w+)\"", message)
    call = re.search(r"^waiting for (request|response) \"?(.+?)\"?\s*$", message, re.MULTILINE)
    if call:
        did = "asked for" if call[1] == "request" else "got an answer from"
        return f"the page never {did} '{short(call[2])}'"
    return f"{_EVENTS.get(event[1], f'the event {event[1]}')} never came" if event else None


_EVENTS = {
    "popup": "a new tab",
    "page": "a new tab",
    "download": "a download",
    "dialog": "a dialog",
    "filechooser": "a file dialog",
}


def describe(locator: str, control: str | None = None) -> str:
    """Return a locator as Playwright prints it, or what else was waited for, as a person would name it: `the button "Next"`.

    `control` is what the page itself calls the control, told in place of a selector.
    """
    return short(locator_words.describe(locator, control) or locator)


def assertion(error: AssertionError, code: str | None = None) -> str:
    """Return an assertion of the journey in a line: its own words, else its `code` with the values that its parts had."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return short("; ".join(lines[:3])) or (cut(code, _CODE) if code else "an assertion of the journey failed")


def short(text: str) -> str:
    """Return a text in one line that can be quoted."""
    return cut(text, _QUOTE)


def cut(text: str, most: int) -> str:
    """Return a text in one line of `most` characters at most."""
    text = " ".join(text.split())
    return text if len(text) <= most else text[: most - 1] + "…"


def without_stack(text: str) -> str:
    """Return what an exception says, without the frames of its stack."""
    return _STACK.split(text, maxsplit=1)[0].rstrip() or text


def as_known(file: str) -> str:
    """Return a file's path for a reader: `journeys/ga_purchase.py` if it ships, else from the current folder, else in full."""
    for known in (_HOUSE, Path.cwd()):
        if Path(file).is_relative_to(known):
            return str(Path(file).relative_to(known))
    return file
