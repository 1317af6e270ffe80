"""Where the labelled faults are played: the demo with a gate before its shop and one before Stripe, and small sites."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser

from demo import Demo
from facts import Blame, Run, Status
from runner.attempt.job import Job, new_run_id
from tests.acceptance.conftest import a_purchase
from tests.blame.toll import Effect, Rule, Toll, a_toll
from tests.builders import A_MOMENT
from tests.jobs import LOOK, a_job, a_journey, quick_journeys
from tests.sites import Page, a_site
from tests.warm import Make, warm_runs

GA, VIP, TILL = "quick_ga", "quick_vip", "quick_till"
STEP_S = 12


@dataclass(frozen=True)
class Case:
    """One fault: what it is called, how it is provoked in words, what a run has to say of it, and the provoking itself.

    `in_the_table`: the table of faults makes the same run, and holds it to the same status and blame.
    """

    name: str
    how: str
    status: Status
    blame: Blame | None
    provoke: Callable[[Stage], Run]
    in_the_table: bool = False

    @property
    def expected(self) -> str:
        """The class of the matrix."""
        return class_of(self.status, self.blame)


def class_of(status: Status, blame: Blame | None) -> str:
    """The class that a result falls into: one of the five blames, `blocked` or `passed`."""
    if status in (Status.PASSED, Status.BLOCKED):
        return status.value
    return blame.value if blame else status.value


@dataclass
class Stage:
    """A demo, its gates, a folder, and a browser for all faults. One is played at a time; afterwards everything is mended."""

    demo: Demo
    warm: Make
    shop: Toll
    stripe: Toll
    folder: Path
    _played: int = field(default=0, repr=False)

    def buy(
        self,
        *rules: Rule,
        journey: str = TILL,
        faults: tuple[str, ...] = (),
        stripe: tuple[Rule, ...] | None = None,
        stripe_at: str | None = None,
        step_s: float | None = None,
        deadline_s: float = 90,
        **changes: Any,
    ) -> Run:
        """Walk a journey at the shop.

        `rules` break what the shop answers, `stripe` what Stripe's own page answers; `stripe_at` sends the buyer to another
        address instead of Stripe's. `step_s` and `deadline_s` are the journey's patience. `changes` are the job's.
        """
        for name in faults:
            self.demo.faults.start(name)
        away = stripe_at or (self.stripe.url if stripe is not None else None)
        rewrite = (Rule("POST", "/api/create-checkout-session", sends_to(self.demo.stripe_url, away)),) if away else ()
        self.shop.rules, self.stripe.rules = (*rewrite, *rules), stripe or ()
        try:
            return self.warm(self.job(journey, step_s=step_s or STEP_S, deadline_s=deadline_s, **changes))
        finally:
            self.shop.rules = self.stripe.rules = ()
            self.demo.faults.clear()

    def job(self, journey: str, *, step_s: float = STEP_S, deadline_s: float = 90, **changes: Any) -> Job:
        """The job of a purchase through the gate."""
        folder = self.a_folder()
        quick_journeys(folder, step_s=step_s, deadline_s=deadline_s)
        values = {"journeys_dir": str(folder), "trace": "off", **changes}
        site = {"base_url": self.shop.url, **values.pop("site", {})}
        return a_purchase(self.demo, journey, self.folder, site=site, **values)

    def look(
        self,
        url: str,
        body: str = LOOK,
        *,
        options: str = "slow_after_s=5, deadline_s=30, step_s=5",
        make: Make | None = None,
        **changes: Any,
    ) -> Run:
        """Walk a small journey, which opens `/` and looks for a Buy button, at any address. `make` is another way to make the run."""
        folder = self.a_folder()
        a_journey(folder, body, options=options)
        values = {"confirm": False, "trace": "off", "run_id": new_run_id("look", "local", A_MOMENT), **changes}
        return (make or self.warm)(a_job(folder, url, **values))

    def look_at(self, pages: Mapping[str, Page | str], **how: Any) -> Run:
        """The same at a small site."""
        with a_site(pages) as site:
            return self.look(site.url, **how)

    def a_folder(self) -> Path:
        """A folder of this fault's own."""
        self._played += 1
        folder = self.folder / f"fault-{self._played}"
        folder.mkdir()
        return folder


def sends_to(stripe: str, away: str | None) -> Effect:
    """The checkout's answer with another address of Stripe's page."""

    def effect(passing: Any) -> None:
        passing.replace(stripe, away)

    return effect


@contextmanager
def a_stage(demo: Demo, folder: Path, browser: Browser) -> Iterator[Stage]:
    """Open the gates before a demo. The runs are made in `browser`, each in a context of its own."""
    with a_toll(demo.shop_url) as shop, a_toll(demo.stripe_url) as stripe:
        yield Stage(demo=demo, warm=warm_runs(browser), shop=shop, stripe=stripe, folder=folder)
