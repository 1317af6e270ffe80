"""Makes pytest report a failed journey by its sentence, without a traceback."""

from __future__ import annotations

from collections.abc import Generator

import pytest
from _pytest._code.code import TerminalRepr
from _pytest._io import TerminalWriter
from _pytest.outcomes import Failed  # `pytest.fail.Exception`, by a name that type checkers know


class JourneyFailed(Failed):
    """The journey failed; the message is its sentence."""


class _Sentence(TerminalRepr):
    """What pytest prints among the failures. It has no `reprcrash`, which the summary would print once more."""

    def __init__(self, sentence: str) -> None:
        self._sentence = sentence

    def toterminal(self, tw: TerminalWriter) -> None:
        tw.line(self._sentence, red=True)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Have the sentence of a failed journey printed once: among the failures, and not in the summary again."""
    report = yield
    if (
        call.excinfo is not None
        and call.excinfo.errisinstance(JourneyFailed)
        and item.config.getoption("tbstyle") != "no"
    ):
        report.longrepr = _Sentence(str(call.excinfo.value))
    return report
