"""Finds secrets in what a page shows, also where one is spread over several pieces of text."""

from __future__ import annotations

import unicodedata
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from journeys.picture.shown import Shown
from journeys.redact import Scrubber

_LINE_PX = 6
Found = dict[tuple[int, int, bool], list[tuple[int, int]]]
"""By document, node and whether it is a text node: from where to where in the text; nothing of an element is left to be seen."""


@dataclass(frozen=True, slots=True)
class _Folded:
    """Text as a reader takes it, and where in the text each byte of it stands, in UTF-16 units as scripts count."""

    data: bytes
    starts: array[int]


def find(shown: Sequence[Shown], scrubber: Scrubber) -> Found:
    """Where the secrets are, in document order and in the order in which the pieces stand on the page, with and without a gap."""
    folded = [_fold(piece.text) for piece in shown]
    by_document = [i for i, piece in enumerate(shown) if not piece.is_aside]
    by_place = sorted(by_document, key=lambda i: (round(shown[i].place[0] / _LINE_PX), shown[i].place[1]))
    found: Found = {}
    for order in (by_document, by_place):
        for between in (b"", b"\n"):
            _find_in(order, between, shown, folded, scrubber, found)
    asides = [i for i, piece in enumerate(shown) if piece.is_aside]
    _find_in(asides, b"\n", shown, folded, scrubber, found)
    return found


def _find_in(
    order: Iterable[int],
    between: bytes,
    shown: Sequence[Shown],
    folded: Sequence[_Folded],
    scrubber: Scrubber,
    found: Found,
) -> None:
    stretches, parts, end = [], [], 0
    for index in order:
        data = folded[index].data
        stretches.append((end, end + len(data), index))
        parts += [data, between]
        end += len(data) + len(between)
    places = scrubber.places(b"".join(parts))
    at = 0
    for begin, stop in places:
        while at < len(stretches) and stretches[at][1] <= begin:
            at += 1
        for first, last, index in stretches[at:]:
            if first >= stop:
                break
            starts, piece = folded[index].starts, shown[index]
            span = starts[max(begin - first, 0)], starts[min(stop, last) - first]
            if span[0] < span[1]:
                found.setdefault((piece.document, piece.node, piece.is_text), []).append(span)


def _fold(text: str) -> _Folded:
    """White space of any width is one space; what cannot be seen is left out; wide and round digits and letters are plain ones."""
    parts: list[bytes] = []
    starts = array("Q")
    unit, was_space = 0, False
    for character in text:
        plain = character if character.isascii() else _plain(character)
        is_space = plain.isspace()
        if is_space:
            plain = "" if was_space else " "
        if plain:
            data = plain.encode("utf-8", "surrogatepass")
            parts.append(data)
            starts.extend([unit] * len(data))
            was_space = is_space
        unit += 1 if ord(character) < 0x10000 else 2
    starts.append(unit)
    return _Folded(b"".join(parts), starts)


def _plain(character: str) -> str:
    if unicodedata.category(character) in ("Cf", "Mn"):
        return ""
    digit = unicodedata.digit(character, None)
    return str(digit) if digit is not None else unicodedata.normalize("NFKC", character)
