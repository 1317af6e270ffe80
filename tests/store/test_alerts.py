"""What is over of an open incident is found by the ids that the incident has, however long the history of alerts is."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import event

from facts import Alert, AlertState, Incident, Severity
from store import Store, alerts
from tests.databases import a_migrated_store

NOW = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)
OVER = AlertState.RESOLVED


def an_alert(name: str, state: AlertState = OVER, incident: str | None = "inc-1") -> Alert:
    return Alert(
        id=name,
        key=name,
        rule="F0",
        severity=Severity.HIGH,
        state=state,
        episode=1,
        pending_since=NOW,
        summary="it fails",
        title="F0",
        incident=incident,
    )


def an_incident(number: int, *names: str) -> Incident:
    return Incident(id=f"inc-{number}", lead=names[0], severity=Severity.HIGH, opened_at=NOW, alerts=names)


def test_only_what_is_over_and_still_belongs_to_an_incident_is_its_past(store: Store) -> None:
    stored = [
        an_alert("over"),
        an_alert("fires", AlertState.FIRING),
        an_alert("went on alone", incident=None),
        an_alert("of another", incident="inc-2"),
        an_alert("of none that is asked for", incident="inc-3"),
    ]
    with store.write() as connection:
        alerts.save(connection, stored, at=NOW)
        assert alerts.past_of(connection, []) == []
        asked = [an_incident(1, "over", "fires", "went on alone", "is gone"), an_incident(2, "of another")]
        assert {one.id for one in alerts.past_of(connection, asked)} == {"over", "of another"}


def test_no_alert_of_the_history_is_looked_into(tmp_path: Path) -> None:
    asked: list[tuple[str, Any]] = []
    with a_migrated_store(None, tmp_path) as store, store.read() as connection:
        event.listen(
            connection, "before_cursor_execute", lambda _c, _k, text, values, *_more: asked.append((text, values))
        )
        alerts.past_of(connection, [an_incident(1, "over")])
        (statement,) = list(asked)
        plan = [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement[0]}", statement[1])]
    assert plan
    assert all(step.startswith("SEARCH alerts USING INDEX") for step in plan), plan
