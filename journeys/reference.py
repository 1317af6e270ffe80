"""Keeps the last good run of a journey in a few hundred bytes a step: what its pages said and what failed without stopping the buyer.

A failed run is judged beside it. What failed there too is no suspect, and a page that has next to no words in common with the
page that stood there is another page altogether.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

_VERSION = 1
# As many of the smallest hashes as are kept of a page: enough to tell a tenth in common from a half.
_KEPT = 64
_WORDS_A_SHINGLE = 3
_MOST_FAILURES = 200
_ANOTHER_PAGE = 0.1
# One word that changed takes three groups of words with it: of a page that had no more than that, nothing is left.
_ENOUGH_TO_COMPARE = 4

Sketch = tuple[int, ...]
"""The smallest hashes of a page's shingles (its overlapping groups of three words), ascending."""


@dataclass(frozen=True, slots=True)
class Reference:
    """Holds what the last good run saw: a sketch of the page at the end of each step, and the marks of failed requests."""

    pages: Mapping[str, Sketch] = field(default_factory=dict)
    failed: frozenset[str] = frozenset()


def sketch_of(text: str) -> Sketch:
    """Return the sketch of a page's text; empty for a page without words. Numbers are left out, for prices and dates change."""
    words = [word for word in re.findall(r"\w+", text.lower()) if not word.isdigit()]
    groups = {" ".join(words[at : at + _WORDS_A_SHINGLE]) for at in range(max(1, len(words) - _WORDS_A_SHINGLE + 1))}
    return tuple(sorted(zlib.crc32(group.encode()) for group in groups if group)[:_KEPT])


def in_common(one: Sketch, other: Sketch) -> float:
    """Return the share of shingles that two pages have in common, from 0 to 1, estimated from their sketches."""
    if not one or not other:
        return 0.0
    smallest = sorted({*one, *other})[:_KEPT]
    both = set(one) & set(other)
    return sum(value in both for value in smallest) / len(smallest)


def is_another_page(text: str, known: Iterable[Sketch]) -> bool:
    """Return whether a text is that of another page than all of the known ones; False where none is known that has a few words."""
    sketch = sketch_of(text)
    pages = [page for page in known if len(page) >= _ENOUGH_TO_COMPARE]
    return bool(pages) and all(in_common(sketch, page) < _ANOTHER_PAGE for page in pages)


def says_something_new(line: str, known: Iterable[Sketch]) -> bool:
    """Return whether a line of a page stood on none of the known pages; False where none is known, or where it has too few words."""
    pages = [page for page in known if page]
    words = [word for word in re.findall(r"\w+", line.lower()) if not word.isdigit()]
    if not pages or len(words) < _WORDS_A_SHINGLE:
        return False
    hashes = sketch_of(line)
    # Of a long page only the smallest hashes were kept: of a larger one nobody knows.
    return all(any(h not in page and (len(page) < _KEPT or h <= page[-1]) for h in hashes) for page in pages)


def read_reference(file: Path) -> Reference | None:
    """Return the last good run that a file contains; None if there is no file, or this version cannot read it."""
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
        if data["version"] != _VERSION:
            return None
        pages = {str(step): tuple(int(value) for value in page) for step, page in data["pages"].items()}
        return Reference(pages=pages, failed=frozenset(map(str, data["failed"])))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None  # it is only an aid: the next good run writes it anew


def write_reference(file: Path, reference: Reference) -> None:
    """Write the file with which the next runs of the journey are compared. A failing disk does not fail the run."""
    data = {
        "version": _VERSION,
        "pages": {step: list(page) for step, page in reference.pages.items()},
        "failed": sorted(reference.failed)[:_MOST_FAILURES],
    }
    beside = file.with_suffix(f".{os.getpid()}.new")
    with contextlib.suppress(OSError):
        file.parent.mkdir(parents=True, exist_ok=True)
        beside.write_text(json.dumps(data, separators=(",", ":")), encoding="utf-8")
        beside.replace(file)
