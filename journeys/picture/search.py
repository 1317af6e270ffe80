"""Finds secrets in what a page shows, also where one is spread over several pieces of text."""

from __future__ import annotations

import unicodedata
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from journeys.picture.shown import NOWHERE, Shown
from redact import Scrubber

_LINE_PX = 6
_BESIDE_PX = 24
_TOUCHES_PX = 2
Found = dict[tuple[int, int, bool], list[tuple[int, int]]]
"""By document, node and whether it is a text node: from where to where in the text; nothing of an element is left to be seen."""


@dataclass(frozen=True, slots=True)
class _Folded:
    """Holds a text as a reader perceives it, with the position of each byte in the original text in UTF-16 units, as scripts count."""

    data: bytes
    starts: array[int]


def find(shown: Sequence[Shown], scrubber: Scrubber) -> Found:
    """Where the secrets are, in document order and in the order in which the pieces stand on the page, with and without a gap."""
    folded = [_fold(piece.text) for piece in shown]
    read = [i for i, piece in enumerate(shown) if not piece.is_aside]
    by_place = sorted(read, key=lambda i: (round(shown[i].place[0] / _LINE_PX), shown[i].place[1]))
    asides = [i for i, piece in enumerate(shown) if piece.is_aside]
    found: Found = {}
    for piece in shown:
        # In a text a secret so short would be found by chance; what a whole field holds is no chance.
        if not piece.is_text and scrubber.is_secret(piece.text.strip()):
            found[piece.document, piece.node, False] = [(0, len(piece.text))]
    for order in (read, by_place) if by_place != read else (read,):
        # Numbers that have nothing to do with each other would make a card by chance.
        _find_in([(i, b"") for i in order], shown, folded, scrubber, found, cards=False)
    _find_in([(i, b"\n") for i in (*read, *asides)], shown, folded, scrubber, found)
    gaps = [_gap(shown[i], shown[j]) for i, j in pairwise(by_place)]
    _find_in(list(zip(by_place, [*gaps, b""], strict=False)), shown, folded, scrubber, found)
    return found


def _gap(left: Shown, right: Shown) -> bytes:
    """Return what a reader sees between two pieces of text."""
    is_beside = abs(left.place[0] - right.place[0]) <= _LINE_PX and right.place[1] - left.place[2] <= _BESIDE_PX
    if not is_beside or NOWHERE in (left.place, right.place):
        return b"\n"
    return b" " if right.place[1] - left.place[2] > _TOUCHES_PX else b""


def _find_in(
    order: Sequence[tuple[int, bytes]],
    shown: Sequence[Shown],
    folded: Sequence[_Folded],
    scrubber: Scrubber,
    found: Found,
    *,
    cards: bool = True,
) -> None:
    """Search pieces in this order, each together with the text that follows it."""
    stretches, parts, end = [], [], 0
    for index, behind in order:
        data = folded[index].data
        stretches.append((end, end + len(data), index))
        parts += [data, behind]
        end += len(data) + len(behind)
    text, at = b"".join(parts), 0
    if not scrubber.finds(text):  # much faster than finding where, and nearly always all there is to do
        return
    for begin, stop in scrubber.places(text, cards=cards):
        while at < len(stretches) and stretches[at][1] <= begin:
            at += 1
        for first, last, index in stretches[at:]:
            if first >= stop:
                break
            starts, piece = folded[index].starts, shown[index]
            span = starts[max(begin - first, 0)], starts[min(stop, last) - first]
            if span[0] < span[1]:
                found.setdefault((piece.document, piece.node, piece.is_text), []).append(span)


@lru_cache(maxsize=1 << 14)
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
