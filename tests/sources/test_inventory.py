"""The inventory as the site tells it, and every way it can fail to."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from demo.faults import Faults
from demo.shop.inventory import Inventory
from facts import Sample, labels
from metrics import sample_errors
from sources import SourceError, SourceSettings
from sources.inventory import InventorySource, read_inventory

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def a_city(**more: Any) -> dict[str, Any]:
    return {
        "cityId": "dallas-jan-2026",
        "actualLimits": {"ga": 35, "vip": 15},
        "actualAvailable": {"ga": 9, "vip": 15},
        **more,
    }


def a_site(status: int = 200, *, json: Any = None, text: str | None = None, headers: Any = None) -> httpx.Client:
    def answer(request: httpx.Request) -> httpx.Response:
        assert request.url.path == "/api/inventory"
        return (
            httpx.Response(status, text=text, headers=headers)
            if text is not None
            else httpx.Response(status, json=json, headers=headers)
        )

    return httpx.Client(transport=httpx.MockTransport(answer))


def read(client: httpx.Client) -> list[Sample]:
    return read_inventory(client, "https://shop.test/", NOW)


def values(samples: list[Sample], metric: str) -> dict[str, float]:
    """The values of a metric by city and tier."""
    return {"/".join(v for _, v in s.labels): s.value for s in samples if s.metric == metric}


def test_it_brings_each_tier_of_each_city() -> None:
    samples = read(a_site(json={"success": True, "data": [a_city(), a_city(cityId="la-mar-2026")]}))
    assert values(samples, "inventory_remaining_tickets") == {
        "dallas-jan-2026/ga": 9,
        "dallas-jan-2026/vip": 15,
        "la-mar-2026/ga": 9,
        "la-mar-2026/vip": 15,
    }
    assert values(samples, "inventory_seats")["dallas-jan-2026/ga"] == 35
    assert values(samples, "inventory_negative_cities") == {"": 0}
    assert {s.at for s in samples} == {NOW}


def test_what_it_brings_is_in_the_catalogue() -> None:
    assert sample_errors(read(a_site(json={"success": True, "data": [a_city()]})), source="inventory") == []


def test_a_tier_without_a_limit_has_no_seats() -> None:
    samples = read(a_site(json={"success": True, "data": [a_city(actualLimits={"ga": 35})]}))
    assert values(samples, "inventory_seats") == {"dallas-jan-2026/ga": 35}


def test_a_city_with_two_oversold_tiers_counts_once() -> None:
    cities = [a_city(actualAvailable={"ga": -1, "vip": -2}), a_city(cityId="la-mar-2026", actualAvailable={"ga": -1})]
    samples = read(a_site(json={"success": True, "data": cities}))
    assert values(samples, "inventory_negative_cities") == {"": 2}


def test_it_is_configured_where_tickets_are_sold() -> None:
    assert InventorySource.configured(SourceSettings(base_url="https://shop.test", sells_tickets=True)) is None
    assert "cities" in (InventorySource.configured(SourceSettings(base_url="https://shop.test")) or "")


def test_its_readings_are_of_their_moment_and_have_no_cursor() -> None:
    source = InventorySource(
        SourceSettings(base_url="https://shop.test/"), a_site(json={"success": True, "data": [a_city()]})
    )
    collected = source.collect(None, NOW)
    assert collected.cursor is None
    assert (
        Sample(
            metric="inventory_remaining_tickets", at=NOW, value=9.0, labels=labels(city="dallas-jan-2026", tier="ga")
        )
        in collected.samples
    )


def test_it_reads_what_the_demo_shop_says_also_when_it_is_oversold() -> None:
    faults = Faults(["inventory_negative"])
    samples = read(a_site(json={"success": True, "data": Inventory(faults).all()}))
    left = values(samples, "inventory_remaining_tickets")
    assert len(left) == 12
    assert min(left.values()) == -2
    assert values(samples, "inventory_negative_cities") == {"": 1}


def test_what_is_really_left_goes_before_what_the_public_is_shown() -> None:
    city = a_city(actualAvailable={"ga": -3, "vip": 1}, publicAvailable={"ga": 0, "vip": 1})
    assert read(a_site(json={"success": True, "data": [city]}))[0].value == -3


def test_a_site_that_tells_only_the_public_number_is_read_by_that() -> None:
    city = {"cityId": "x", "publicAvailable": {"ga": 4, "vip": 2}}
    samples = read(a_site(json={"success": True, "data": [city]}))
    assert values(samples, "inventory_remaining_tickets") == {"x/ga": 4, "x/vip": 2}
    assert values(samples, "inventory_seats") == {}


@pytest.mark.parametrize(
    ("client", "says"),
    [
        (a_site(text="<html>"), "not JSON"),
        (a_site(text="[" * 200_000), "not JSON"),
        (a_site(json={"success": False, "data": []}), "lists no cities"),
        (a_site(json={"success": True, "data": []}), "lists no cities"),
        (a_site(json=[1]), "lists no cities"),
        (a_site(json={"success": True, "data": [{"cityId": ""}]}), "without cityId"),
        (a_site(json={"success": True, "data": ["dallas"]}), "without cityId"),
        (
            a_site(json={"success": True, "data": [a_city(actualAvailable={"ga": None})]}),
            "dallas-jan-2026 tells neither",
        ),
        (a_site(json={"success": True, "data": [a_city(), a_city(actualAvailable={"ga": "9"})]}), "tells neither"),
        (a_site(text="x" * 1_000_001), "1,000,001 bytes"),
    ],
)
def test_an_answer_of_another_shape_is_no_sample(client: httpx.Client, says: str) -> None:
    with pytest.raises(SourceError, match=says):
        read(client)


@pytest.mark.parametrize(
    ("status", "permanent"), [(404, True), (401, True), (403, True), (429, False), (500, False), (503, False)]
)
def test_a_refusal_says_its_status_and_whether_asking_again_may_help(status: int, permanent: bool) -> None:
    with pytest.raises(SourceError, match=str(status)) as caught:
        read(a_site(status, text="no", headers={"Retry-After": "7"}))
    assert caught.value.permanent is permanent
    assert caught.value.retry_after_s == 7


@pytest.mark.parametrize(
    ("status", "body", "absent"),
    [
        (404, "no", True),
        (410, "no", True),
        (405, "no", True),
        (501, "no", True),
        (401, "no", True),
        (403, "no", True),
        (302, "", True),
        (200, "<!doctype html><title>Shop</title>", True),
        (200, "oops", False),
        (200, '{"success": true, "data": []}', False),
        (429, "no", False),
        (500, "no", False),
    ],
)
def test_an_address_where_no_inventory_is_served_to_us_is_told_from_one_that_fails(
    status: int, body: str, absent: bool
) -> None:
    with pytest.raises(SourceError) as caught:
        read(a_site(status, text=body))
    assert caught.value.absent is absent


def test_a_site_that_does_not_answer_is_told_so() -> None:
    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("connection refused", request=request)

    with pytest.raises(SourceError, match="no answer"):
        read(httpx.Client(transport=httpx.MockTransport(refuse)))
