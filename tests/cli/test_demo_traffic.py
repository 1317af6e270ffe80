"""What `sixfb demo` sets up for its simulated traffic: the configuration, the tokens, and which faults it takes."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from cli.demo import with_room_for_retries
from cli.demo_traffic import Traffic, of_the_demos_business, with_traffic
from config import Document, read_document, validate
from demo import FAULTS, TRAFFIC_FAULTS, Faults, UnknownFaultError
from demo.shop import ShopSettings
from demo.traffic import Generator
from facts import TokenKind
from hub.server_key import server_key
from hub.tokens import Tokens
from journeys.site import Site
from sla.kinds.coverage import Coverage
from sla.targets import targets_from
from store import open_store, tokens
from tests.cli.test_bad_input import sixfb
from tests.sla.builders import ROOT

PLACES = {"ga_purchase": ["us-east", "eu-west"]}


def prepared(folder: Path) -> Traffic:
    """The traffic of a demo that is about to start, without history."""
    nothing: Any = None
    found = Traffic(demo=nothing, inbox=nothing, folder=folder, site={})
    found.prepare(PLACES, period_s=60, history=False)
    return found


def test_the_demo_has_room_for_runs_that_are_made_twice() -> None:
    shipped = read_document(ROOT / "sla.yaml")
    demo = targets_from(Document("sla.yaml", with_room_for_retries(shipped.data))).rules()
    changed = {name for name, rule in targets_from(shipped).rules().items() if rule != demo[name]}
    assert {type(demo[name]) for name in changed} == {Coverage}
    assert all(demo[name].least == 0.6 for name in changed)  # type: ignore[attr-defined]


def test_the_demos_goal_fits_what_it_sells_and_other_rules_stay() -> None:
    shipped = read_document(ROOT / "sla.yaml")
    usual = Generator(
        ZoneInfo("UTC"), ShopSettings(stripe_api_base="", stripe_key="", webhook_secret="")
    ).usual_day_minor
    demo = targets_from(Document("sla.yaml", of_the_demos_business(shipped.data, usual))).rules()
    assert {name for name, rule in targets_from(shipped).rules().items() if rule != demo[name]} == {"H7", "R1", "R2"}
    assert 0.5 * usual < demo["R1"].goal_minor < usual  # type: ignore[attr-defined]
    assert demo["R2"].target_minor == pytest.approx(usual, rel=0.01)  # type: ignore[attr-defined]
    assert demo["H7"].enabled


def test_the_shipped_site_with_traffic_is_a_good_one(tmp_path: Path) -> None:
    shipped = read_document(ROOT / "site.yaml")
    site = validate(Site, Document("site.yaml", with_traffic(shipped.data, log_file=tmp_path / "shop.log")))
    assert None not in (site.stripe_reads, site.sms_reads, site.endpoint_checks)
    assert site.business is not None
    assert site.business.timezone == "America/Chicago"
    assert site.log_files == [str(tmp_path / "shop.log")]


def test_the_business_and_the_checks_of_ones_own_site_stay(tmp_path: Path) -> None:
    own = {"business": {"timezone": "Europe/Berlin"}, "endpoint_checks": {"every": "10m"}}
    assert own.items() <= with_traffic(own, log_file=tmp_path / "shop.log").items()


def test_each_runner_and_the_shop_have_a_token_and_those_of_an_earlier_demo_end(tmp_path: Path) -> None:
    first, second = prepared(tmp_path), prepared(tmp_path)
    third = prepared(tmp_path)
    assert set(third.tokens) == {"us-east", "eu-west"}
    with closing(open_store(None, folder=tmp_path / "hub")) as store:
        known = Tokens(store, server_key(tmp_path / "hub")).known(third.tokens["us-east"], now=datetime.now(UTC))
        with store.read() as connection:
            active = [one for one in tokens.listed(connection) if one.revoked_at is None]
    assert (known.kind, known.subject) == (TokenKind.LOCATION, "us-east")
    assert sorted((one.kind.value, one.subject) for one in active) == [
        ("location", "eu-west"),
        ("location", "us-east"),
        ("source", "demo-shop"),
    ]
    assert len({first.tokens["us-east"], second.tokens["us-east"], third.tokens["us-east"]}) == 3


@pytest.mark.parametrize("option", ["--once", "--shop-only"])
def test_a_fault_of_the_traffic_needs_the_traffic(tmp_path: Path, option: str) -> None:
    done = sixfb("demo", option, "--break", "sales_stop", cwd=tmp_path)
    assert done.returncode == 2
    assert f"sales_stop is a fault of the simulated visitors, and there are none with {option}" in done.stderr


def test_an_unknown_fault_names_both_kinds(tmp_path: Path) -> None:
    done = sixfb("demo", "--break", "coffee", cwd=tmp_path)
    assert done.returncode == 2
    assert "payment_500" in done.stderr
    assert "sales_stop" in done.stderr


def test_the_box_holds_the_faults_of_the_traffic_only_where_there_is_any() -> None:
    with pytest.raises(UnknownFaultError, match="no fault named 'sales_stop'"):
        Faults(["sales_stop"])
    box = Faults(["sales_stop"], traffic=True)
    assert box.active() == ["sales_stop"]
    assert list(box.known) == [*FAULTS, *TRAFFIC_FAULTS]
    assert list(Faults().known) == list(FAULTS)
