"""What real shops break in, at the demo shop: the newer faults of its box, alone and beside something else.

A fault alone has its row in the table of faults (`tests/acceptance/table.py`), which makes the same run: here it is played by
`make blame` only.
"""

from __future__ import annotations

from collections.abc import Callable

from demo import FAULTS
from demo.shop.stand_ins import SECRET, SECRET_HEADER
from facts import Blame, Run, Status
from tests.acceptance.table import TABLE
from tests.blame.stage import GA, Case, Stage

_OLDER = (
    "payment_500",
    "checkout_403",
    "checkout_hang",
    "wrong_price",
    "verify_down",
    "discount_lost",
    "declined_card",
    "success_unpaid",
    "slow_page",
    "layout_shift",
    "js_error",
    "third_party_down",
    "inventory_negative",
    "blank_429",
)
"""Those that have their cases in the files of their classes, or say nothing about blame."""


def _alone(fault: str) -> Case:
    guest = TABLE[fault][0]
    status, blame = Status(guest.status), Blame(guest.blame) if guest.blame else None
    how = FAULTS[fault][0].lower() + FAULTS[fault][1:].rstrip(".")

    def provoke(stage: Stage) -> Run:
        return stage.buy(faults=(fault,), journey=GA, step_s=guest.step_s, deadline_s=guest.deadline_s)

    return Case(f"shop_{fault}", how, status, blame, provoke, in_the_table=True)


def _case(name: str, how: str, blame: Blame | None, provoke: Callable[[Stage], Run]) -> Case:
    return Case(name, how, Status.FAILED if blame else Status.PASSED, blame, provoke)


def _renamed_beside(fault: str) -> Callable[[Stage], Run]:
    return lambda stage: stage.buy(faults=("renamed_button", fault), journey=GA, step_s=6)


def _after_a_good_run(stage: Stage) -> Run:
    folder = str(stage.a_folder())
    good = stage.buy(faults=("cdn_always_down",), journey=GA, last_good=folder)
    assert good.status is Status.PASSED, good.error
    return stage.buy(faults=("cdn_always_down", "renamed_button"), journey=GA, step_s=6, last_good=folder)


CASES = (
    *(_alone(fault) for fault in FAULTS if fault not in _OLDER),
    _case(
        "shop_renamed_beside_telemetry",
        "the button to pay has another name; the telemetry is down on every page, which never mattered",
        Blame.JOURNEY,
        _renamed_beside("telemetry_down"),
    ),
    _case(
        "shop_renamed_beside_guest_401",
        "the button to pay has another name; a call answers every guest 401, which never mattered",
        Blame.JOURNEY,
        _renamed_beside("guest_401"),
    ),
    _case(
        "shop_renamed_beside_password",
        "the button to pay has another name; a login for returning customers stands beside the form",
        Blame.JOURNEY,
        _renamed_beside("guest_form_with_password"),
    ),
    _case(
        "shop_renamed_beside_dead_cdn",
        "the button to pay has another name; a third party's library is down, as in the last good run",
        Blame.JOURNEY,
        _after_a_good_run,
    ),
    _case(
        "shop_secret_header_sent",
        "the shop wants the header of a protected preview, and the buyer sends it",
        None,
        lambda stage: stage.buy(faults=("secret_header",), journey=GA, secret_headers={SECRET_HEADER: SECRET}),
    ),
    _case(
        "shop_sold_out_elsewhere",
        "Dallas is sold out, and the journey buys for Atlanta",
        None,
        lambda stage: stage.buy(
            faults=("sold_out",),
            journey=GA,
            site={"city": "Atlanta", "cities": {"Atlanta": "atlanta-feb-2026", "Dallas": "dallas-jan-2026"}},
        ),
    ),
)
