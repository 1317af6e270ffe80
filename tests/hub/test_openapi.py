"""`/openapi.json` is true: what it says is asked of every door, in every odd way there is, and the answers are those it names."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import hypothesis
import pytest
import schemathesis
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from facts import Blame, Status
from hub.permissions import NAMED
from tests.hub.conftest import Bench

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
EXAMPLES = 6
OURS = {"Host": "127.0.0.1"}


@pytest.fixture
def lived_in(bench: Bench) -> Bench:
    """A hub with a run that passed, one that failed, one that was missed, and an alert."""
    broken: dict[str, Any] = {
        "status": Status.FAILED,
        "blame": Blame.SITE,
        "failed_step": "proceed_to_stripe",
        "error": "500",
    }
    bench.send(*(bench.slot_run(place, **broken) for place in ("us-east", "us-west")))
    bench.send(bench.slot_run("eu-west"), bench.slot_run("eu-west", minutes_ago=6, status=Status.MISSED))
    bench.tick()
    return bench


def asked(schema: Any) -> Iterator[tuple[Any, GenerationMode]]:
    """Each door with what its description allows, and, where it asks for anything, with what it does not."""
    for found in schema.get_all_operations():
        operation = found.ok()
        yield operation, GenerationMode.POSITIVE
        # Bytes and texts of any kind have no wrong ones.
        if operation.query or any(body.media_type == "application/json" for body in operation.body):
            yield operation, GenerationMode.NEGATIVE


@pytest.mark.slow
def test_every_door_answers_as_it_is_described(lived_in: Bench) -> None:
    schema = schemathesis.openapi.from_asgi("/openapi.json", lived_in.client.app, headers=OURS)
    seen: dict[str, set[int]] = defaultdict(set)
    for operation, mode in asked(schema):

        @hypothesis.settings(
            max_examples=EXAMPLES,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(hypothesis.HealthCheck),
        )
        @hypothesis.given(case=operation.as_strategy(generation_mode=mode))
        def fuzz(case: schemathesis.Case[Any]) -> None:
            answer = case.call_and_validate(checks=CHECKS, headers=OURS)
            seen[case.operation.label].add(answer.status_code)

        fuzz()
    for door in ("POST /api/runs", "GET /api/runs", "GET /api/sla", "GET /api/alerts", "GET /healthz"):
        assert 200 in seen[door], seen[door]
    assert {"GET /api/alerts/{alert_id}", "PUT /api/evidence/{sha256}", "GET /api/plan"} <= set(seen)
    assert seen["POST /api/runs"] & {400, 422}


def test_what_is_there_is_described_with_every_key(lived_in: Bench) -> None:
    schema = schemathesis.openapi.from_asgi("/openapi.json", lived_in.client.app, headers=OURS)
    run = lived_in.client.get("/api/runs").json()["runs"][0]["run_id"]
    alert = lived_in.client.get("/api/alerts").json()["alerts"][0]["id"]
    for path, names in (
        ("/api/runs/{run_id}", {"run_id": run}),
        ("/api/alerts/{alert_id}", {"alert_id": alert}),
        ("/api/runs", {}),
        ("/api/alerts", {}),
        ("/api/sla", {}),
    ):
        answer = lived_in.client.get(path.format(**names))
        assert answer.status_code == 200
        described = schema[path]["GET"]
        described.validate_response(answer)
        keys = properties(schema.raw_schema, described.definition.raw["responses"]["200"])
        assert set(answer.json()) == keys, path


def properties(schema: dict[str, Any], response: dict[str, Any]) -> set[str]:
    reference = response["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
    return set(schema["components"]["schemas"][reference]["properties"])


def test_each_door_names_its_refusals_and_who_may_come(light: Bench) -> None:
    described = light.client.get("/openapi.json").json()
    runs = described["paths"]["/api/runs"]
    assert {"400", "401", "403", "413", "415", "422", "429", "503"} <= set(runs["post"]["responses"])
    assert runs["post"]["security"][0] == {"token": []}
    assert runs["get"]["security"][0] == {"session": []}
    assert "security" not in described["paths"]["/healthz"]["get"]
    assert {path for path in described["paths"] if path.startswith("/api/")} >= {
        path for _, path, _ in NAMED if path in ("/api/runs", "/api/plan")
    }


def test_a_door_that_is_not_there_says_so_in_the_same_shape(light: Bench) -> None:
    for method, path, status in (
        ("GET", "/api/nothing", 404),
        ("DELETE", "/api/runs", 405),
        ("GET", "/api/runs?limit=0", 422),
    ):
        answer = light.client.request(method, path)
        assert answer.status_code == status
        assert answer.json().keys() == {"error"}
