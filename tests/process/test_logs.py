"""The log: its lines, its context, and no secret in any of them."""

from __future__ import annotations

import base64
import io
import json
import logging
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from config import ConfigError, read_secret
from process.logs import bound_contextvars, get_logger, start_logging
from redact.masking import Masker
from tests.cli.hostile import ACTS, obeyed

CANARIES = {
    "SIXFB_TOKEN": "canary-runner-token",
    "SIXFB_METRICS_TOKEN": "canary-metrics",
    "SLACK_OPS_WEBHOOK": "https://hooks.example/services/T0/B0/canarywebhook",
    "STRIPE_SECRET_KEY": "rk_test_canarykey",
    "DATABASE_URL": "postgresql://sixfb:canary%2Fpass@db/sixfb",
    "HTTPS_PROXY": "http://me:canaryproxy@proxy:3128",
    "SMTP_PASSWORD": 'can"ary\\mail',
}
VALUES = (
    "canary-runner-token",
    "canary-metrics",
    "canarywebhook",
    "canarykey",
    "canary/pass",
    "canary%2Fpass",
    "canaryproxy",
)


class Log:
    """What was logged, by line."""

    def __init__(self) -> None:
        self.stream = io.StringIO()

    def start(self, **environment: str) -> Log:
        start_logging(
            "hub", environment=environment, stream=self.stream, masker=Masker(), context={"location": "us-east"}
        )
        return self

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.stream.getvalue().splitlines()]


@pytest.fixture
def log() -> Iterator[Log]:
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    yield Log()
    root.handlers = handlers
    root.setLevel(level)
    logging.captureWarnings(False)


def test_a_line_has_the_event_its_time_its_level_and_the_run_it_is_about(log: Log) -> None:
    log.start()
    with bound_contextvars(run_id="r1", journey="ga_purchase"):
        get_logger("sixfb.runner").info("run_ended", status="passed")
    (line,) = log.lines
    assert datetime.fromisoformat(line.pop("timestamp")).utcoffset() is not None
    assert line == {
        "event": "run_ended",
        "level": "info",
        "program": "hub",
        "location": "us-east",
        "logger": "sixfb.runner",
        "run_id": "r1",
        "journey": "ga_purchase",
        "status": "passed",
    }


def test_a_library_logs_through_it_as_a_message_of_its_own(log: Log) -> None:
    uvicorn.Config(app="none")  # it brings handlers of its own
    log.start()
    logging.getLogger("uvicorn.error").error("cannot bind %s", "here")
    (line,) = log.lines
    assert (line["event"], line["logger"], line["message"]) == ("library_log", "uvicorn.error", "cannot bind here")


@pytest.mark.parametrize("name", ["httpx", "alembic.runtime.migration", "apscheduler.scheduler", "uvicorn.access"])
def test_what_a_library_chats_is_left_out(log: Log, name: str) -> None:
    log.start(SIXFB_LOG_LEVEL="debug")
    logging.getLogger(name).info("HTTP Request: POST https://hooks.example/secret")
    assert log.lines == []


@pytest.mark.parametrize(("level", "told"), [("", 2), ("info", 2), ("WARNING", 1), ("error", 0), ("debug", 3)])
def test_the_level_is_a_setting(log: Log, level: str, told: int) -> None:
    log.start(SIXFB_LOG_LEVEL=level)
    ours = get_logger("sixfb.hub")
    ours.debug("a")
    ours.info("b")
    ours.warning("c")
    assert len(log.lines) == told


@pytest.mark.parametrize("setting", [{"SIXFB_LOG": "xml"}, {"SIXFB_LOG_LEVEL": "loud"}])
def test_a_setting_that_is_none_is_refused(log: Log, setting: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match=next(iter(setting))):
        log.start(**setting)


@pytest.mark.parametrize("form", ["json", "text"])
def test_no_known_secret_is_in_any_line(log: Log, form: str, tmp_path: Path) -> None:
    of_a_file = tmp_path / "key"
    of_a_file.write_text("canaryoffile\n")
    log.start(SIXFB_LOG=form, **CANARIES, INVENTORY_TOKEN_FILE=str(of_a_file))
    ours = get_logger("sixfb.hub")
    ours.info("told", **CANARIES, of_a_file="canaryoffile")
    ours.info("nested", told={"canary-metrics": [{"deep": ("canarywebhook", CANARIES["SLACK_OPS_WEBHOOK"])}]})
    ours.info("path", path="/services/T0/B0/canarywebhook")
    ours.info("encoded", basic=base64.b64encode(b"canary-runner-token").decode(), query="canary%2Fpass")
    logging.getLogger("uvicorn.error").error("with %s", CANARIES["DATABASE_URL"])
    try:
        raise ValueError(f"cannot reach {CANARIES['HTTPS_PROXY']}")
    except ValueError:
        ours.exception("failed", error=ValueError(CANARIES["SMTP_PASSWORD"]))
    said = log.stream.getvalue()
    assert "Traceback" in said
    coded = (base64.b64encode(b"canary-runner-token").decode().rstrip("="), json.dumps(CANARIES["SMTP_PASSWORD"])[1:-1])
    assert [secret for secret in (*VALUES, *coded, CANARIES["SMTP_PASSWORD"], "canaryoffile") if secret in said] == []


@pytest.mark.parametrize(
    "text",
    [
        "sk_live_abcdefgh",
        "rk_test_abcdefgh",
        "whsec_abcdefgh",
        "sfb_us-east_7f3a_abcdefgh",
        "Authorization: Bearer abcdefgh",
        "https://user:abcdefgh@example.com/",
        "https://hooks.slack.com/services/T/B/abcdefgh",
    ],
)
def test_what_has_the_shape_of_a_secret_is_masked_though_nobody_knew_it(text: str) -> None:
    assert "abcdefgh" not in Masker().mask(text)


def test_a_secret_that_was_read_is_masked_from_then_on(log: Log) -> None:
    start_logging("hub", environment={}, stream=log.stream)
    read_secret("ODD_NAME", {"ODD_NAME": "canary-of-an-odd-name"})
    get_logger("sixfb.hub").info("told", text="it is canary-of-an-odd-name")
    assert log.lines[0]["text"] == "it is ***"


def test_ordinary_words_stay(log: Log) -> None:
    log.start(SIXFB_TOKEN="abc", SIXFB_HUB_URL="https://hub.example.com/")
    get_logger("sixfb.hub").info("told", text="abc at https://hub.example.com/api for 3.5 s")
    assert log.lines[0]["text"] == "abc at https://hub.example.com/api for 3.5 s"


@pytest.mark.parametrize("form", ["json", "text"])
def test_no_line_holds_what_a_terminal_obeys(log: Log, form: str) -> None:
    log.start(SIXFB_LOG=form)
    get_logger("sixfb.hub").warning("run_kept", error=f"why{ACTS}", inside={f"key{ACTS}": [f"value{ACTS}"]})
    logging.getLogger("some.library").warning("a library says %s", ACTS)
    try:
        raise ValueError(f"what{ACTS}")
    except ValueError:
        get_logger("sixfb.hub").exception("failed")
    text = log.stream.getvalue()
    assert obeyed(text) == set()
    if form == "json":
        assert log.lines[0]["error"] == f"why{ACTS}"
    else:
        assert "why\\x1b[31m" in text
        assert "Traceback (most recent call last):\n" in text
