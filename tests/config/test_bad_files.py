"""Every bad file in `bad/` is named for its mistake; each is told by file, line, key and what to do."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from config import ConfigError, Locations, read_document, validate
from journeys.site import Site

BAD = Path(__file__).parent / "bad"
SENTENCES: dict[str, tuple[Any, str]] = {
    "site-unknown-key.yaml": (Site, "site-unknown-key.yaml:3: pryces: unknown key (did you mean prices?)"),
    "site-unknown-key-below.yaml": (
        Site,
        "site-unknown-key-below.yaml:5: prices.vip_membre: unknown key (did you mean vip_member?)",
    ),
    "site-price-is-text.yaml": (Site, "site-price-is-text.yaml:4: prices.ga: input should be a valid number"),
    "site-member-pays-more.yaml": (Site, "site-member-pays-more.yaml:3: prices.vip_member: a member would pay 1600"),
    "site-without-address.yaml": (Site, "base_url: is missing"),
    "site-address-without-scheme.yaml": (
        Site,
        "base_url: 'shop.example.com' is not an address; write it like https://",
    ),
    "site-real-card.yaml": (Site, "site-real-card.yaml:3: card.number: not one of Stripe's published test cards"),
    "site-unknown-city.yaml": (Site, "city: 'Houston' is not among the cities (Dallas)"),
    "site-payment-live.yaml": (
        Site,
        "site-payment-live.yaml:2: payment: input should be 'test' or 'stop_before_payment'",
    ),
    "site-broken-yaml.yaml": (Site, "site-broken-yaml.yaml:3: prices: malformed YAML"),
    "site-tab.yaml": (Site, "site-tab.yaml:3:"),
    "site-key-twice.yaml": (Site, "site-key-twice.yaml:3: city: stands here and at line 2"),
    "site-a-list.yaml": (Site, "expected keys and values"),
    "locations-no-duration.yaml": (
        Locations,
        "locations-no-duration.yaml:4: journeys.ga_purchase.every: 'often' is not a duration",
    ),
    "locations-too-often.yaml": (Locations, "every: '1s' is not between 10s and 24h"),
    "locations-unknown-location.yaml": (Locations, "journeys.ga_purchase.locations: mars is not among the locations"),
    "locations-bad-name.yaml": (Locations, "'US East!' may hold small letters"),
    "locations-none.yaml": (Locations, "locations: name at least one"),
    "locations-bad-canary.yaml": (
        Locations,
        "locations-bad-canary.yaml:3: canaries.0: 'example.com' is neither hub, resolver, https://",
    ),
    "locations-canary-without-port.yaml": (
        Locations,
        "locations-canary-without-port.yaml:5: canaries.1: 'tcp://10.0.0.1' has no port; write it like tcp://10.0.0.1:443",
    ),
}


@pytest.mark.parametrize("name", sorted(SENTENCES))
def test_a_bad_file_is_told_with_what_to_do(name: str) -> None:
    shape, sentence = SENTENCES[name]
    with pytest.raises(ConfigError) as refused:
        validate(shape, read_document(BAD / name))
    assert sentence in str(refused.value)


def test_every_bad_file_has_its_sentence() -> None:
    assert {f.name for f in BAD.glob("*.yaml")} == set(SENTENCES)


def test_all_mistakes_of_a_file_are_told_at_once(tmp_path: Path) -> None:
    file = tmp_path / "site.yaml"
    file.write_text("base_url: https://shop.example.com\ncitty: Dallas\nprices: {ga: much}\n")
    with pytest.raises(ConfigError) as refused:
        validate(Site, read_document(file))
    assert [complaint.key for complaint in refused.value.complaints] == ["citty", "prices.ga"]


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.yaml: no such file"):
        read_document(tmp_path / "nowhere.yaml")
