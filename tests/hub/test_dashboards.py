"""The dashboards as the hub answers them: empty, on a usual day and in an outage; ranges, zones, alerts, and what is sent again."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import fields, replace
from datetime import timedelta
from pathlib import Path

import pytest

from facts import AlertState, Severity, Traits, to_wire
from facts.traits import Family
from hub.cycle import VERDICTS
from hub.kept_verdicts import KeptVerdicts
from hub.site import Pages
from reports.dashboards import DASHBOARDS, DashboardPage, Numbers, dashboard_page
from reports.navigation import links_of
from store import Store, alerts, meta
from tests.dashboards import NOW, SOURCES, a_shop, a_view, an_alert, fill
from tests.databases import a_migrated_store
from tests.hub.conftest import Bench, a_bench
from tests.reports.markup import parsed

PATHS = list(DASHBOARDS)
EVIL = '"><script>alert(1)</script>‮'
JOURNEY = Traits(kind="quorum", family=Family.JOURNEY, journey_fails=True, of_payment=True)
BUSINESS = Traits(kind="threshold", family=Family.BUSINESS)


def shown(bench: Bench, path: str, **asked: str) -> str:
    answer = bench.client.get(path, params=asked)
    assert answer.status_code == 200, answer.text
    return str(answer.text)


def heading(html: str) -> str:
    found = re.search(r"<h1>(.*?)</h1>", html, re.DOTALL)
    assert found
    return found[1]


def states(html: str) -> dict[str, str]:
    """The state that each card says, by the widget's name."""
    cards = re.findall(r'data-widget="([a-z0-9_]+)"><header><h2[^>]*><span[^>]*><svg[^>]*aria-label="([^"]+)"', html)
    return {name: state.strip() for name, state in cards}


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bench]:
    """A hub that every source has told of two days of sales, for tests that only read."""
    folder: Path = tmp_path_factory.mktemp("full")
    with a_migrated_store(None, folder / "store") as store, a_bench(store, folder) as bench:
        bench.now = NOW + timedelta(seconds=20)
        last_week = a_shop(now=NOW - timedelta(days=6), days=1)
        fill(store, (*last_week, *a_shop(days=2)), now=bench.now)
        for place in ("us-east", "us-west", "eu-west"):
            bench.send(*(bench.slot_run(place, minutes_ago=n * 5 + 1) for n in range(6)))
        bench.now = NOW + timedelta(seconds=30)
        yield bench


def fire(store: Store, *found: object) -> None:
    with store.write() as connection:
        alerts.save(connection, found, at=NOW)  # type: ignore[arg-type]


@pytest.mark.parametrize("path", PATHS)
def test_an_empty_hub_shows_no_number_and_nothing_green(path: str, light: Bench) -> None:
    found = states(shown(light, path))
    assert len(found) == 6
    assert set(found.values()) <= {"Off", "No data"}


@pytest.mark.parametrize("path", PATHS)
def test_a_hub_that_is_told_everything_shows_numbers_with_their_age(path: str, full: Bench) -> None:
    html = shown(full, path)
    off = {name for name, state in states(html).items() if state in ("Off", "No data")}
    assert off <= {"customer_satisfaction_score", "database_performance"}
    assert html.count("<time datetime=") >= 6 - len(off)
    assert len(html) < 150_000


def test_the_numbers_are_those_of_the_store(full: Bench) -> None:
    text = parsed(shown(full, "/executive")).text
    assert "112 of 500 left" in text
    assert "2 of 120 left" in text
    # The site's own name of a city that site.yaml names by its id.
    assert "Dallas" in text


def test_every_link_of_the_navigation_is_answered(full: Bench) -> None:
    links = links_of(list(full.context.watched.schedules()))
    assert {link.path: full.client.get(link.path).status_code for link in links} == {link.path: 200 for link in links}
    assert {"/", "/executive", "/operations", "/business", "/alerts", "/sla", "/jobs"} <= {link.path for link in links}


@pytest.mark.parametrize("path", ["/", *PATHS, "/alerts", "/sla", "/jobs"])
def test_every_page_has_the_whole_navigation_and_says_where_it_is(path: str, full: Bench) -> None:
    document = parsed(shown(full, path))
    wanted = [link.path for link in links_of(list(full.context.watched.schedules()))]
    assert [a["href"] for a in document.all("a") if a["href"] in wanted and a.get("class") is None][
        : len(wanted)
    ] == wanted
    assert [a["href"] for a in document.all("a") if a.get("aria-current") == "page"] == [path]


@pytest.mark.parametrize("key", ["1h", "6h", "24h", "7d", "30d", "13mo"])
def test_a_range_of_the_address_is_current_and_kept_by_the_other_choices(key: str, full: Bench) -> None:
    document = parsed(shown(full, "/operations", range=key, zone="utc"))
    current = [a["href"] for a in document.all("a") if a.get("aria-current") == "true"]
    assert any(f"range={key}&zone=utc" in href for href in current)
    assert any(f"range={key}&zone=business" in href for href in document.links())


def test_a_custom_range_is_shown_in_the_form_and_in_words(full: Bench) -> None:
    asked = {"range": "custom", "from": "2026-11-19T12:00", "to": "2026-11-19T18:00", "zone": "utc"}
    answer = full.client.get("/operations", params=asked)
    document = parsed(answer.text)
    values = [one.get("value") for one in document.all("input") if one.get("type") == "datetime-local"]
    assert values == ["2026-11-19T12:00", "2026-11-19T18:00"]
    assert "19 Nov 2026 12:00 – 19 Nov 2026 18:00" in document.text


def test_times_are_those_of_the_zone_that_is_asked_for(full: Bench) -> None:
    berlin = shown(full, "/operations", range="1h", zone="local", tz="Europe/Berlin")
    assert ">23:20<" in berlin
    assert "tz=Europe/Berlin" in berlin
    assert ">22:20<" in shown(full, "/operations", range="1h", zone="utc")
    assert "your own zone needs JavaScript" in shown(full, "/operations", zone="local")


def test_a_zone_with_a_sign_in_its_name_is_kept_by_the_other_choices(full: Bench) -> None:
    links = parsed(shown(full, "/operations", zone="local", tz="Etc/GMT+5")).links()
    (link,) = [href for href in links if "range=1h" in href]
    answer = full.client.get(f"/operations{link}")
    assert "Times: Etc/GMT+5" in parsed(answer.text).text


@pytest.mark.parametrize(
    "asked",
    [
        {"range": "2h"},
        {"range": EVIL},
        {"zone": "mars"},
        {"zone": "local", "tz": "../../etc/passwd"},
        {"zone": "local", "tz": EVIL},
        {"alerts": "none"},
        {"range": "custom"},
        {"range": "custom", "from": "2026-11-19T18:00", "to": "2026-11-19T12:00"},
        {"range": "custom", "from": "yesterday", "to": "2026-11-19T12:00"},
        {"range": "custom", "from": "0001-01-01T00:00", "to": "0001-01-02T00:00"},
        {"range": "custom", "from": "9999-12-31T23:59", "to": "9999-12-31T23:59:59"},
    ],
    ids=str,
)
def test_what_there_is_not_is_refused_with_what_there_is(asked: dict[str, str], full: Bench) -> None:
    answer = full.client.get("/operations", params=asked)
    assert answer.status_code == 422
    assert ": " in answer.json()["error"]


def test_a_range_into_the_far_past_and_the_future_is_cut_to_what_is_kept(full: Bench) -> None:
    now = full.now
    asked = {"range": "custom", "from": "1999-01-01T00:00", "to": f"{now.year + 9}-01-01T00:00", "zone": "utc"}
    assert full.client.get("/business", params=asked).status_code == 200


@pytest.mark.parametrize("path", PATHS)
def test_nothing_is_sent_again_that_is_the_same_but_for_its_age(path: str, full: Bench) -> None:
    first = full.client.get(path, params={"part": "live"})
    full.now += timedelta(seconds=7)
    tag = first.headers["ETag"]
    again = full.client.get(path, params={"part": "live"}, headers={"If-None-Match": tag})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["ETag"] == tag
    other = full.client.get(path, params={"part": "live", "range": "7d"}, headers={"If-None-Match": tag})
    assert other.status_code == 200
    full.now -= timedelta(seconds=7)


def test_the_part_that_changes_is_the_whole_page_without_its_frame(full: Bench) -> None:
    part = shown(full, "/operations", part="live")
    assert "<html" not in part
    assert states(part) == states(shown(full, "/operations"))


def test_in_an_outage_the_executive_page_says_what_a_buyer_cannot_do_and_since_when(light: Bench) -> None:
    light.now = NOW
    fire(light.store, an_alert(traits=JOURNEY))
    html = shown(light, "/executive", zone="utc")
    assert heading(html) == "Nobody can finish the GA purchase since 22:21."
    assert "Buyers cannot buy · 1 critical alert" in parsed(html).text
    assert 'href="/alerts#A1s.ga_purchase.1"' in html


def test_which_alerts_are_shown_is_chosen_and_never_hides_the_overall_state(light: Bench) -> None:
    light.now = NOW
    stock = an_alert(
        Severity.HIGH, id="H4.dallas.1", key="H4:dallas", rule="H4", title="Few tickets left", traits=BUSINESS
    )
    fire(light.store, an_alert(traits=JOURNEY, title="Payment fails"), stock)
    titles = {
        key: re.findall(r'/alerts#[^"]+">([^<]+)<', shown(light, "/business", alerts=key))
        for key in ("critical", "all", "business")
    }
    assert titles == {
        "critical": ["Payment fails"],
        "all": ["Payment fails", "Few tickets left"],
        "business": ["Few tickets left"],
    }
    assert "Buyers cannot buy" in shown(light, "/business", alerts="business")


def test_inhibited_and_resolved_alerts_are_not_shown(light: Bench) -> None:
    light.now = NOW
    hidden = an_alert(inhibited_by="F0:ga_purchase", traits=JOURNEY)
    over = an_alert(id="A1s.ga_purchase.2", episode=2, state=AlertState.RESOLVED, resolved_at=NOW, traits=JOURNEY)
    fire(light.store, hidden, over)
    assert "Buyers cannot buy" not in shown(light, "/executive", alerts="all")


def test_text_of_the_site_is_harmless(light: Bench) -> None:
    light.now = NOW
    fire(light.store, an_alert(title=EVIL, summary=EVIL, traits=JOURNEY))
    for path in PATHS:
        html = shown(light, path, alerts="all")
        assert "<script>alert" not in html
        assert "‮" not in html


def test_a_source_that_went_quiet_has_no_data_and_its_age(light: Bench) -> None:
    light.now = NOW
    fill(light.store, a_shop(days=2), now=NOW, sources=dict.fromkeys(SOURCES, NOW - timedelta(hours=3)))
    for path in PATHS:
        found = states(shown(light, path))
        assert set(found.values()) <= {"Off", "No data"}, path
    assert "Stripe went quiet" in shown(light, "/executive")
    assert "3 h ago" in shown(light, "/executive")


def test_an_unproven_journey_is_not_said_to_work(light: Bench) -> None:
    light.now = NOW
    with light.store.write() as connection:
        meta.put(connection, VERDICTS, {"at": to_wire(NOW), "verdicts": []})
    assert "It is not known whether buyers can buy" in shown(light, "/executive")


@pytest.mark.parametrize("prefix", ["", "/monitor"])
def test_every_address_of_a_page_is_below_the_prefix(prefix: str, light: Bench) -> None:
    pages = Pages(light.context, KeptVerdicts())
    frame = replace(pages.frame("Executive", "/executive"), prefix=prefix)
    html, _ = dashboard_page(frame, DASHBOARDS["/executive"], a_view(), Numbers(), now=NOW)
    document = parsed(html)
    addresses = [href for href in document.links() if not href.startswith(("?", "#"))]
    addresses += [one["src"] for one in document.all("script")]
    assert addresses
    assert all(address.startswith(f"{prefix}/") for address in addresses)


def test_the_template_uses_every_field_of_its_context() -> None:
    folder = Path(__file__).parents[2] / "reports" / "templates" / "dashboards"
    used = set(re.findall(r"page\.([a-z_]+)", " ".join(file.read_text() for file in folder.glob("*.j2"))))
    assert used == {field.name for field in fields(DashboardPage)} - {"is_part"}
