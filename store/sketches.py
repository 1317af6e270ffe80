"""Sketches of durations: DDSketch, whose percentiles are within 1 % of a value that was measured, however many are merged.

Masson, C., Rim, J. E. and Lee, H. K. (2019), DDSketch: a fast and fully-mergeable quantile sketch with relative-error guarantees.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from ddsketch import DDSketch
from ddsketch.pb.ddsketch_pb2 import DDSketch as Message
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
    total = DDSketch(ACCURACY)
    for one in sketches:
        message = Message()
        message.ParseFromString(one)
        total.merge(DDSketchProto.from_proto(message))  # type: ignore[no-untyped-call]
    return total


def _written(sketch: DDSketch) -> bytes:
    told: bytes = DDSketchProto.to_proto(sketch).SerializeToString()  # type: ignore[no-untyped-call]
    return told
