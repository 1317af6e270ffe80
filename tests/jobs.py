"""Jobs for tests, and journeys written on the spot."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

from facts import Run
from journeys.site import Site
from runner.attempt.job import Job
from runner.attempt.start import make_run

HEADER = "from journeys.visit import SiteBroken, Kind, Visit, journey\n\n\n"


def a_job(folder: Path, url: str, journey: str = "look", **changes: Any) -> Job:
    """A job whose evidence goes into `folder` and whose confirmation comes at once."""
    values: dict[str, Any] = {
        "run_id": "test-run",
        "journey": journey,
        "location": "local",
        "site": Site(base_url=url, cities={"Dallas": "dallas-jan-2026"}),
        "evidence": str(folder / "evidence"),
        "confirm_after_s": 0.1,
        "journeys_dir": str(folder),
        "sandbox": False,
    }
    return Job(**{**values, **changes})


def a_journey(
    folder: Path, body: str, *, steps: str = '("open", "look")', options: str = "", name: str = "look"
) -> Path:
    """Write a journey named `look` (or `name`) whose function has this body."""
    head = f'@journey(title="A test", steps={steps}, {options})\ndef {name}(visit: Visit) -> None:\n'
    file = folder / f"{name}.py"
    file.write_text(HEADER + head + textwrap.indent(textwrap.dedent(body).strip("\n"), "    ") + "\n")
    return file


# The product's own journeys with less patience in a step, so that what never comes is soon given up; and the last part of one, by
# the same page objects, for faults that begin at the till.
_QUICK = """
from dataclasses import replace

from journeys.ga_purchase import ga_purchase
from journeys.pages import CheckoutPage, RegistrationPage, SuccessPage
from journeys.vip_member_discount import vip_member_discount
from journeys.visit import Visit, journey

patience = dict(step_s={step_s}, deadline_s={deadline_s}, slow_after_s=min(30, {deadline_s}))
quick_ga = replace(ga_purchase, name="quick_ga", **patience, file=__file__)
quick_vip = replace(vip_member_discount, name="quick_vip", **patience, file=__file__)


@journey(title="A guest pays", steps=("fill_in", *ga_purchase.steps[-3:]), **patience)
def quick_till(visit: Visit) -> None:
    site = visit.site
    registration, checkout, success = RegistrationPage(visit), CheckoutPage(visit), SuccessPage(visit)
    with visit.step("fill_in"):
        visit.go(site.url(f"/register?city={{site.city_id}}&type=GA&quantity=1"))
        registration.is_open()
        registration.fill_in(site.buyer, email=site.email_for(visit.run_id))
    with visit.step("proceed_to_stripe"):
        registration.proceed_to_payment()
        checkout.is_open()
        checkout.charges(site.prices.ga)
    assert checkout.reason_not_to_pay() is None
    with visit.step("complete_test_payment"):
        checkout.pay(site.card)
    with visit.step("verify_success_page"):
        success.is_open()
        success.is_paid(checkout.session_id, site.prices.ga)
"""

LOOK = """
    page = visit.page
    with visit.step("open"):
        visit.go(visit.site.url("/"))
    with visit.step("look"):
        visit.see(page.get_by_role("button", name="Buy"))
"""


def walk(
    folder: Path, url: str, body: str = LOOK, *, options: str = "slow_after_s=3, deadline_s=9, step_s=3", **changes: Any
) -> Run:
    """Write a journey, run it once at a site, and return the record; a failure is confirmed only where asked for."""
    a_journey(folder, body, options=options)
    return make_run(a_job(folder, url, **{"confirm": False, **changes}))


def quick_journeys(folder: Path, *, step_s: float, deadline_s: float = 90) -> Path:
    """Write `quick_ga`, `quick_vip` and `quick_till`, which give up a step after `step_s` seconds and all of it after `deadline_s`."""
    file = folder / "quick.py"
    file.write_text(_QUICK.format(step_s=step_s, deadline_s=deadline_s))
    return file
