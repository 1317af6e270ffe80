"""Settings given with --set, and secrets that never print."""

from __future__ import annotations

from pathlib import Path

import pytest

from config import ConfigError, Document, Secret, read_document, read_secret, validate, with_settings
from config.secrets import secrets_in
from journeys.site import RequestBudget, Site

ROOT = Path(__file__).resolve().parents[2]


def a_document() -> Document:
    cities = {"Dallas": "dallas-jan-2026", "Atlanta": "atlanta-feb-2026"}
    return Document("site.yaml", {"base_url": "https://shop.example.com", "cities": cities})


def test_a_setting_lies_over_the_file() -> None:
    site = validate(Site, with_settings(a_document(), ["prices.vip_member=1350", "city=Atlanta"]))
    assert (site.prices.vip_member, site.prices.vip, site.city_id) == (1350, 1500, "atlanta-feb-2026")


def test_a_city_may_be_given_by_its_id() -> None:
    assert validate(Site, with_settings(a_document(), ["city=atlanta-feb-2026"])).city_name == "Atlanta"


def test_a_wrong_setting_is_blamed_on_the_setting_and_not_on_the_file() -> None:
    with pytest.raises(ConfigError, match=r"^--set: prices\.gaa: unknown key \(did you mean ga\?\)"):
        validate(Site, with_settings(a_document(), ["prices.gaa=1"]), overridden=frozenset({"prices.gaa"}))


@pytest.mark.parametrize("setting", ["prices", "=5", ""])
def test_a_setting_without_key_or_value_is_refused(setting: str) -> None:
    with pytest.raises(ConfigError, match="is not KEY=VALUE"):
        with_settings(a_document(), [setting])


def test_a_path_through_a_value_is_refused() -> None:
    with pytest.raises(ConfigError, match="base_url is a value and has no keys below it"):
        with_settings(a_document(), ["base_url.host=x"])


def test_a_secret_never_prints() -> None:
    secret = Secret("sk_test_canary")
    assert "canary" not in f"{secret} {secret!r} {[secret]}"


def test_a_secret_comes_from_the_environment_or_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text("from-file\n")
    assert read_secret("KEY", {"KEY": "direct"}) == Secret("direct")
    assert read_secret("KEY", {"KEY_FILE": str(file)}) == Secret("from-file")
    assert read_secret("KEY", {}) is None


def test_a_secret_given_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="KEY: is set, and so is KEY_FILE"):
        read_secret("KEY", {"KEY": "a", "KEY_FILE": str(tmp_path)})


def test_a_secret_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="KEY_FILE: the secret cannot be read: No such file"):
        read_secret("KEY", {"KEY_FILE": str(tmp_path / "none")})


@pytest.mark.parametrize(
    ("name", "value", "found"),
    [
        ("SIXFB_TOKEN", "sfb_us-east_1_abcdef", "sfb_us-east_1_abcdef"),
        ("STRIPE_SECRET_KEY", "sk_test_abcdef", "sk_test_abcdef"),
        ("SLACK_OPS_WEBHOOK", "https://hooks.test/T0/B0/xyz", "https://hooks.test/T0/B0/xyz"),
        ("SLACK_WEBHOOK_URL", "https://hooks.test/T0/B0/xyz", "https://hooks.test/T0/B0/xyz"),
        ("DATABASE_URL", "postgresql://sixfb:p%40ssword@db/sixfb", "p@ssword"),
        ("HTTPS_PROXY", "http://me:proxypass@proxy:3128", "proxypass"),
    ],
)
def test_a_secret_of_the_environment_is_known_by_its_name_or_its_address(name: str, value: str, found: str) -> None:
    assert secrets_in({name: value, "PATH": "/usr/bin:/bin", "SIXFB_HUB_URL": "https://hub.test"}) == (found,)


def test_a_secret_in_a_file_is_known_and_a_file_that_is_gone_is_none(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("sfb_us-east_1_abcdef\n")
    environment = {"SIXFB_TOKEN_FILE": str(tmp_path / "token"), "OTHER_KEY_FILE": str(tmp_path / "gone")}
    assert secrets_in(environment) == ("sfb_us-east_1_abcdef",)


def test_what_is_too_short_to_be_told_from_a_word_is_no_secret() -> None:
    assert secrets_in({"API_KEY": "test", "DB_URL": "x://a:b@c", "ODD": "http://[::1", "ODD_TOKEN": ""}) == ()


@pytest.mark.parametrize("value", [False, None, "off"], ids=["off", "null", "off in quotes"])
def test_off_and_nothing_written_there_are_no_request_budget(value: object) -> None:
    document = a_document()
    site = validate(Site, Document(document.file, {**document.data, "request_budget": value}))
    assert site.request_budget is None


def test_a_site_that_names_no_request_budget_has_none_and_the_shipped_one_names_the_ticket_shops() -> None:
    assert validate(Site, a_document()).request_budget is None
    shipped = [ROOT / "site.yaml", ROOT / "deploy/demo/site.yaml", ROOT / "deploy/kubernetes/hub/config/site.yaml"]
    for file in shipped:
        assert validate(Site, read_document(file)).request_budget == RequestBudget(requests=100, window_s=900), file


@pytest.mark.parametrize(
    ("there", "setting", "found"),
    [
        ({"requests": 100, "window_s": 60}, "request_budget=off", None),
        ({"requests": 100, "window_s": 60}, "request_budget=null", None),
        ({"requests": 100, "window_s": 60}, "request_budget.requests=12", RequestBudget(requests=12, window_s=60)),
        (None, "request_budget.requests=12", RequestBudget(requests=12)),
        (False, "request_budget={requests: 12, window_s: 60}", RequestBudget(requests=12, window_s=60)),
    ],
)
def test_a_request_budget_is_given_and_taken_away_with_set(
    there: object, setting: str, found: RequestBudget | None
) -> None:
    document = Document("site.yaml", {**a_document().data, "request_budget": there})
    assert validate(Site, with_settings(document, [setting])).request_budget == found
