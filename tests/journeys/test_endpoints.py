"""Addresses as names that group."""

from __future__ import annotations

import pytest

from journeys.recording import endpoint_of, origin_of, party_of
from journeys.recording.endpoints import file_of


@pytest.mark.parametrize(
    ("url", "endpoint"),
    [
        ("https://shop.example.com", "/"),
        ("https://shop.example.com/pricing?city=dallas#top", "/pricing"),
        ("https://shop.example.com/orders/12345/lines/7", "/orders/{id}/lines/7"),
        ("https://pay.example/c/pay/cs_test_a1B2c3D4e5", "/c/pay/{id}"),
        ("https://shop.example.com/u/9f8b6c1e-1111-4222-8333-444455556666", "/u/{id}"),
        ("https://shop.example.com/assets/3f2a9c81d0", "/assets/{id}"),
        ("https://shop.example.com/api/create-checkout-session", "/api/create-checkout-session"),
        ("https://shop.example.com/api/inventory/dallas-jan-2026", "/api/inventory/dallas-jan-2026"),
        ("http://[bad", "/"),
    ],
)
def test_ids_are_folded_and_names_are_kept(url: str, endpoint: str) -> None:
    assert endpoint_of(url) == endpoint


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://Shop.Example.com:443/x", "https://shop.example.com"),
        ("http://127.0.0.1:3000/x", "http://127.0.0.1:3000"),
        ("http://[::1]:80/", "http://[::1]"),
        ("about:blank", ""),
        ("data:text/html,x", ""),
    ],
)
def test_an_origin_has_no_port_that_goes_without_saying(url: str, origin: str) -> None:
    assert origin_of(url) == origin


def test_another_port_is_another_party() -> None:
    assert party_of("http://127.0.0.1:4000/c/pay", first={"http://127.0.0.1:3000"}) == "http://127.0.0.1:4000"
    assert party_of("http://127.0.0.1:3000/x", first={"http://127.0.0.1:3000"}) == "first"


@pytest.mark.parametrize(
    ("url", "kind", "file"),
    [
        ("https://shop.example/_next/static/chunks/page-8c1d9f0a2b.js", "script", "page-8c1d9f0a2b.js"),
        ("https://shop.example/_next/8c1d9f0a2b8c1d9f.css", "stylesheet", "8c1d9f0a2b8c1d9f.css"),
        ("https://shop.example/app.js?v=2#top", "script", "app.js?269fc203"),
        ("https://shop.example/app.js?v=3", "script", "app.js?951eba4f"),
        ("https://shop.example/", "script", None),
        ("https://shop.example/" + "x" * 100 + ".js", "script", "x" * 77 + ".js"),
        ("https://shop.example/api/orders", "fetch", None),
        ("https://[broken/app.js", "script", None),
    ],
)
def test_a_script_keeps_the_name_that_tells_its_version_and_no_query(url: str, kind: str, file: str | None) -> None:
    assert file_of(url, kind) == file
