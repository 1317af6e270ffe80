"""Lines over time show every peak, and have no more points than can be seen."""

from __future__ import annotations

import re
from datetime import timedelta

from reports.live.trend import trend
from tests.builders import A_MOMENT


def points_of(values: list[float]) -> list[tuple[float, float]]:
    line = [(A_MOMENT + timedelta(minutes=n), value) for n, value in enumerate(values)]
    chart = trend({"us-east": line}, ident="t", title="choose_city")
    assert chart is not None
    (told,) = re.findall(r'points="([^"]+)"', chart)
    return [(float(x), float(y)) for x, y in (point.split(",") for point in told.split())]


def test_few_points_are_all_shown() -> None:
    assert len(points_of([500.0] * 100)) == 100


def test_of_many_points_the_highest_are_shown() -> None:
    values = [500.0] * 1000
    values[501] = 9000.0
    found = points_of(values)
    assert len(found) == 100
    highest = min(y for _, y in found)
    (at,) = [x / 600 for x, y in found if y == highest]
    assert 0.49 < at < 0.51


def test_the_newest_value_is_told_though_it_is_no_peak() -> None:
    line = [(A_MOMENT + timedelta(minutes=n), 900.0 if n % 2 else 100.0) for n in range(999)]
    assert "newest: us-east 100 ms" in str(trend({"us-east": line}, ident="t", title="choose_city"))
