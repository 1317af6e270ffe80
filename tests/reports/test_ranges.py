"""A range of an address: named, or bounded by two moments of the reader's zone, and what a page's picker makes of it."""

from __future__ import annotations

from datetime import datetime, timedelta
from urllib.parse import parse_qs
from zoneinfo import ZoneInfo

import pytest

from reports.live.range_picker import range_picker
from reports.ranges import LENGTHS, TimeRange, ViewError, range_of
from tests.builders import A_MOMENT

CHICAGO = ZoneInfo("America/Chicago")
NOW = datetime.fromisoformat("2026-11-19T22:40:00+00:00")


def asked(query: str, *, usual: str = "24h", zone: ZoneInfo = CHICAGO, **more: object) -> TimeRange:
    fields = {key: found[0] for key, found in parse_qs(query, keep_blank_values=True).items()}
    return range_of(fields, now=NOW, zone=zone, usual=usual, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("key", LENGTHS)
def test_a_named_range_ends_now(key: str) -> None:
    found = asked(f"range={key}")
    assert (found.since, found.until, found.is_custom) == (NOW - LENGTHS[key], NOW, False)


def test_a_hub_whose_time_runs_faster_shows_as_many_slots() -> None:
    assert asked("", scale=5.0).length == timedelta(hours=24) / 5


@pytest.mark.parametrize(
    ("moments", "since"),
    [
        ("from=2026-11-19T08:00&to=2026-11-19T09:00", "2026-11-19T14:00:00+00:00"),
        ("from=2026-11-19T08:00Z&to=2026-11-19T09:00Z", "2026-11-19T08:00:00+00:00"),
        ("from=2026-11-19T08:00%2B01:00&to=2026-11-19T09:00%2B01:00", "2026-11-19T07:00:00+00:00"),
        # An address that quotes nothing has a space where the plus was.
        ("from=2026-11-19T08:00+01:00&to=2026-11-19T09:00+01:00", "2026-11-19T07:00:00+00:00"),
    ],
)
def test_moments_are_of_the_readers_zone_unless_they_have_an_offset(moments: str, since: str) -> None:
    found = asked(f"range=custom&{moments}")
    assert found.since == datetime.fromisoformat(since)
    assert found.length == timedelta(hours=1)


def test_a_custom_range_is_cut_to_what_there_can_be() -> None:
    found = asked("range=custom&from=2020-01-01&to=2030-01-01")
    assert (found.since, found.until) == (NOW - LENGTHS["13mo"], NOW)


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("range=year", "there are 1h, 6h"),
        ("range=custom&to=2026-11-19T09:00", "from: '' is no moment"),
        ("range=custom&from=x&to=2026-11-19T09:00", "from: 'x' is no moment"),
        ("range=custom&from=2026-11-19T08:00&to=9999-99-99", "to: "),
        ("range=custom&from=0001-01-01T00:00%2B14:00&to=2026-11-19T09:00", "from: "),
        ("range=custom&from=2026-11-19T08:00&to=2026-11-19T08:04", "5 minutes before its end"),
        ("range=custom&from=2026-11-19T09:00&to=2026-11-19T08:00", "5 minutes before its end"),
        ("range=custom&from=2027-01-01T00:00&to=2027-01-02T00:00", "5 minutes before its end"),
    ],
)
def test_what_is_no_range_is_told(query: str, says: str) -> None:
    with pytest.raises(ViewError, match=says):
        asked(query)


def test_the_picker_keeps_the_rest_of_the_address_and_leads_back_from_a_zoom() -> None:
    query = "range=custom&from=2026-11-19T08:00Z&to=2026-11-19T09:00Z&back=7d"
    found = asked(query)
    address = {"range": "custom", "from": "x", "to": "y", "back": "7d", "page": "3", "status": "failed", "empty": ""}
    picker = range_picker(found, address, zone=CHICAGO, zone_name="CST")
    assert picker.choices[0].query == "status=failed&range=1h"
    assert (picker.back, picker.back_label) == ("status=failed&range=7d", "7 d")
    assert picker.hidden == (("status", "failed"), ("range", "custom"))
    assert (picker.first, picker.last) == ("2026-11-19T02:00", "2026-11-19T03:00")
    assert picker.bounds == "19 Nov 2026 02:00 – 03:00"
    again = range_of(found.query(CHICAGO), now=NOW, zone=ZoneInfo("UTC"), usual="24h")
    assert again == found


@pytest.mark.parametrize("back", ["", "custom", "x", "'><script>"])
def test_no_other_word_leads_back(back: str) -> None:
    found = range_of(
        {"range": "custom", "from": "2026-11-19T08:00Z", "to": "2026-11-19T09:00Z", "back": back},
        now=max(NOW, A_MOMENT),
        zone=CHICAGO,
        usual="24h",
    )
    assert range_picker(found, {}, zone=CHICAGO, zone_name="CST").back == ""
