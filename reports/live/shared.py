"""Makes a page of the hub fit for people without an account: what they cannot use is taken out, and links become plain text."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Callable
from html import escape
from html.parser import HTMLParser
from urllib.parse import parse_qsl, urlencode

from reports.text import is_linkable

_DROPPED = frozenset({"form", "button", "dialog", "iframe", "object", "embed"})
_DROPPED_CLASSES = {
    "nav": {"nav", "pages"},
    "a": {"btn"},
    "p": {"report-links", "notice-trace"},
    "details": {"custom", "reclassify"},
}
_KEPT_CHOICE = "Time zone"
_ZONE = ("zone", "tz")
_EVIDENCE = re.compile(r"/evidence/([0-9a-f]{64})\.jpg")
_VOID = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
)
Attributes = list[tuple[str, str | None]]


def shared_page(html: str, note: str, *, prefix: str, picture: Callable[[str], bytes | None]) -> str:
    """Return a page without forms, navigation and ways to other pages, with `note` at its beginning.

    Only what is known to lead somewhere stays a link: places on the page, other sites, and the choice of the time zone. Pictures
    that the page shows are put into it; `picture` returns the bytes of one by its hash, None if it is gone. A part of a page can be
    given as well as a whole page.
    """
    shown = _Shown(note, prefix, picture)
    shown.feed(html)
    shown.close()
    return "".join(shown.out)


class _Shown(HTMLParser):
    """Copies a page, apart from what is taken out or changed."""

    def __init__(self, note: str, prefix: str, picture: Callable[[str], bytes | None]) -> None:
        super().__init__(convert_charrefs=False)
        self.out: list[str] = []
        self._note, self._prefix, self._picture = note, prefix, picture
        self._dropping: tuple[str, int] | None = None
        self._links: list[str] = []
        self._svg = 0

    def handle_starttag(self, tag: str, attrs: Attributes) -> None:
        if self._dropping is not None:
            name, depth = self._dropping
            self._dropping = (name, depth + (tag == name))
            return
        told = {name: value or "" for name, value in attrs}
        if _is_dropped(tag, told):
            self._dropping = None if tag in _VOID else (tag, 1)
            return
        self._svg += tag == "svg"
        if tag == "a":
            self._open_link(told)
        elif tag in ("input", "select", "textarea"):
            return
        elif tag == "img":
            self.out.append(_tag("img", told | {"src": self._source(told.get("src", ""))}))
        else:
            self.out.append(self.get_starttag_text() or "")
        if tag == "main":
            self.out.append(f'<p class="notice" role="note">{escape(self._note)}</p>')

    def handle_startendtag(self, tag: str, attrs: Attributes) -> None:
        if self._dropping is not None or _is_dropped(tag, {name: value or "" for name, value in attrs}):
            return
        if tag in ("img", "input", "select", "textarea"):
            self.handle_starttag(tag, attrs)
        elif tag != "a":
            self.out.append(self.get_starttag_text() or "")

    def handle_endtag(self, tag: str) -> None:
        if self._dropping is not None:
            name, depth = self._dropping
            depth -= tag == name
            self._dropping = (name, depth) if depth else None
            return
        if tag in ("select", "textarea"):
            return
        self._svg -= tag == "svg"
        name = self._links.pop() if tag == "a" and self._links else tag
        self.out.append(f"</{name}>")

    def handle_data(self, data: str) -> None:
        self._put(data)

    def handle_entityref(self, name: str) -> None:
        self._put(f"&{name};")

    def handle_charref(self, name: str) -> None:
        self._put(f"&#{name};")

    def handle_decl(self, decl: str) -> None:
        self._put(f"<!{decl}>")

    def _put(self, text: str) -> None:
        if self._dropping is None:
            self.out.append(text)

    def _open_link(self, told: dict[str, str]) -> None:
        href = _reachable(told.get("href", ""))
        if href is None:
            name = "g" if self._svg else "span"
            kept = {
                key: value for key, value in told.items() if key in ("class", "id", "title", "transform", "aria-label")
            }
        else:
            name, kept = "a", told | {"href": href} | ({} if href[:1] in "#?" else {"rel": "noreferrer noopener"})
        self._links.append(name)
        self.out.append(_tag(name, kept))

    def _source(self, source: str) -> str:
        found = _EVIDENCE.fullmatch(source.removeprefix(self._prefix))
        content = self._picture(found[1]) if found else None
        if content is not None:
            return f"data:image/jpeg;base64,{b64encode(content).decode()}"
        return source if source.startswith("data:image/") else "data:,"


def _is_dropped(tag: str, told: dict[str, str]) -> bool:
    classes = set(told.get("class", "").split())
    if tag == "nav" and "seg" in classes:
        return told.get("aria-label") != _KEPT_CHOICE
    if tag == "a" and "download" in told:
        return True
    return tag in _DROPPED or told.get("role") == "search" or bool(classes & _DROPPED_CLASSES.get(tag, set()))


def _reachable(href: str) -> str | None:
    """Return the address of a link that leads somewhere for people without an account; None for any other."""
    if href.startswith("#"):
        return href
    if href.startswith("?"):
        chosen = [(key, value) for key, value in parse_qsl(href[1:]) if key in _ZONE]
        return f"?{urlencode(chosen, safe='/:')}" if chosen else None
    return href if is_linkable(href) else None


def _tag(name: str, told: dict[str, str]) -> str:
    attributes = "".join(f' {key}="{escape(value)}"' for key, value in told.items())
    return f"<{name}{attributes}>"
