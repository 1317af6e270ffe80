"""What an attempt tells and prints: all of it while it is sane, and never more than there is room for."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from runner.attempt.attempt_pipes import AttemptPipes
from runner.attempt.limits import LINE_MB, TOLD_MB


class Talker:
    """Both pipes of an attempt, from its side and from ours."""

    def __init__(self) -> None:
        facts, self.facts = os.pipe()
        errors, self.errors = os.pipe()
        self.pipes = AttemptPipes(facts, errors)

    def says(self, pipe: int, *parts: bytes) -> None:
        def write() -> None:
            for part in parts:
                rest = memoryview(part)
                while rest:
                    rest = rest[os.write(pipe, rest) :]
            os.close(pipe)

        threading.Thread(target=write).start()

    def hears_all(self) -> list[dict[str, Any]]:
        heard: list[dict[str, Any]] = []
        while not self.pipes.closed:
            heard += self.pipes.listen(5)
        self.pipes.drain()
        return heard


@pytest.fixture
def talker() -> Iterator[Talker]:
    talker = Talker()
    yield talker
    talker.pipes.close()


def a_fact(text: str = "") -> bytes:
    return json.dumps({"event": "note", "note": text}).encode() + b"\n"


def test_facts_are_heard_in_order_however_they_are_cut(talker: Talker) -> None:
    whole = a_fact("one") + a_fact("two")
    os.close(talker.errors)
    talker.says(talker.facts, whole[:7], whole[7:])
    assert [fact["note"] for fact in talker.hears_all()] == ["one", "two"]


def test_a_giant_line_is_left_out_and_counted_and_the_next_is_heard(talker: Talker) -> None:
    os.close(talker.errors)
    talker.says(talker.facts, b"x" * ((LINE_MB << 20) + 1), b"\n", a_fact("next"))
    assert [fact["note"] for fact in talker.hears_all()] == ["next"]
    assert talker.pipes.left_out == 1


@pytest.mark.parametrize("garbage", [b"no JSON\n", b"[]\n", b'{"event": 3}\n', b"\xff\xfe\n", b'{"no": "event"}\n'])
def test_garbage_is_left_out_and_counted(talker: Talker, garbage: bytes) -> None:
    os.close(talker.errors)
    talker.says(talker.facts, garbage, a_fact("next"))
    assert [fact["note"] for fact in talker.hears_all()] == ["next"]
    assert talker.pipes.left_out == 1


def test_a_flood_is_noticed(talker: Talker) -> None:
    os.close(talker.errors)
    part = a_fact("x" * (1 << 20))
    talker.says(talker.facts, *[part] * (TOLD_MB + 1))
    while not talker.pipes.flooded and not talker.pipes.closed:
        list(talker.pipes.listen(5))
    assert talker.pipes.flooded
    talker.hears_all()


def test_of_what_is_printed_only_the_end_is_kept(talker: Talker) -> None:
    talker.says(talker.errors, b"y" * (4 << 20), b"\nRuntimeError: the last line\n")
    talker.says(talker.facts, a_fact())
    talker.hears_all()
    for _ in range(200):
        list(talker.pipes.listen(0.01))
    assert talker.pipes.last_words == "RuntimeError: the last line"
