"""Masks secrets in the snapshots of a trace, where a page is a tree and a secret may be split over several text nodes.

A snapshot is `[name, attributes, *children]`, a text node is a string, and `[[ago, index]]` refers to a node of an
earlier snapshot of the same frame; nodes are counted children first. See `snapshotRenderer.ts` in
https://github.com/microsoft/playwright.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from journeys.picture.search import find
from journeys.picture.shown import Shown
from redact import Scrubber

_EVENT = b'"frame-snapshot"'
_MASK = "***"
_VALUE = "__playwright_value_"
_PROGRAMS = frozenset({"STYLE", "SCRIPT", "NOSCRIPT"})


@dataclass(slots=True)
class _Slot:
    """Holds the position of a text node in the tree."""

    holder: Any
    key: Any

    @property
    def text(self) -> str:
        return str(self.holder[self.key])


@dataclass(slots=True)
class _Tree:
    html: list[Any]
    nodes: list[Any]


def mask_snapshots(trace: bytes, scrubber: Scrubber) -> tuple[bytes, int]:
    """Return a `.trace` file with the secrets in its snapshots masked, and the number of masked text nodes."""
    lines = trace.splitlines(keepends=True)
    frames: dict[str, list[_Tree]] = {}
    events: list[tuple[int, Any]] = []
    count, clean = 0, set[int]()
    for number, line in enumerate(lines):
        event = _snapshot(line)
        if event is None:
            continue
        snapshot = event["snapshot"]
        earlier = frames.setdefault(snapshot.get("frameId", ""), [])
        tree = _Tree(holder := [snapshot["html"]], list(_nodes(holder, 0)))
        earlier.append(tree)
        events.append((number, event))
        slots = list(_texts(tree, earlier, len(earlier) - 1))
        said = hash(tuple(slot.text for slot in slots))
        if said in clean:  # most snapshots have the same text as the previous one
            continue
        found = _mask(slots, scrubber)
        count += found
        if not found:
            clean.add(said)
    if count:
        # All events are written again, because masking a referenced node changes the earlier snapshot that holds it.
        for number, event in events:
            lines[number] = json.dumps(event, ensure_ascii=False).encode("utf-8", "surrogatepass") + b"\n"
    return b"".join(lines), count


def _snapshot(line: bytes) -> Any:
    if _EVENT not in line:
        return None
    try:
        event = json.loads(line)
    except ValueError:
        return None
    is_one = isinstance(event, dict) and event.get("type") == "frame-snapshot" and "html" in event.get("snapshot", {})
    return event if is_one else None


def _nodes(holder: Any, key: int) -> Iterator[Any]:
    """Yield the nodes in the order in which later snapshots count them: text nodes as slots, elements as they are."""
    node = holder[key]
    if isinstance(node, str):
        yield _Slot(holder, key)
    elif isinstance(node, list) and node and isinstance(node[0], str):
        for child in range(2, len(node)):
            yield from _nodes(node, child)
        yield node


def _texts(tree: _Tree, earlier: list[_Tree], at: int) -> Iterator[_Slot]:
    root = tree.html[0]
    yield from _below(_Slot(tree.html, 0) if isinstance(root, str) else root, earlier, at)


def _below(node: Any, earlier: list[_Tree], at: int) -> Iterator[_Slot]:
    if isinstance(node, _Slot):
        yield node
    elif node and isinstance(node[0], list):
        ago, index = node[0]
        nodes = earlier[at - ago].nodes if at - ago >= 0 else []
        if 0 <= index < len(nodes):
            yield from _below(nodes[index], earlier, at - ago)
    elif node and node[0].upper() not in _PROGRAMS:
        if len(node) > 1 and node[1].get(_VALUE):
            yield _Slot(node[1], _VALUE)
        for child in range(2, len(node)):
            below = node[child]
            yield from _below(_Slot(node, child) if isinstance(below, str) else below, earlier, at)


def _mask(slots: list[_Slot], scrubber: Scrubber) -> int:
    shown = [Shown(0, number, slot.text, is_text=True) for number, slot in enumerate(slots)]
    found = find(shown, scrubber)
    for _, number, _ in found:
        slots[number].holder[slots[number].key] = _MASK
    return len(found)
