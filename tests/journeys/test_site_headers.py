"""The site's secrets go to the site, under either of its names, and to nobody else."""

from __future__ import annotations

import pytest

from config import Secret
from journeys.site_headers import goes_to_site, login_header


@pytest.mark.parametrize(
    ("base_url", "url", "is_told"),
    [
        ("https://shop.example", "https://shop.example/cart?x=1", True),
        ("https://shop.example", "https://shop.example", True),
        ("https://shop.example", "https://www.shop.example/", True),
        ("https://www.shop.example/de", "https://shop.example/", True),
        ("https://shop.example", "https://SHOP.example:443/", True),
        ("http://shop.example", "https://www.shop.example/", True),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080/a", True),
        ("http://[::1]:8080", "http://[::1]:8080/a", True),
        ("https://shop.example", "http://shop.example/", False),
        ("https://shop.example", "https://shop.example:8443/", False),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8081/a", False),
        ("https://shop.example", "https://pay.shop.example/", False),
        ("https://shop.example", "https://shop.example.evil.test/", False),
        ("https://shop.example", "https://shopxexample/", False),
        ("https://shop.example", "https://evil.test/https://shop.example/", False),
        ("https://shop.example", "https://shop.example@evil.test/", False),
    ],
)
def test_headers_for_the_site_go_to_it_alone(base_url: str, url: str, is_told: bool) -> None:
    assert bool(goes_to_site(base_url).match(url)) is is_told


def test_a_login_is_a_header_of_basic_authentication() -> None:
    assert login_header(Secret("user:pass")) == {"authorization": "Basic dXNlcjpwYXNz"}
