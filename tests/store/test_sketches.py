"""Merged sketches have the percentiles that the library's own merge has, and refuse what cannot be merged."""

from __future__ import annotations

import random

import pytest
from ddsketch import DDSketch
from ddsketch.pb.ddsketch_pb2 import DDSketch as Message
from ddsketch.pb.proto import DDSketchProto

from store import sketches

WANTED = (0.0, 0.1, 0.5, 0.75, 0.95, 0.99, 1.0)


def merged_by_the_library(parts: list[bytes]) -> list[float]:
    total = DDSketch(sketches.ACCURACY)
    for part in parts:
        total.merge(DDSketchProto.from_proto(Message.FromString(part)))  # type: ignore[no-untyped-call]
    return [total.get_quantile_value(one) or 0.0 for one in WANTED]


@pytest.mark.parametrize("seed", range(20))
def test_merged_sketches_have_the_percentiles_of_the_librarys_merge(seed: int) -> None:
    chance = random.Random(seed)
    values = [[chance.choice((0, -1, 1, 1)) * chance.lognormvariate(0, 2) for _ in range(n)] for n in (1, 7, 40)]
    parts = [sketches.sketch_of(some) for some in values]
    assert sketches.quantiles(parts, WANTED) == merged_by_the_library(parts)
    assert sketches.quantiles([sketches.merged(parts[:2]), parts[2]], WANTED) == merged_by_the_library(parts)


def test_a_sketch_of_another_accuracy_is_refused() -> None:
    other = DDSketch(0.05)
    other.add(1.0)
    told = DDSketchProto.to_proto(other).SerializeToString()  # type: ignore[no-untyped-call]
    with pytest.raises(ValueError, match="another accuracy"):
        sketches.merged([sketches.sketch_of([1.0]), told])
