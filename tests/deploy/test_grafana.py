"""The Grafana dashboards load, read only what is there, and show the numbers of the store."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml

from facts import WITHOUT_MINOR_UNIT, Alert, AlertState, Blame, Incident, Sample, Severity, Status, labels
from store import Store, alerts, incidents, runs, samples
from tests.builders import a_run
from tests.databases import a_database_with_tables, a_migrated_store
from tests.deploy.prometheus import PROMETHEUS_OWN, Exported, exported_by_a_hub, problems
from tests.shipped import shipped_targets

GRAFANA = Path(__file__).resolve().parent.parent.parent / "deploy" / "grafana"
BOARDS: dict[str, dict[str, Any]] = {
    file.stem: json.loads(file.read_text(encoding="utf-8")) for file in sorted((GRAFANA / "dashboards").glob("*.json"))
}
PANELS = {
    f"{name}: {panel['title']}": (board, panel)
    for name, board in BOARDS.items()
    for panel in board["panels"]
    if panel["type"] != "row"
}
TARGETS = [(title, board, target) for title, (board, panel) in PANELS.items() for target in panel["targets"]]
PROMQL = {title: target for title, _, target in TARGETS if "expr" in target}
SQL = {title: (board, target) for title, board, target in TARGETS if "rawSql" in target}
NOW = datetime.now(UTC).replace(microsecond=0)
DATA_SOURCES = {"prometheus", "grafana-postgresql-datasource"}


def variables(board: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {one["name"]: one for one in board["templating"]["list"]}


def data_sources(part: Any) -> Iterator[dict[str, str]]:
    """Every data source that a dashboard names, at any depth."""
    if isinstance(part, dict):
        if isinstance(part.get("datasource"), dict):
            yield part["datasource"]
        part = list(part.values())
    if isinstance(part, list):
        for one in part:
            yield from data_sources(one)


def test_there_are_dashboards_over_prometheus_and_over_postgresql() -> None:
    assert set(BOARDS) == {"sixfb-operations", "sixfb-business"}
    assert len(PROMQL) > 10
    assert len(SQL) > 5


@pytest.mark.parametrize("name", BOARDS)
def test_a_dashboard_has_what_grafana_needs(name: str) -> None:
    board = BOARDS[name]
    assert board["uid"] == name
    assert len(name) <= 40
    assert board["schemaVersion"] >= 36
    assert "id" not in board  # the number that Grafana gives it in its own database
    assert board["title"]
    ids = [panel["id"] for panel in board["panels"]]
    assert sorted(set(ids)) == sorted(ids)
    for panel in board["panels"]:
        place = panel["gridPos"]
        assert place["x"] >= 0
        assert place["x"] + place["w"] <= 24
        assert min(place["w"], place["h"]) >= 1


@pytest.mark.parametrize("name", BOARDS)
def test_no_two_panels_of_a_dashboard_overlap(name: str) -> None:
    places = [(panel["title"], panel["gridPos"]) for panel in BOARDS[name]["panels"]]
    over = [
        (a, b)
        for (a, one), (b, two) in itertools.combinations(places, 2)
        if one["x"] < two["x"] + two["w"]
        and two["x"] < one["x"] + one["w"]
        and one["y"] < two["y"] + two["h"]
        and two["y"] < one["y"] + one["h"]
    ]
    assert over == []


@pytest.mark.parametrize("name", BOARDS)
def test_every_data_source_is_a_variable_of_its_type_and_is_provisioned(name: str) -> None:
    board = BOARDS[name]
    found = list(data_sources(board))
    assert found
    for source in found:
        variable = variables(board)[source["uid"].removeprefix("${").removesuffix("}")]
        assert source["uid"].startswith("${")
        assert (variable["type"], variable["query"]) == ("datasource", source["type"])
    file = GRAFANA / "provisioning" / "datasources" / "datasources.yml"
    provisioned = {one["type"] for one in yaml.safe_load(file.read_text(encoding="utf-8"))["datasources"]}
    assert provisioned == DATA_SOURCES
    assert {source["type"] for source in found} <= provisioned


@pytest.mark.parametrize("name", BOARDS)
def test_every_variable_that_a_query_uses_exists_and_every_variable_is_used(name: str) -> None:
    text = json.dumps(BOARDS[name]["panels"])
    used = set(re.findall(r"\$\{?([a-z]\w*)", text))
    assert used == set(variables(BOARDS[name]))


@pytest.mark.parametrize("title", PANELS)
def test_a_panel_has_a_unit_and_thresholds_in_order(title: str) -> None:
    _, panel = PANELS[title]
    defaults = panel["fieldConfig"]["defaults"]
    assert defaults["unit"]
    assert defaults["noValue"] == "no data"
    first, *others = defaults["thresholds"]["steps"]
    assert first["value"] is None
    values = [step["value"] for step in others]
    assert values == sorted(values)


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Exported:
    """Every series that a panel may read."""
    return {**exported_by_a_hub(tmp_path_factory.mktemp("hub")), **PROMETHEUS_OWN}


@pytest.mark.parametrize("title", PROMQL)
def test_every_prometheus_query_reads_what_a_hub_exports(title: str, known: Exported) -> None:
    target = PROMQL[title]
    assert problems(target["expr"], known) == []
    kept = {label.strip() for group in re.findall(r"by \(([^)]*)\)", target["expr"]) for label in group.split(",")}
    assert set(re.findall(r"{{(\w+)}}", target["legendFormat"])) <= kept


@pytest.mark.parametrize("name", BOARDS)
def test_every_list_of_choices_comes_from_a_label_that_a_hub_exports(name: str, known: Exported) -> None:
    for variable in variables(BOARDS[name]).values():
        if variable["type"] == "query":
            found = re.fullmatch(r"label_values\((\w+), (\w+)\)", variable["query"]["query"])
            assert found
            assert found[2] in known[found[1]]


def _limits(title: str) -> list[float]:
    return [step["value"] for step in PANELS[title][1]["fieldConfig"]["defaults"]["thresholds"]["steps"][1:]]


def test_the_thresholds_are_those_of_the_shipped_rules() -> None:
    rules: Any = shipped_targets().rules()
    assert _limits("sixfb-operations: LCP, p75") == [rules["G1"].limits["LCP"] / 1000]
    assert _limits("sixfb-operations: CLS, p75") == [rules["G1"].limits["CLS"]]
    assert _limits("sixfb-operations: INP, p75") == [rules["G2"].limits["INP"] / 1000]
    e4 = rules["E4"]
    assert _limits("sixfb-operations: Availability of endpoints") == [e4.critical, e4.warning, e4.target]
    for title, name in (("Response time of endpoints, p95", "H1b"), ("Database query time, p95", "H2q")):
        rule = rules[name]
        assert _limits(f"sixfb-operations: {title}") == [rule.target_ms / 1000, rule.warning_ms / 1000]
    assert _limits("sixfb-operations: Error budget left, 30 days") == [0, 0.25]


def test_provisioning_names_the_folder_that_the_guide_mounts() -> None:
    file = GRAFANA / "provisioning" / "dashboards" / "dashboards.yml"
    (provider,) = yaml.safe_load(file.read_text(encoding="utf-8"))["providers"]
    guide = (GRAFANA.parent.parent / "docs" / "other-tools.md").read_text(encoding="utf-8")
    assert f"deploy/grafana/dashboards:{provider['options']['path']}" in guide


def _fill(store: Store) -> None:
    with store.write() as connection:
        for n, status in enumerate((Status.PASSED, Status.PASSED, Status.PASSED, Status.FAILED, Status.ERRORED)):
            slot = NOW - timedelta(hours=1, minutes=5 * n)
            blame = {Status.FAILED: Blame.SITE, Status.ERRORED: Blame.RUNNER}.get(status)
            run = a_run(id=f"r{n}", slot=slot, started_at=slot, finished_at=slot, status=status, blame=blame)
            # Judged by its final status: a run of one attempt.
            run = replace(run, attempts=tuple(replace(a, status=status, blame=blame) for a in run.attempts[:1]))
            runs.save(connection, run, received_at=NOW)
        at = NOW - timedelta(hours=2)
        alert = Alert(
            id="a1", key="F0/ga_purchase", rule="F0", severity=Severity.CRITICAL, state=AlertState.FIRING, episode=1,
            pending_since=at, summary="fails", journey="ga_purchase",
        )  # fmt: skip
        alerts.save(connection, [alert], at=at)
        incidents.save(connection, [Incident(id="INC-1", lead="a1", severity=Severity.CRITICAL, opened_at=at)])
        for source in ("stripe_orders_minor", "app_revenue_minor_units"):
            more = {"member": "no", "tier": "ga"} if source.startswith("stripe") else {}
            for currency, value in (("usd", 150_000), ("jpy", 9_000)):
                its = labels(city="dallas", currency=currency, **more)
                samples.save(connection, [Sample(metric=source, at=at, value=value, labels=its)], now=NOW)
        for source in ("stripe_sessions_completed", "app_sold_tickets"):
            its = labels(city="dallas", member="no", tier="ga")
            samples.save(connection, [Sample(metric=source, at=at, value=3, labels=its)], now=NOW)
        its = labels(city="dallas", tier="ga")
        samples.save(connection, [Sample(metric="inventory_remaining_tickets", at=at, value=7, labels=its)], now=NOW)


@pytest.fixture(scope="module")
def database(postgres: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[psycopg.Connection[dict[str, Any]]]:
    """A hub's database with one of everything, read as the role of Grafana."""
    with a_database_with_tables(postgres) as url:
        with a_migrated_store(url, tmp_path_factory.mktemp("hub")) as store:
            _fill(store)
        role = (GRAFANA / "read_only_role.sql").read_text(encoding="utf-8")
        with psycopg.connect(url, autocommit=True) as owner:
            owner.execute(role.encode())
        try:
            with psycopg.connect(
                url.replace("postgres@", "sixfb_grafana@"), autocommit=True, row_factory=psycopg.rows.dict_row
            ) as connection:
                yield connection
        finally:
            with psycopg.connect(url, autocommit=True) as owner:
                owner.execute("DROP OWNED BY sixfb_grafana; DROP ROLE sixfb_grafana")


def asked(
    database: psycopg.Connection[dict[str, Any]], title: str, *, days: int = 30, **chosen: str
) -> list[dict[str, Any]]:
    """Answer a panel's query as Grafana does: with its macros and variables filled in."""
    board, target = SQL[f"sixfb-business: {title}"]
    text: str = target["rawSql"]
    text = text.replace("$__unixEpochFrom()", str(int((NOW - timedelta(days=days)).timestamp())))
    text = text.replace("$__unixEpochTo()", str(int((NOW + timedelta(minutes=1)).timestamp())))
    for name, variable in variables(board).items():
        if variable["type"] != "datasource":
            text = text.replace(f"${{{name}}}", chosen.get(name, variable["current"]["value"]))
    assert "$" not in text
    rows = database.execute(text.encode()).fetchall()
    if target["format"] == "time_series":
        for row in rows:
            time, metric, value = row.values()
            assert list(row)[:2] == ["time", "metric"]
            assert time.tzinfo is not None
            assert isinstance(metric, str)
            float(value)
    return rows


@pytest.mark.parametrize("title", [title.partition(": ")[2] for title in SQL])
@pytest.mark.parametrize("zone", ["UTC", "America/Chicago", "Asia/Kolkata"])
@pytest.mark.parametrize("days", [1, 200])
def test_every_sql_query_runs_as_the_role_of_grafana_and_finds_something(
    database: psycopg.Connection[dict[str, Any]], title: str, zone: str, days: int
) -> None:
    assert asked(database, title, days=days, timezone=zone)


def test_success_leaves_out_what_says_nothing_of_the_shop(database: psycopg.Connection[dict[str, Any]]) -> None:
    (row,) = asked(database, "Success by journey and location")
    assert (row["results"], row["failed"], float(row["success"]), float(row["coverage"])) == (4, 1, 0.75, 0.8)


@pytest.mark.parametrize("source", ["stripe_orders_minor", "app_revenue_minor_units"])
def test_revenue_is_in_whole_units_and_no_two_currencies_are_added(
    database: psycopg.Connection[dict[str, Any]], source: str
) -> None:
    found = {row["currency"]: row["revenue"] for row in asked(database, "Revenue by city", revenue=source)}
    assert found == {"USD": 1500, "JPY": 9000}


def test_the_currencies_without_a_minor_unit_are_those_that_the_product_knows() -> None:
    for title in ("Revenue by city", "Revenue by city and day"):
        listed = re.search(r"IN \(('bif'.*?)\)", SQL[f"sixfb-business: {title}"][1]["rawSql"])
        assert listed
        assert {one.strip(" '") for one in listed[1].split(",")} == set(WITHOUT_MINOR_UNIT)


@pytest.mark.parametrize("zone", ["UTC", "America/Chicago", "Asia/Kolkata"])
def test_a_day_begins_at_midnight_of_the_business(database: psycopg.Connection[dict[str, Any]], zone: str) -> None:
    (row,) = asked(database, "Tickets sold by city and day", timezone=zone)
    (local,) = database.execute("SELECT %s AT TIME ZONE %s AS local", (row["time"], zone)).fetchall()
    assert (local["local"].hour, local["local"].minute, row["tickets"]) == (0, 0, 3)


def test_an_open_incident_is_listed_with_the_rule_that_opened_it(
    database: psycopg.Connection[dict[str, Any]],
) -> None:
    (row,) = asked(database, "Incidents")
    assert (row["incident"], row["rule"], row["journey"], row["resolved"]) == ("INC-1", "F0", "ga_purchase", None)
    assert float(row["lasted"]) == pytest.approx(7200, abs=90)


@pytest.mark.parametrize("table", ["users", "sessions", "tokens", "notifications", "runners"])
def test_the_role_of_grafana_reads_no_table_with_secrets(
    database: psycopg.Connection[dict[str, Any]], table: str
) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        database.execute(f"SELECT * FROM {table}".encode())


def test_the_role_of_grafana_reads_no_record_of_a_run_and_writes_nothing(
    database: psycopg.Connection[dict[str, Any]],
) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        database.execute("SELECT record FROM runs")
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        database.execute("DELETE FROM series")
