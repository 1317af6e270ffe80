"""Reads what a page shows from the browser's own layout snapshot, which the page's scripts cannot falsify."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

STYLES = (
    *("opacity", "background-image", "border-image-source", "list-style-image", "mask-image", "content"),
    *("unicode-bidi", "direction"),
)
"""The computed styles that a snapshot has to hold, in this order."""

_TEXT_NODE = 3
# What the browser draws of its own out of attributes, without a text node that a snapshot would show.
_DRAWN = (
    "value",
    "placeholder",
    "alt",
    "label",
    "title",
    "summary",
    "src",
    "srcset",
    "href",
    "xlink:href",
    "data",
    "poster",
)
_CONTROLS = frozenset({"INPUT", "TEXTAREA", "SELECT", "OPTION", "OPTGROUP"})
_PICTURES = frozenset(
    {"IMG", "CANVAS", "VIDEO", "OBJECT", "EMBED", "IMAGE", "FENCEDFRAME", "PORTAL", "WEBVIEW", "APPLET"}
)
_DRAWING = _CONTROLS | _PICTURES
# Their text is a program: it would become another where a part of it is covered.
_PROGRAMS = frozenset({"SCRIPT", "STYLE"})
_SVG_TEXTS = frozenset({"TEXT", "TSPAN", "TEXTPATH"})
_MADE = ('url("data:', 'url("blob:', "paint(", "element(")
_OPACITY, _BIDI, _DIRECTION = (STYLES.index(name) for name in ("opacity", "unicode-bidi", "direction"))
# Text that is shown from right to left whatever it is written in: the direction that a style or a character asks for.
_OVERRIDES = ("bidi-override", "isolate-override")
_TURNS = "\u202e"
# A drawing of this size may be a bar code or a QR code; a smaller one is an icon.
_SMALLEST_DRAWING_PX2, _THINNEST_DRAWING_PX = 3600, 24


Place = tuple[float, float, float]
NOWHERE: Place = (0.0, 0.0, 0.0)


@dataclass(frozen=True, slots=True)
class Shown:
    """A piece of text on show. `node` is the backend id of its text node where `is_text`, else of the element that draws it.

    `place` is the middle of its height, and its left and right edge. `is_aside` is what nobody sees as it is written, like the
    address of an image.
    """

    document: int
    node: int
    text: str
    is_text: bool
    place: Place = NOWHERE
    is_aside: bool = False


@dataclass(slots=True)
class Snapshot:
    """What the documents of one process show.

    `frames` are the documents' frame ids. `unreadable` are elements that draw what is no text, as (document, node, address).
    `apart` are the frames whose document is not in this snapshot, as (document, node). `passwords` are what password fields
    hold, `opaque` the elements of which something can be seen.
    """

    frames: list[str] = field(default_factory=list)
    shown: list[Shown] = field(default_factory=list)
    unreadable: list[tuple[int, int, str]] = field(default_factory=list)
    apart: list[tuple[int, int]] = field(default_factory=list)
    passwords: set[str] = field(default_factory=set)
    opaque: set[int] = field(default_factory=set)


def read(answer: Mapping[str, Any]) -> Snapshot:
    """Read the browser's answer to DOMSnapshot.captureSnapshot with `STYLES`."""
    snapshot = Snapshot()
    strings: list[str] = answer["strings"]
    # A picture of a style sheet is the same for everybody, unless a script has made it.
    made = frozenset(index for index, style in enumerate(strings) if any(name in style for name in _MADE))
    for number, document in enumerate(answer["documents"]):
        snapshot.frames.append(strings[document["frameId"]])
        _Document(number, document, strings, made).read_into(snapshot)
    return snapshot


class _Document:
    """The tables of one document of a snapshot; everything in them is an index into another."""

    def __init__(self, number: int, tables: Mapping[str, Any], strings: list[str], made: frozenset[int]) -> None:
        self._number, self._strings, self._made = number, strings, made
        self._zero = strings.index("0") if "0" in strings else -1
        nodes = tables["nodes"]
        self._parents, self._types, self._ids = nodes["parentIndex"], nodes["nodeType"], nodes["backendNodeId"]
        self._names = [self._string(index).upper() for index in nodes["nodeName"]]
        self._values, self._attributes = nodes["nodeValue"], nodes["attributes"]
        self._pseudo = set(nodes["pseudoType"]["index"])
        self._typed = {**self._rare(nodes["textValue"]), **self._rare(nodes["inputValue"])}
        self._current = self._rare(nodes["currentSourceURL"])
        self._with_document = set(nodes["contentDocumentIndex"]["index"])
        self._layout = tables["layout"]
        self._text_below: dict[int, list[str]] = {}
        for index, parent in enumerate(self._parents):
            if self._types[index] == _TEXT_NODE:
                self._text_below.setdefault(parent, []).append(self._string(self._values[index]))

    def read_into(self, snapshot: Snapshot) -> None:
        laid_out = dict(zip(self._layout["nodeIndex"], range(len(self._layout["nodeIndex"])), strict=True))
        options: dict[int, list[int]] = {}
        for index, name in enumerate(self._names):
            if name in ("OPTION", "OPTGROUP"):
                options.setdefault(self._select_of(index), []).append(index)
        for index, parent in enumerate(self._parents):
            # A text that is drawn elsewhere, by <use> or as a pattern, is itself laid out nowhere.
            if self._types[index] == _TEXT_NODE and index not in laid_out and self._names[parent] in _SVG_TEXTS:
                text = self._string(self._values[index])
                snapshot.shown.append(Shown(self._number, self._ids[index], text, is_text=True))
        for index, row in laid_out.items():
            snapshot.shown += self._texts(index, row, options.get(index, ()))
            self._read_element(index, row, snapshot)

    def _read_element(self, index: int, row: int, snapshot: Snapshot) -> None:
        name, styles, node = self._names[index], self._layout["styles"][row], self._ids[index]
        if styles and styles[_OPACITY] != self._zero and index not in self._pseudo:
            snapshot.opaque.add(node)
        if not self._made.isdisjoint(styles):
            snapshot.unreadable.append((self._number, self._owner(index), ""))
        if name in _PICTURES or (name == "INPUT" and self._type_of(index) == "image"):
            snapshot.unreadable.append((self._number, node, self._current.get(index, "")))
        if name == "SVG" and _is_large(self._layout["bounds"][row]):
            snapshot.unreadable.append((self._number, node, ""))
        if name in ("IFRAME", "FRAME") and index not in self._with_document:
            snapshot.apart.append((self._number, node))
        if name == "INPUT" and self._type_of(index) == "password" and self._typed.get(index):
            snapshot.passwords.add(self._typed[index])

    def _texts(self, index: int, row: int, options: Collection[int]) -> Iterator[Shown]:
        place = _place(self._layout["bounds"][row])
        text = self._string(self._layout["text"][row])
        parent = self._parents[index]
        if self._types[index] == _TEXT_NODE and (parent < 0 or self._names[parent] not in _PROGRAMS):
            written = self._string(self._values[index])
            yield Shown(self._number, self._ids[index], written, True, place)
            if parent >= 0 and (_TURNS in written or self._is_turned(row)):
                yield Shown(self._number, self._owner(index), written[::-1], False, place, is_aside=True)
            return
        node = self._owner(index)
        if text:
            yield Shown(self._number, node, text, False, place)
        if self._names[index] in _DRAWING:
            attributes = self._attributes_of(index)
            value = self._typed.get(index) or attributes.get("value") or attributes.get("placeholder", "")
            yield Shown(self._number, node, value, False, place)
            asides = [self._current.get(index, ""), *(attributes.get(name, "") for name in _DRAWN)]
            for option in options:
                asides += [self._attributes_of(option).get("label", ""), *self._text_below.get(option, ())]
            yield from (Shown(self._number, node, aside, False, place, is_aside=True) for aside in asides if aside)

    def _is_turned(self, row: int) -> bool:
        """Return whether a text is shown from right to left against the direction of its own characters."""
        styles = self._layout["styles"][row]
        if not styles:
            return False
        return self._string(styles[_DIRECTION]) == "rtl" and self._string(styles[_BIDI]) in _OVERRIDES

    def _owner(self, index: int) -> int:
        """The element to make invisible, which a pseudo-element or a program is not itself."""
        while index in self._pseudo or self._types[index] == _TEXT_NODE:
            index = self._parents[index]
        return int(self._ids[index])

    def _select_of(self, index: int) -> int:
        while index >= 0 and self._names[index] not in ("SELECT", "DATALIST"):
            index = self._parents[index]
        return index

    def _type_of(self, index: int) -> str:
        return self._attributes_of(index).get("type", "").lower()

    def _attributes_of(self, index: int) -> dict[str, str]:
        flat = [self._string(i) for i in self._attributes[index]]
        return dict(zip(flat[::2], flat[1::2], strict=True))

    def _rare(self, table: Mapping[str, list[int]]) -> dict[int, str]:
        return {i: self._string(value) for i, value in zip(table["index"], table["value"], strict=True)}

    def _string(self, index: int) -> str:
        return self._strings[index] if index >= 0 else ""


def _place(bounds: list[float]) -> Place:
    return (bounds[1] + bounds[3] / 2, bounds[0], bounds[0] + bounds[2]) if len(bounds) == 4 else NOWHERE


def _is_large(bounds: list[float]) -> bool:
    width, height = bounds[2:4] if len(bounds) == 4 else (0.0, 0.0)
    return width * height >= _SMALLEST_DRAWING_PX2 and min(width, height) >= _THINNEST_DRAWING_PX
