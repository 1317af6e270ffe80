"""Metrics of the journeys' runs: each with the function that says what one run adds to it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

from facts import Labels, Metric, MetricKind, Outcome, Status, labels
from metrics.counting import Class, class_of

PAYMENT_STEPS = ("proceed_to_stripe", "complete_test_payment", "verify_success_page")
_DAY_S, _HOUR_S = 86_400, 3600


class Observation(NamedTuple):
    """Holds what a run adds to a series. `value` is 1 or 0 for a rate, else a measured value, None for a result that is left out and
    only lowers coverage."""

    labels: Labels
    value: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunMetric:
    """A metric of runs. `observe` returns what a run adds; it is told whether a network failure of this run counts as bad.

    `needs_details` is whether it looks at requests, vitals or steps, which are kept as long as the run itself.
    """

    metric: Metric
    observe: Callable[[Outcome, bool], Iterable[Observation]]
    needs_details: bool = False


def _place(outcome: Outcome) -> Labels:
    return labels(journey=outcome.journey, location=outcome.location)


def _first_class(outcome: Outcome, network_counts: bool) -> Class:
    return class_of(outcome.first_status or outcome.status, outcome.first_blame, network_counts=network_counts)


def _share(its: Labels, found: Class) -> Iterator[Observation]:
    if found is not Class.SKIPPED:
        yield Observation(its, None if found is Class.LEFT_OUT else float(found is Class.GOOD))


def _success(outcome: Outcome, network_counts: bool) -> Iterator[Observation]:
    yield from _share(_place(outcome), _first_class(outcome, network_counts))


def _web(outcome: Outcome, network_counts: bool) -> Iterator[Observation]:
    found = _first_class(outcome, network_counts)
    in_payment = outcome.first_failed_step in PAYMENT_STEPS
    yield from _share(_place(outcome), Class.GOOD if found is Class.BAD and in_payment else found)


def _payment(outcome: Outcome, network_counts: bool) -> Iterator[Observation]:
    """Return how a run counts for payments: one that failed before its payment, or stopped there on purpose, tried none."""
    found = _first_class(outcome, network_counts)
    has_steps = PAYMENT_STEPS[1] in outcome.steps and PAYMENT_STEPS[1] not in outcome.skipped
    tried = has_steps if found is Class.GOOD else outcome.first_failed_step in PAYMENT_STEPS
    if tried:
        yield from _share(_place(outcome), found)


def _coverage(outcome: Outcome, _: bool) -> Iterator[Observation]:
    if outcome.status is not Status.SKIPPED:
        unmeasured = outcome.status in (Status.MISSED, Status.ERRORED, Status.BLOCKED)
        yield Observation(_place(outcome), 0.0 if unmeasured else 1.0)


def _duration(outcome: Outcome, _: bool) -> Iterator[Observation]:
    if outcome.status is Status.PASSED:
        yield Observation(_place(outcome), outcome.duration_ms / 1000)


def _steps(outcome: Outcome, _: bool) -> Iterator[Observation]:
    if outcome.status is Status.PASSED:
        for name, took_ms in outcome.steps.items():
            yield Observation(labels(journey=outcome.journey, location=outcome.location, step=name), took_ms / 1000)


def _vital(name: str) -> Callable[[Outcome, bool], Iterator[Observation]]:
    scale = 1.0 if name == "CLS" else 1000.0

    def observe(outcome: Outcome, _: bool) -> Iterator[Observation]:
        for vital in outcome.vitals:
            if vital.name == name and vital.value is not None and not vital.cut:
                its = labels(journey=outcome.journey, location=outcome.location, page=vital.page)
                yield Observation(its, vital.value / scale)

    return observe


def _requests(outcome: Outcome, _: bool) -> Iterator[Observation]:
    for answer in outcome.requests:
        if answer.party == "first" and answer.duration_ms is not None and answer.status is not None:
            its = labels(endpoint=answer.endpoint, location=outcome.location, method=answer.method)
            yield Observation(its, answer.duration_ms / 1000)


def _request_errors(outcome: Outcome, _: bool) -> Iterator[Observation]:
    for answer in outcome.requests:
        if answer.party == "first" and answer.status is not None:
            its = labels(endpoint=answer.endpoint, location=outcome.location, method=answer.method)
            yield Observation(its, float(answer.status >= 500))


def _third_parties(outcome: Outcome, _: bool) -> Iterator[Observation]:
    for answer in outcome.requests:
        if answer.party != "first":
            yield Observation(labels(location=outcome.location, origin=answer.party), float(answer.failed))


def _rate(name: str, title: str, formula: str, *, names: tuple[str, ...], guide: str | None, window_s: int) -> Metric:
    return Metric(
        name=name,
        title=title,
        unit="ratio",
        kind=MetricKind.RATE,
        labels=names,
        source="runs",
        window_s=window_s,
        formula=formula,
        guide=guide,
    )


def _times(
    name: str, title: str, formula: str, *, names: tuple[str, ...], guide: str | None, unit: str = "seconds"
) -> Metric:
    return Metric(
        name=name,
        title=title,
        unit=unit,
        kind=MetricKind.DURATION,
        labels=names,
        source="runs",
        window_s=_DAY_S if name.startswith("web_vital") else _HOUR_S,
        formula=formula,
        guide=guide,
    )


_PLACE = ("journey", "location")
_PAGE = ("journey", "location", "page")
_REQUEST = ("endpoint", "location", "method")
_VITALS = (
    ("LCP", "Largest contentful paint", "seconds", '"LCP": "2.5s",'),
    ("CLS", "Cumulative layout shift", "score", '"CLS": "0.1"'),
    ("INP", "Interaction to next paint", "seconds", None),
    ("FID", "First input delay (a retired vital)", "seconds", '"FID": "100ms",'),
    ("FCP", "First contentful paint", "seconds", None),
    ("TTFB", "Time to first byte", "seconds", None),
)

METRICS: tuple[RunMetric, ...] = (
    RunMetric(
        metric=_rate(
            "journey_success_ratio",
            "Success rate of a journey",
            "first attempts that passed / first attempts that say something of the site",
            names=_PLACE,
            guide='success_rate: "99%"',
            window_s=30 * _DAY_S,
        ),
        observe=_success,
    ),
    RunMetric(
        metric=_rate(
            "web_availability_ratio",
            "Availability of the web application",
            "first attempts that did not fail before their payment / first attempts that say something of the site",
            names=_PLACE,
            guide="| Web Application | 99.9% | <99.5% | <99% |",
            window_s=30 * _DAY_S,
        ),
        observe=_web,
    ),
    RunMetric(
        metric=_rate(
            "payment_availability_ratio",
            "Availability of payment, by test purchases",
            f"first attempts that passed / those that came as far as {PAYMENT_STEPS[0]}; runs that stop before payment are left out",
            names=_PLACE,
            guide="| Payment Processing | 99.95% | <99.8% | <99.5% |",
            window_s=30 * _DAY_S,
        ),
        observe=_payment,
        needs_details=True,
    ),
    RunMetric(
        metric=_rate(
            "journey_coverage_ratio",
            "Coverage of a journey",
            "slots with a result that says something / all slots but skipped ones; missed, errored and blocked ones say nothing",
            names=_PLACE,
            guide=None,
            window_s=_HOUR_S,
        ),
        observe=_coverage,
    ),
    RunMetric(
        metric=_times(
            "journey_duration_seconds",
            "Duration of a journey",
            "time of all steps of each run that passed",
            names=_PLACE,
            guide='duration: "30s",',
        ),
        observe=_duration,
    ),
    RunMetric(
        metric=_times(
            "step_duration_seconds",
            "Duration of a step",
            "time of each step of the first attempt of each run that passed",
            names=("journey", "location", "step"),
            guide=None,
        ),
        observe=_steps,
        needs_details=True,
    ),
    *(
        RunMetric(
            metric=_times(
                f"web_vital_{name.lower()}_{unit}",
                title,
                f"{name} of each page of first attempts; a page that was touched before it came to rest is left out",
                names=_PAGE,
                guide=guide,
                unit=unit,
            ),
            observe=_vital(name),
            needs_details=True,
        )
        for name, title, unit, guide in _VITALS
    ),
    RunMetric(
        metric=_times(
            "browser_request_seconds",
            "Response time of an endpoint, seen by the browser",
            "time of each request of first attempts to the site itself that got an answer",
            names=_REQUEST,
            guide="- Response times >5 seconds (P95)",
        ),
        observe=_requests,
        needs_details=True,
    ),
    RunMetric(
        metric=_rate(
            "browser_request_5xx_ratio",
            "Error rate of an endpoint, seen by the browser",
            "answers with status 500 or more / all answers of the site itself in first attempts",
            names=_REQUEST,
            guide='metric: "api_error_rate_5xx",',
            window_s=_HOUR_S,
        ),
        observe=_request_errors,
        needs_details=True,
    ),
    RunMetric(
        metric=_rate(
            "third_party_failure_ratio",
            "Failure rate of a third party",
            "requests to an origin that failed or got status 400 or more / all requests to it in first attempts",
            names=("location", "origin"),
            guide="- Third-party service failures",
            window_s=900,
        ),
        observe=_third_parties,
        needs_details=True,
    ),
)
