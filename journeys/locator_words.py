"""Names the control that a Playwright locator stands for as a person would: `the button "Add" in the listitem with "Shirt"`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_CALL = re.compile(r"\.?(\w+)")
_FIRST_TEXT = re.compile(r"(?:re\.compile\()?r?(\"(?:[^\"\\]|\\.)*\"|/.*?/\w*)", re.DOTALL)
_OPTION = r"\b{}=(?:re\.compile\()?r?(\"(?:[^\"\\]|\\.)*\"|/.*?/\w*)"
_NAME, _HAS_TEXT = re.compile(_OPTION.format("name")), re.compile(_OPTION.format("has_text"))
_LEVEL = re.compile(r"\blevel=(\d)")
# What each way to look something up finds.
_BY_WORDS = {
    "get_by_label": "the field {}",
    "get_by_placeholder": "the field {}",
    "get_by_text": "the text {}",
    "get_by_title": "the title {}",
    "get_by_alt_text": "the picture {}",
    "get_by_test_id": "the element with the test id {}",
}
# Words inside a selector by which a person can find what it selects; the first one that fits.
_IN_SELECTOR = (
    (re.compile(r"""^(?:text=|:text\()["']?(.+?)["']?\)?$"""), 'the text "{}"'),
    (re.compile(r"""(?:^|[\s>])(button|a|input|select|textarea)?:(?:has-text|text(?:-is)?)\(["'](.+?)["']\)$"""), ""),
    (re.compile(r"""\[(?:aria-label|placeholder)[*^$~|]?=["']?(.+?)["']?\]$"""), 'the element "{}"'),
    (re.compile(r"""(?:input|select|textarea)\S*\[name[*^$~|]?=["']?(.+?)["']?\]$"""), 'the field "{}"'),
)
_TAGS = {"button": "button", "a": "link", "input": "field", "select": "list", "textarea": "field", "iframe": "frame"}
# Roles whose names are not those that a person would use.
_ROLES = {
    "textbox": "field",
    "searchbox": "search field",
    "spinbutton": "number field",
    "combobox": "list",
    "listbox": "list",
    "listitem": "list item",
    "img": "picture",
    "menuitem": "menu item",
    "alertdialog": "dialog",
    "progressbar": "progress bar",
}


@dataclass(frozen=True, slots=True)
class _Part:
    """One call of a chain of locators: its name and the text between its brackets."""

    call: str
    arguments: str


def describe(locator: str, control: str | None = None) -> str | None:
    """Return a locator, as Playwright prints it, in a person's words; None for what is no locator.

    `control` is what the page calls the control that was found (`the field "E-mail"`): it is told in place of a selector or a test id.
    """
    parts = list(_parts(locator))
    finders = [i for i, part in enumerate(parts) if part.call == "locator" or part.call.startswith("get_by_")]
    if not finders:
        return None
    last = finders[-1]
    part = parts[last]
    is_nameless = part.call == "get_by_role" and not _NAME.search(part.arguments)
    if control and (is_nameless or part.call in ("locator", "get_by_test_id")):
        return control
    texts = [found[1] for later in parts[last + 1 :] if (found := _HAS_TEXT.search(later.arguments))]
    what = _what(part) + (f" with {name_of(texts[-1])}" if texts and part.call != "get_by_text" else "")
    where = _where(parts[:last])
    return f"{what} in {where}" if where else what


def found_by(locator: str) -> tuple[str | None, str | None]:
    """Return what a locator looks for, and by what name: a role, or `field` for what is found by its label; None for neither."""
    part = next(
        (p for p in reversed(list(_parts(locator))) if p.call == "locator" or p.call.startswith("get_by_")), None
    )
    if part is not None and part.call == "get_by_role":
        name = _NAME.search(part.arguments)
        return _unquoted(part.arguments), name_of(name[1])[1:-1] if name else None
    if part is not None and part.call in ("get_by_label", "get_by_placeholder"):
        found = _FIRST_TEXT.match(part.arguments)
        return "field", name_of(found[1])[1:-1] if found else None
    return None, None


def name_of(printed: str) -> str:
    """Return the quoted accessible name from a locator; a regular expression is replaced by a short text that it matches."""
    pattern = re.fullmatch(r"/(.*)/\w*", printed, re.DOTALL)
    if not pattern and not re.search(r"\\[bdsw]|[\^$|]|\(\?|\.[*+]|\)[?*]", printed):
        return printed
    text = pattern[1] if pattern else printed[1:-1].replace("\\\\", "\\")
    while (simpler := re.sub(r"\((?:\?[:=!<]*)?([^()|]*)(?:\|[^()]*)?\)[?*]?", r"\1", text)) != text:
        text = simpler
    text = re.sub(r"\.[*+]\??", "…", text.partition("|")[0])
    text = re.sub(r"\\s[*+]?", " ", re.sub(r"\\[bB]|[\^$]", "", text))
    text = re.sub(r"\\[dD][*+]?", "0", re.sub(r"\\w[*+]?", "…", text))
    text = re.sub(r"\\(.)", r"\1", text)
    return f'"{" ".join(text.split())}"'


def _what(part: _Part) -> str:
    if part.call == "get_by_role":
        role, name = _role(part), _NAME.search(part.arguments)
        level = _LEVEL.search(part.arguments)
        of_level = f" of level {level[1]}" if level else ""
        return f"the {role}{of_level} {name_of(name[1])}" if name else f"{_article(role)} {role}{of_level}"
    if part.call == "locator":
        return _selected(_unquoted(part.arguments))
    found = _FIRST_TEXT.match(part.arguments)
    words = name_of(found[1]) if found else '"…"'
    return _BY_WORDS.get(part.call, "the element {}").format(words)


def _selected(selector: str) -> str:
    """Return what a selector selects: the words in it, else the selector itself."""
    for pattern, what in _IN_SELECTOR:
        found = pattern.search(selector)
        if found and what:
            return what.format(found[1])
        if found:
            return f'the {_TAGS.get(found[1] or "", "element")} "{found[2]}"'
    tag = _TAGS.get(selector)
    return f"{_article(tag)} {tag}" if tag else f'the element "{selector}"'


def _where(parts: list[_Part]) -> str | None:
    """Return the nearest named part of the page in which a locator searches."""
    for index in reversed(range(len(parts))):
        part = parts[index]
        if part.call == "filter" and (text := _HAS_TEXT.search(part.arguments)):
            outer = next((p for p in reversed(parts[:index]) if p.call.startswith("get_by_role")), None)
            return f"the {_role(outer) if outer else 'element'} with {name_of(text[1])}"
        if part.call == "get_by_role" and _NAME.search(part.arguments):
            return _what(part)
        if part.call == "content_frame" and index:
            name = re.search(r'".*"', _what(parts[index - 1]))
            return f"the frame {name[0]}" if name else "a frame"
    return None


def _role(part: _Part) -> str:
    role = _unquoted(part.arguments)
    return _ROLES.get(role, role)


def _article(noun: str) -> str:
    return "an" if noun[:1] in "aeio" else "a"


def _unquoted(arguments: str) -> str:
    found = _FIRST_TEXT.match(arguments)
    return re.sub(r"\\(.)", r"\1", found[1][1:-1]) if found else arguments


def _parts(locator: str) -> Iterator[_Part]:
    """Split a printed locator into its calls; return none for any other text."""
    parts, at = [], 0
    while at < len(locator):
        call = _CALL.match(locator, at)
        if call is None:
            return
        end = call.end()
        if locator[end : end + 1] == "(":
            closing = _closing(locator, end)
            if closing is None:
                return
            parts.append(_Part(call[1], locator[end + 1 : closing]))
            at = closing + 1
        else:
            parts.append(_Part(call[1], ""))
            at = end
    yield from parts


def _closing(text: str, opening: int) -> int | None:
    """Return the position of the bracket that closes another one; brackets in quotes do not count."""
    depth, quoted, at = 0, False, opening
    while at < len(text):
        sign = text[at]
        if sign == "\\" and quoted:
            at += 1
        elif sign == '"':
            quoted = not quoted
        elif not quoted and sign in "()":
            depth += 1 if sign == "(" else -1
            if depth == 0:
                return at
        at += 1
    return None
