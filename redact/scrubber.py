"""Finds secrets in every form in all outgoing data, and masks them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import IO, Any

from redact.cards import real_cards
from redact.encodings import Forms, Span
from redact.unescape import readings

MASK = "***"
_CHUNK = 1 << 20
_OVERLAP = 1 << 16
_SHORTEST_WHOLE = 3
# Keys whose values are our own terms and never masked: a password "failed" must not change a status, nor "east" a location.
_OURS = frozenset(
    {
        *("id", "journey", "location", "plan", "sha256", "path", "name", "step", "failed_step"),
        *("status", "blame", "kind", "level", "unit", "navigation", "state", "started_at", "finished_at", "slot"),
    }
)


class UnmaskableError(Exception):
    """A file cannot be freed of secrets; the message is the end of "dropped: ..."."""


class Scrubber:
    """Knows the secrets of a run in every form they may take, and recognizes real card numbers."""

    def __init__(self, secrets: Iterable[str]) -> None:
        self._secrets = frozenset(secrets)
        self._forms = Forms(self._secrets)

    def knowing(self, more: Iterable[str]) -> Scrubber:
        """Return a scrubber that also knows further secrets, which a run found on its way."""
        return Scrubber(self._secrets.union(more))

    def mask(self, text: str) -> tuple[str, int]:
        """Return the text with every secret and every real card number masked, and their number.

        The beginning of a secret at the end of the text is masked too, because texts may have been cut before.
        """
        masked, count = self.mask_bytes(text.encode("utf-8", "surrogatepass"), cut=True)
        return (masked.decode("utf-8", "replace"), count) if count else (text, 0)

    def mask_bytes(self, data: bytes, *, cut: bool = False) -> tuple[bytes, int]:
        """Return the same for text as bytes; `cut` means that its end may have been cut off."""
        spans = self.places(data, cut=cut)
        parts, done = [], 0
        for begin, end in spans:
            parts += [data[done:begin], MASK.encode()]
            done = end
        return b"".join([*parts, data[done:]]), len(spans)

    def places(self, data: bytes, *, cut: bool = False, cards: bool = True) -> list[Span]:
        """Return the positions of secrets and, unless `cards` is false, of real card numbers, in order and without overlaps."""
        return list(_merged(self._spans(data, cut=cut, cards=cards)))

    def mask_all(self, value: Any) -> tuple[Any, int]:
        """Return JSON-ready data with every string in it masked, and the number of secrets."""
        if isinstance(value, str):
            return self.mask(value)
        if isinstance(value, dict):
            pairs = {key: (item, 0) if key in _OURS else self.mask_all(item) for key, item in value.items()}
            return {key: item for key, (item, _) in pairs.items()}, sum(n for _, n in pairs.values())
        if isinstance(value, list):
            items = [self.mask_all(item) for item in value]
            return [item for item, _ in items], sum(n for _, n in items)
        return value, 0

    def finds(self, data: bytes) -> bool:
        """Return whether the data contains a secret or a real card number."""
        return any(
            self._forms.within(reading.data) or any(True for _ in real_cards(reading.data))
            for reading in readings(data, placed=False)
        )

    def is_secret(self, value: str) -> bool:
        """Return whether a value is a secret as a whole, which holds for one of three characters too: a card's check code."""
        return len(value) >= _SHORTEST_WHOLE and value in self._secrets

    def finds_in(self, stream: IO[bytes]) -> bool:
        """Return the same for a stream of any length, which is read in pieces.

        The pieces overlap, so that a secret across two of them is found.
        """
        # Much longer than the longest form, because escapes lengthen a secret.
        overlap, before = max(_OVERLAP, 40 * self._forms.longest), b""
        while chunk := stream.read(_CHUNK):
            piece = before + chunk
            if self.finds(piece):
                return True
            before = piece[-overlap:]
        return False

    def _spans(self, data: bytes, *, cut: bool, cards: bool) -> Iterator[Span]:
        for reading in readings(data):
            yield from (reading.place(*span) for span in self._forms.spans(reading.data))
            if cards:
                yield from (reading.place(*span) for span in real_cards(reading.data))
            if cut:
                yield from (reading.place(*span) for span in self._forms.cut_off(reading.data))


def _merged(spans: Iterable[Span]) -> Iterator[Span]:
    """Merge overlapping spans; adjacent ones stay separate."""
    begin = end = -1
    for next_begin, next_end in sorted(spans):
        if next_begin < end:
            end = max(end, next_end)
            continue
        if end > begin:
            yield begin, end
        begin, end = next_begin, next_end
    if end > begin:
        yield begin, end
