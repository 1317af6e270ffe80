"""What `sixfb check` says of the request budget: what runners would miss for it, by the functions with which they miss it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from cli import hub_config, settings
from cli.command_error import without_store
from config import Complaint, ConfigError
from facts import PlannedJourney, Run, Status, missed_word
from journeys.site import RequestBudget
from runner.budget import Want, cost_of, missed_by_plan, sum_of, wanted_in_a_window

_RECENT = timedelta(days=1)
_MOST_MISSED = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class LocationBudget:
    """What one location asks of the site.

    `planned` are its journeys and `costs` what a run of each costs: as its last good run here was counted, else as the journey says;
    a journey that has done neither is in `unknown`. `allowed` is what the site allows: the number of `site.yaml`, or the smaller one
    that the site itself `told`; None where `site.yaml` names none. `missed` slots were missed for the budget within the last day.
    """

    location: str
    planned: Sequence[PlannedJourney]
    allowed: RequestBudget | None
    costs: Mapping[str, int] = field(default_factory=dict)
    told: int | None = None
    missed: int = 0

    @property
    def unknown(self) -> list[str]:
        """The journeys with an unknown cost."""
        return [p.journey for p in self.planned if p.journey not in self.costs]


def check() -> None:
    """Refuse a schedule for which the budget is too small, even if every run passed at once. Raises ConfigError, CommandError."""
    file = str(settings.config_file("locations.yaml"))
    wrong = [
        Complaint(file=file, key="journeys", what=what, hint=_hint(budget))
        for budget in _location_budgets()
        if (what := _what_is_wrong(budget))
    ]
    if too_much := _too_much_of_the_hub():
        wrong.append(too_much)
    if wrong:
        raise ConfigError(*wrong)


def lines() -> list[str]:
    """Return the arithmetic for the reader of `sixfb check`. Raises ConfigError, CommandError."""
    budgets = _location_budgets()
    named = settings.read_site([]).request_budget
    told = sorted({budget.told for budget in budgets if budget.told is not None})
    found = (
        _arithmetic(budgets)
        if named
        else ["request budget  none in site.yaml: runners keep to what the site itself tells"]
    )
    if told:
        found.append(
            f"                the site tells a limit of {' or '.join(map(str, told))} requests by its rate-limit headers"
        )
    if named and (asked := _asked_by_the_hub(named)):
        found.append(
            f"hub             {_sum_of_the_hub(asked, named)}; at a runner's address they come on top of its own"
        )
    for journey in _unknown(budgets):
        found.append(
            f"not known       what a run of {journey} costs: let it run once, or write what it costs into it, @journey(..., requests=N)"
        )
    for budget in budgets:
        if budget.missed:
            slots = "1 slot was" if budget.missed == 1 else f"{budget.missed} slots were"
            found.append(
                f"missed          at {budget.location} {slots} missed for the request budget within the last day"
            )
    return found


def doubts() -> str | None:
    """Return what keeps a configuration without a mistake from being well; None where nothing does.

    Raises ConfigError, CommandError.
    """
    budgets = _location_budgets()
    if any(budget.missed for budget in budgets):
        return "slots are missed for the request budget"
    return "whether the request budget is enough is not known" if _unknown(budgets) else None


def _asked_by_the_hub(allowed: RequestBudget) -> list[Want]:
    """Return how many requests the hub's sources send to the site within a window. Raises ConfigError, CommandError."""
    from hub.collect import source_settings
    from sources import configured_sources

    found = []
    for source in configured_sources(source_settings(hub_config.read_watched())):
        with closing(source):
            readings = math.ceil(allowed.window_s / source.every_s)
            if source.site_requests:
                found.append(Want(journey=source.name, slots=readings, cost=source.site_requests))
    return found


def _sum_of_the_hub(asked: Sequence[Want], allowed: RequestBudget) -> str:
    total = sum(want.requests for want in asked)
    return f"asks {total} of {allowed.requests} requests in {allowed.window_s / 60:g} minutes ({sum_of(asked)})"


def _too_much_of_the_hub() -> Complaint | None:
    """Return the complaint that the hub's checks send more requests than the site allows; none if only the inventory is too much."""
    site = settings.read_site([])
    if site.request_budget is None or site.endpoint_checks is None:
        return None
    asked = _asked_by_the_hub(site.request_budget)
    if sum(want.requests for want in asked) <= site.request_budget.requests:
        return None
    return Complaint(
        file=str(settings.config_file("site.yaml")),
        key="endpoint_checks",
        what=f"the hub {_sum_of_the_hub(asked, site.request_budget)}, which the site allows one address",
        hint="check fewer paths, or less often (`every`), or raise request_budget.requests if the site allows more",
    )


def _unknown(budgets: Sequence[LocationBudget]) -> list[str]:
    return sorted({journey for budget in budgets if budget.allowed for journey in budget.unknown})


def _what_is_wrong(budget: LocationBudget) -> str | None:
    allowed = budget.allowed
    if allowed is None:
        return None
    wants = wanted_in_a_window(budget.planned, budget.costs, allowed)
    window = f"{allowed.requests} requests that the site allows one address in {allowed.window_s / 60:g} minutes"
    for want in wants:
        if want.cost > allowed.requests:
            return (
                f"{budget.location} could not finish a run of {want.journey}, which takes {want.cost} of the {window}"
            )
    total = sum(want.requests for want in wants)
    if total <= allowed.requests:
        return None
    misses = missed_by_plan(budget.planned, budget.costs, allowed)
    missed = f": it would miss {' and '.join(map(str, misses))}" if misses else ""
    return f"{budget.location} would ask {total} of the {window} ({sum_of(wants)}){missed}"


def _hint(budget: LocationBudget) -> str:
    named = settings.read_site([]).request_budget
    if budget.allowed and named and budget.allowed.requests < named.requests:
        return f"buy less often there: the site's own headers tell {budget.told}, whatever request_budget in site.yaml says"
    return (
        "buy less often there, or raise request_budget.requests in site.yaml if the site allows more; "
        "write `request_budget: off` there if it has no limit"
    )


def _arithmetic(budgets: Sequence[LocationBudget]) -> list[str]:
    """Lines that show the request budget: the location with the most requests per window, how many locations may share one IP
    address, and whether second attempts still fit."""
    most, total = None, 0
    for budget in budgets:
        wants = wanted_in_a_window(budget.planned, budget.costs, budget.allowed) if budget.allowed else []
        wanted = sum(want.requests for want in wants)
        if budget.allowed and wanted > total:
            most, total, allowed, shown = budget, wanted, budget.allowed, sum_of(wants)
    if most is None:
        return []
    window = f"{allowed.requests} requests in {allowed.window_s / 60:g} minutes"
    fits = allowed.requests // total
    share = "no two locations may share an address" if fits == 1 else f"{fits} locations may share an address"
    files = "pages, calls and files" if allowed.static_files else "pages and calls, no files"
    found = [f"request budget  {total} of {window} at one address ({shown}); {share}; counted are {files}"]
    if 2 * total > allowed.requests:
        found.append(
            f"tight           while every run fails, confirming each would take {2 * total} of {window}: some are left unconfirmed"
        )
    return found


def _location_budgets() -> list[LocationBudget]:
    """Return every location, with what the hub's database knows of its runs. Raises ConfigError, CommandError."""
    named, watched = settings.read_site([]).request_budget, hub_config.read_watched()
    declared = {journey.name: journey.requests for journey in hub_config.known_journeys().values() if journey.requests}
    plans = {location: watched.plan_for(location).journeys for location in watched.locations.locations}
    known = _read_known(plans, shown_url=watched.site.shown_url)
    found = []
    for location, planned in plans.items():
        good = {p.journey: known.good[location, p.journey] for p in planned if (location, p.journey) in known.good}
        limits = [run.attempts[-1].requests_limit for run in good.values()]
        told = min((limit for limit in limits if limit is not None), default=None)
        costs = {**declared, **{name: cost_of(run.attempts[-1], named) for name, run in good.items()}}
        found.append(
            LocationBudget(
                location=location,
                planned=planned,
                allowed=replace(named, requests=min(named.requests, told or named.requests)) if named else None,
                costs={p.journey: costs[p.journey] for p in planned if p.journey in costs},
                told=told,
                missed=known.missed.get(location, 0),
            )
        )
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """Holds the last good run of each location and journey, and how many slots of each location the budget caused to be missed."""

    good: Mapping[tuple[str, str], Run] = field(default_factory=dict)
    missed: Mapping[str, int] = field(default_factory=dict)


def _read_known(plans: Mapping[str, Sequence[PlannedJourney]], *, shown_url: str) -> _Known:
    """Read the hub's database, if there is one. Raises ConfigError, CommandError."""
    from store import StoreError, runs

    if not hub_config.has_database(settings.database_url()):
        return _Known()
    now = datetime.now(UTC)
    good: dict[tuple[str, str], Run] = {}
    missed: dict[str, int] = {}
    with closing(hub_config.open_database()) as store:
        try:
            with store.read() as connection:
                if not runs.are_kept(connection):
                    return _Known()
                for location, planned in plans.items():
                    for p in planned:
                        run = runs.last_good(connection, journey=p.journey, location=location, before=now)
                        # What runs cost at another site says nothing of this one.
                        if run and run.site == shown_url and run.attempts:
                            good[location, p.journey] = run
                    lately = runs.latest(connection, location=location, status=Status.MISSED, limit=_MOST_MISSED)
                    missed[location] = sum(
                        one.started_at >= now - _RECENT and missed_word(one.error) == "budget" for one in lately
                    )
        except StoreError as error:
            raise without_store(error) from None
    return _Known(good=good, missed=missed)
