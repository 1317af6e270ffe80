"""Sketches of durations: DDSketch, whose percentiles are within 1 % of a value that was measured, however many are merged.

Masson, C., Rim, J. E. and Lee, H. K. (2019), DDSketch: a fast and fully-mergeable quantile sketch with relative-error guarantees.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from ddsketch import DDSketch
from ddsketch.pb.ddsketch_pb2 import DDSketch as Message
from ddsketch.pb.ddsketch_pb2 import Store as Bins
from ddsketch.pb.proto import DDSketchProto

ACCURACY = 0.01
"""How far a percentile may be from the measured value, relative to it."""


def sketch_of(values: Iterable[float]) -> bytes:
    """Return the sketch of some values, as it is kept."""
    sketch = DDSketch(ACCURACY)
    for value in values:
        sketch.add(value)
    return _written(sketch)


def merged(sketches: Iterable[bytes]) -> bytes:
    """Return the sketch of the values of all the sketches."""
    return _written(_total(sketches))


def quantiles(sketches: Iterable[bytes], wanted: Sequence[float]) -> list[float]:
    """Return quantiles (0 to 1) of the values of all the sketches, which have at least one value."""
    total = _total(sketches)
    return [_of_some(total.get_quantile_value(one)) for one in wanted]


def _of_some(quantile: float | None) -> float:
    assert quantile is not None, "a sketch without values has no quantiles"
    return float(quantile)


def _total(sketches: Iterable[bytes]) -> DDSketch:
    """Return one sketch of all the values.

    The bins are added as they are stored, because a sketch of the library for each costs five times as much. Raises ValueError for a
    sketch of another accuracy.
    """
    sketch = DDSketch(ACCURACY)
    total = _message(sketch)
    counts: tuple[dict[int, float], dict[int, float]] = (defaultdict(float), defaultdict(float))
    for text in sketches:
        one = Message.FromString(text)
        if one.mapping != total.mapping:
            raise ValueError("sketches of another accuracy cannot be merged")
        total.zeroCount += one.zeroCount
        for sums, bins in zip(counts, (one.positiveValues, one.negativeValues), strict=True):
            for key, count in enumerate(bins.contiguousBinCounts, bins.contiguousBinIndexOffset):
                if count:
                    sums[key] += count
    for sums, bins in zip(counts, (total.positiveValues, total.negativeValues), strict=True):
        if sums:
            first, last = min(sums), max(sums)
            dense = [sums[key] for key in range(first, last + 1)]
            bins.CopyFrom(Bins(contiguousBinIndexOffset=first, contiguousBinCounts=dense))
    sketch.merge(DDSketchProto.from_proto(total))  # type: ignore[no-untyped-call]
    return sketch


def _message(sketch: DDSketch) -> Message:
    return DDSketchProto.to_proto(sketch)  # type: ignore[no-untyped-call]


def _written(sketch: DDSketch) -> bytes:
    told: bytes = _message(sketch).SerializeToString()
    return told
