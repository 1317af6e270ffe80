"""Whose word counts: a location that is silent or sick abstains, and the finding says why; W3 tells whose clock is wrong."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from facts import Backlog, Blame, Outcome, RunnerState, Severity, Status, VerdictStatus
from tests.sla.builders import GA, NOW, a_history, an_outcome, failures, judged, passes, the_rule, the_targets

F0 = f"F0/{GA}"
TROUBLE = "the last run errored: the browser could not be started"


def a_runner(location: str = "us-east", *, heard_s_ago: float = 20, **facts: Any) -> RunnerState:
    """A runner that was heard just now and is well."""
    return RunnerState(**{"location": location, "id": "r1", "heard_at": NOW - timedelta(seconds=heard_s_ago), **facts})


def skewed(*seconds: float, **facts: Any) -> RunnerState:
    return a_runner(skews=seconds, **facts)


def left_out(*here: Outcome, **facts: Any) -> str:
    """Why us-east is not counted while the other two pass."""
    verdict = judged(a_history([*here], passes("us-west", 2), passes("eu-west", 3), **facts), F0)
    assert verdict.counted == ("us-west", "eu-west")
    (word,) = verdict.left_out
    assert word in verdict.summary
    place, _, reason = word.partition(": ")
    assert place == "us-east"
    return reason


def at_us_east(minutes_ago: float, status: Status, **facts: Any) -> Outcome:
    return an_outcome(minutes_ago, status=status, **facts)


@pytest.mark.parametrize(
    ("here", "reason"),
    [
        ([], "no result yet"),
        (passes("us-east", 8), "no result since 16:12:00"),
        (failures("us-east", 8), "no result since 16:12:00"),
        ([at_us_east(1, Status.MISSED, error="the runner was not running")], "missed (the runner was not running)"),
        (
            [at_us_east(1, Status.ERRORED, blame=Blame.RUNNER, error="the browser did not start")],
            "errored (the browser did not start)",
        ),
        ([at_us_east(1, Status.BLOCKED)], "blocked by a bot wall"),
        (failures("us-east", 1, blame=Blame.NETWORK), "its own network failed"),
        (passes("us-east", 1, late=True), "came too late to page"),
        ([at_us_east(1, Status.SKIPPED)], "skipped"),
    ],
)
def test_a_location_without_a_voice_is_left_out_with_the_reason(here: list[Outcome], reason: str) -> None:
    assert left_out(*here) == reason


@pytest.mark.parametrize(
    ("runner", "reason"),
    [
        (a_runner(), "no result yet; its runner answers and names no trouble"),
        (a_runner(trouble=TROUBLE), f"no result yet; its runner answers, and measures nothing: {TROUBLE}"),
        (a_runner(heard_s_ago=149), "no result yet; its runner answers and names no trouble"),
        (a_runner(heard_s_ago=151), "no result yet; its runner was last heard at 16:17:29"),
    ],
)
def test_the_heartbeat_tells_a_silent_runner_from_one_that_measures_nothing(runner: RunnerState, reason: str) -> None:
    assert left_out(runners=[runner]) == reason
    old = left_out(*passes("us-east", 8), runners=[runner])
    assert old == reason.replace("no result yet", "no result since 16:12:00")


@pytest.mark.parametrize("here", [passes("us-east", 1, 6), failures("us-east", 1, 6)])
def test_a_sick_location_abstains_whatever_it_measured_last(here: list[Outcome]) -> None:
    assert left_out(*here, runners=[a_runner(trouble=TROUBLE)]) == f"its runner is in trouble: {TROUBLE}"
    f3 = judged(a_history(here, passes("us-west", 2), runners=[a_runner(trouble=TROUBLE)]), f"F3/{GA}/us-east")
    assert (f3.verdict, f3.breached, f3.clear, f3.counted) == (VerdictStatus.NO_DATA, False, False, ())
    assert f3.left_out == (f"us-east: its runner is in trouble: {TROUBLE}",)


def test_a_location_is_well_while_one_of_its_runners_is() -> None:
    pair = [a_runner(trouble=TROUBLE), a_runner(id="r2")]
    verdict = judged(a_history(passes("us-east", 1), runners=pair), F0)
    assert verdict.counted == ("us-east",)


def test_trouble_that_nobody_tells_any_more_is_over() -> None:
    verdict = judged(a_history(passes("us-east", 1), runners=[a_runner(heard_s_ago=151, trouble=TROUBLE)]), F0)
    assert verdict.counted == ("us-east",)


def test_a_sick_location_makes_no_outage_of_one_failure_elsewhere() -> None:
    here = failures("us-east", 1), failures("us-west", 2), passes("eu-west", 3)
    assert judged(a_history(*here), F0).breached
    sick = judged(a_history(*here, runners=[a_runner(trouble=TROUBLE)]), F0)
    assert not sick.breached
    assert not sick.clear


def test_two_errored_runs_take_a_location_its_voice_and_one_does_not() -> None:
    errored = {"status": Status.ERRORED, "blame": Blame.RUNNER, "error": "the browser did not start"}
    once = [an_outcome(1, **errored), *passes("us-east", 6)]
    twice = [an_outcome(1, **errored), an_outcome(6, **errored), *passes("us-east", 11)]
    assert judged(a_history(once), F0).counted == ("us-east",)
    assert left_out(*twice) == "errored (the browser did not start)"


@pytest.mark.parametrize("rule", ["A3s", "BL"])
@pytest.mark.parametrize("status", [Status.MISSED, Status.ERRORED])
def test_what_says_nothing_neither_clears_nor_counts(rule: str, status: Status) -> None:
    verdict = judged(a_history(an_outcome(1, status=status, error="why"), an_outcome(6, status=status)), rule)
    assert (verdict.verdict, verdict.clear, verdict.counted) == (VerdictStatus.NO_DATA, False, ())
    assert verdict.left_out[0].startswith(f"us-east: {status}")
    assert judged(a_history(passes("us-east", 1, 6)), rule).clear


def test_slow_runs_of_a_sick_location_are_not_counted() -> None:
    slow = [passes(place, 1, 6, 11, slow=True) for place in ("us-east", "us-west")]
    assert judged(a_history(*slow), f"F1/{GA}").breached
    sick = judged(a_history(*slow, runners=[a_runner(trouble=TROUBLE)]), f"F1/{GA}")
    assert not sick.breached
    assert f"us-east: its runner is in trouble: {TROUBLE}" in sick.left_out


@pytest.mark.parametrize(
    ("runners", "said"),
    [
        ([], "(limit 11.5 min)"),
        ([a_runner(trouble=TROUBLE)], f"; its runner answers, and measures nothing: {TROUBLE}"),
        ([a_runner(heard_s_ago=600)], "; its runner was last heard at 16:10:00"),
    ],
)
def test_silence_is_by_the_last_result_and_the_heartbeat_says_which_silence(
    runners: list[RunnerState], said: str
) -> None:
    received = {"us-east": NOW - timedelta(minutes=12), "us-west": NOW, "eu-west": NOW}
    verdict = judged(a_history(last_received=received, runners=runners), "W1/us-east")
    assert verdict.breached
    assert verdict.summary.endswith(said)


@pytest.mark.parametrize(
    ("off", "word", "severity", "breached", "clear"),
    [
        (0.0, VerdictStatus.MET, Severity.LOW, False, True),
        (1.9, VerdictStatus.MET, Severity.LOW, False, True),
        (2.0, VerdictStatus.MET, Severity.LOW, False, False),
        (5.0, VerdictStatus.MET, Severity.LOW, False, False),
        (5.1, VerdictStatus.WARNING, Severity.LOW, True, False),
        (-5.1, VerdictStatus.WARNING, Severity.LOW, True, False),
        (30.0, VerdictStatus.WARNING, Severity.LOW, True, False),
        (30.1, VerdictStatus.WARNING, Severity.HIGH, True, False),
        (-3600.0, VerdictStatus.WARNING, Severity.HIGH, True, False),
    ],
)
def test_a_clock_that_is_off_is_told_and_recovers(
    off: float, word: VerdictStatus, severity: Severity, *, breached: bool, clear: bool
) -> None:
    verdict = judged(a_history(runners=[skewed(off, 0, off, 0, off)]), "W3/us-east")
    assert (verdict.verdict, verdict.severity, verdict.breached, verdict.clear) == (word, severity, breached, clear)
    assert verdict.value == abs(off)
    assert ("set right" in verdict.summary) is (severity is Severity.HIGH)


def test_two_slow_messages_of_five_are_no_wrong_clock() -> None:
    assert judged(a_history(runners=[skewed(-40, -0.1, -40, -0.1, -0.1)]), "W3/us-east").verdict is VerdictStatus.MET


@pytest.mark.parametrize(
    ("runners", "word"),
    [
        ([], VerdictStatus.NO_DATA),
        ([skewed(60, 60, 60, 60, 60, heard_s_ago=151)], VerdictStatus.NO_DATA),
        ([skewed(60, 60, 60, 60)], VerdictStatus.INSUFFICIENT),
    ],
)
def test_a_clock_that_nobody_hears_or_heard_too_little_is_not_judged(
    runners: list[RunnerState], word: VerdictStatus
) -> None:
    verdict = judged(a_history(runners=runners), "W3/us-east")
    assert (verdict.verdict, verdict.breached, verdict.clear) == (word, False, False)


def test_of_two_runners_the_one_whose_clock_is_further_off_is_told() -> None:
    pair = [skewed(*[-0.1] * 5), skewed(*[-8.0] * 5, id="r2")]
    verdict = judged(a_history(runners=pair), "W3/us-east")
    assert "the clock of runner r2 is 8.0 s behind the hub's" in verdict.summary


@pytest.mark.parametrize(
    ("runners", "word", "breached", "clear"),
    [
        ([a_runner(rejected=1)], VerdictStatus.WARNING, True, False),
        ([a_runner(rejected=0)], VerdictStatus.MET, False, True),
        ([], VerdictStatus.NO_DATA, False, False),
    ],
)
def test_a_record_that_the_hub_refused_is_told_until_there_is_none(
    runners: list[RunnerState], word: VerdictStatus, breached: bool, clear: bool
) -> None:
    verdict = judged(a_history(runners=runners), "W5/us-east")
    assert (verdict.verdict, verdict.breached, verdict.clear) == (word, breached, clear)


# Messages: W4


def a_backlog(seconds: float, **facts: Any) -> Backlog:
    since = NOW - timedelta(seconds=seconds)
    return Backlog(
        **{"destination": "slack", "since": since, "messages": 2, "tried": True, "error": "answered 503", **facts}
    )


@pytest.mark.parametrize(
    ("facts", "breached", "clear", "said"),
    [
        ({}, False, True, "every destination takes messages"),
        ({"backlogs": [a_backlog(100)]}, False, False, "every destination takes messages"),
        (
            {"backlogs": [a_backlog(180)]},
            True,
            False,
            "1 destination does not take messages: slack: 2 messages tried in vain for 3 min (answered 503)",
        ),
        ({"backlogs": [a_backlog(50, tried=False, error=None)]}, False, True, "every destination takes messages"),
        (
            {"backlogs": [a_backlog(90, tried=False, error=None, messages=1)]},
            True,
            False,
            "1 destination does not take messages: slack: 1 message waiting for 1.5 min without an answer",
        ),
        (
            {"backlogs": [a_backlog(180)], "undeliverable": {"hook": "answered 404", "slack": "answered 410"}},
            True,
            False,
            "2 destinations do not take messages: hook: answered 404; slack: answered 410",
        ),
    ],
)
def test_a_destination_that_does_not_get_its_messages_is_told_with_the_reason(
    facts: dict[str, Any], breached: bool, clear: bool, said: str
) -> None:
    verdict = judged(a_history(passes("us-east", 1), **facts), "W4")
    assert (verdict.breached, verdict.clear, verdict.summary) == (breached, clear, said)
    assert verdict.severity is Severity.CRITICAL


@pytest.mark.parametrize("tried", [True, False])
def test_what_waited_while_no_hub_ran_is_not_late_when_one_has_just_started(tried: bool) -> None:
    waiting = a_backlog(3600, tried=tried)
    for started_s_ago, breached in ((10, False), (180, True)):
        history = a_history(backlogs=[waiting], watching_since=NOW - timedelta(seconds=started_s_ago))
        assert judged(history, "W4").breached is breached


def test_no_faster_clock_makes_a_receiver_faster() -> None:
    shipped = the_targets()
    assert shipped.scaled(5).rules()["W4"] == shipped.rules()["W4"]


def test_a_faster_clock_waits_for_a_result_as_long_as_a_run_takes() -> None:
    shipped, faster = the_rule("W2"), the_rule("W2", the_targets().scaled(5))
    assert (faster.s("settle"), faster.s("window")) == (shipped.s("settle"), shipped.s("window") / 5)
