"""A line that comes again and again is written a few times, and then counted."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from process.logs import get_logger, start_logging
from process.repeats import MOST, WITHIN_S, LimitedHandler
from redact.masking import Masker


class Log:
    """A program's log with a clock that the test holds."""

    def __init__(self) -> None:
        self.now = 0.0
        self._stream = io.StringIO()
        start_logging("hub", environment={}, stream=self._stream, masker=Masker())
        (self.handler,) = logging.getLogger().handlers
        assert isinstance(self.handler, LimitedHandler)
        self.handler._monotonic = lambda: self.now

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self._stream.getvalue().splitlines()]

    def of(self, event: str) -> list[dict[str, Any]]:
        return [line for line in self.lines if line["event"] == event]


@pytest.fixture
def log() -> Iterator[Log]:
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    yield Log()
    root.handlers = handlers
    root.setLevel(level)
    logging.captureWarnings(False)


def test_of_many_equal_lines_a_few_are_written_and_then_how_many_there_were(log: Log) -> None:
    for _ in range(1000):
        get_logger("sixfb.hub").warning("connections_full", most=1024)
    assert len(log.lines) == MOST
    log.now += WITHIN_S
    get_logger("sixfb.hub").info("another")
    told = log.of("connections_full")
    assert (len(told), told[-1]["repeated"], told[-1]["most"]) == (MOST + 1, 1000 - MOST, 1024)
    assert "repeated" not in log.of("another")[0]


def test_a_line_that_differs_is_another(log: Log) -> None:
    for n in range(50):
        get_logger("sixfb.hub").info("run_taken", run_id=n)
    assert len(log.lines) == 50


def test_a_library_that_logs_the_same_traceback_again_and_again_is_limited_too(log: Log) -> None:
    def fail() -> None:
        raise OSError(24, "Too many open files")

    for _ in range(200):
        try:
            fail()
        except OSError as error:
            logging.getLogger("asyncio").error("accept failed", exc_info=error)
            get_logger("sixfb.hub").exception("loop_failed")
    assert len(log.lines) == 2 * MOST
    log.now += WITHIN_S
    get_logger("sixfb.hub").info("another")
    assert [line["message"] for line in log.of("library_log")][-1] == f"accept failed (repeated {200 - MOST} times)"
    assert "exception" not in log.of("loop_failed")[-1]


def test_a_line_that_comes_once_in_a_while_is_always_written(log: Log) -> None:
    for _ in range(MOST * 4):
        get_logger("sixfb.hub").info("beat")
        log.now += WITHIN_S / MOST
    assert all("repeated" not in line for line in log.of("beat"))
    assert len(log.of("beat")) == MOST * 4


def test_at_the_end_what_was_left_out_is_told(log: Log) -> None:
    for _ in range(MOST + 2):
        get_logger("sixfb.hub").info("beat")
    log.handler.close()
    assert log.of("beat")[-1]["repeated"] == 2


def test_a_flood_of_different_lines_is_not_kept_in_memory(log: Log) -> None:
    for n in range(5000):
        get_logger("sixfb.hub").info("odd", n=n)
    assert isinstance(log.handler, LimitedHandler)
    assert len(log.handler._kinds) <= 2000


def test_a_line_that_cannot_be_put_together_ends_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logging, "raiseExceptions", False)
    out = io.StringIO()
    logger = logging.Logger("a library")
    logger.addHandler(LimitedHandler(out))
    logger.warning("%s and %s", "one argument")
    logger.warning({"event": "mixed keys", 1: 2, "a": 3})
    logger.warning("the next")
    assert out.getvalue() == "the next\n"
