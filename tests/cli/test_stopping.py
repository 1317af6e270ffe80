"""The programs that run for ever: told to stop they end in good order, and every line of their log is one JSON object."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from hub.cycle import EVALUATOR
from store import lease, open_store

CANARY = "canary-of-the-environment"


def started(folder: Path, *command: str, says: str, **environment: str) -> subprocess.Popen[str]:
    """A program of ours, once it has said that it runs."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("STRIPE_", "SIXFB_", "DATABASE"))}
    with (folder / "log").open("w") as log:
        program = subprocess.Popen(
            [sys.executable, "-P", "-m", "cli", *command],
            cwd=folder,
            env={**kept, "SIXFB_VAR": str(folder / "var"), "ODD_TOKEN": CANARY, **environment},
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
    assert program.stdout is not None
    if says not in program.stdout.readline():
        program.kill()
        program.communicate()
        pytest.fail((folder / "log").read_text())
    return program


def ended(program: subprocess.Popen[str], number: int = signal.SIGTERM) -> int:
    program.send_signal(number)
    try:
        program.communicate(timeout=60)
    except subprocess.TimeoutExpired:
        program.kill()
        program.communicate()
        raise
    return program.returncode


def log_of(folder: Path) -> list[dict[str, Any]]:
    text = (folder / "log").read_text()
    assert CANARY not in text
    # What a person must know before anything runs is said to them, and is no event.
    return [json.loads(line) for line in text.splitlines() if not line.startswith("sixfb: ")]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_hub_ends_well_and_leaves_the_lease(tmp_path: Path, number: int) -> None:
    hub = started(tmp_path, "hub", "--port", "0", says="the dashboard is at")
    assert ended(hub, number) == 0
    log = log_of(tmp_path)
    assert [line["event"] for line in log if line["event"] in ("hub_started", "hub_stopped")] == [
        "hub_started",
        "hub_stopped",
    ]
    assert {line["program"] for line in log} == {"hub"}
    with closing(open_store(None, folder=tmp_path / "var" / "hub")) as store, store.write() as connection:
        assert lease.take(connection, name=EVALUATOR, holder="another", ttl_s=30) is not None


def test_a_runner_without_a_hub_ends_well(tmp_path: Path) -> None:
    environment = {"SIXFB_HUB_URL": "http://127.0.0.1:9", "SIXFB_TOKEN": f"sfb_us-east_{CANARY}"}
    runner = started(tmp_path, "runner", "--location", "us-east", says="buys for the hub", **environment)
    assert ended(runner) == 0
    log = log_of(tmp_path)
    assert log[-1]["event"] == "runner_stopped"
    assert {line["location"] for line in log} == {"us-east"}


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("SIXFB_STOP_GRACE", "soon"),
        ("SIXFB_METRICS_PORT", "http"),
        ("SIXFB_LOG", "xml"),
        ("SIXFB_LOG_LEVEL", "loud"),
        ("SSL_CERT_FILE", "/none.pem"),
    ],
)
def test_a_setting_that_is_none_is_one_sentence(tmp_path: Path, setting: str, value: str) -> None:
    environment = {**os.environ, "SIXFB_HUB_URL": "http://127.0.0.1:9", "SIXFB_VAR": str(tmp_path), setting: value}
    done = subprocess.run(
        [sys.executable, "-P", "-m", "cli", "runner", "--location", "us-east"],
        env=environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1), done.stderr
    assert setting in done.stderr
