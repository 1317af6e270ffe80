"""Something is broken, and a buyer gets through all the same: the run has to pass."""

from __future__ import annotations

from facts import Status
from tests.blame.labelled.site import DATA
from tests.blame.sockets import a_closed_port
from tests.blame.stage import GA, Case
from tests.blame.toll import Rule, answers


def _case(name: str, how: str, provoke: object) -> Case:
    return Case(name, how, Status.PASSED, None, provoke)  # type: ignore[arg-type]


CASES = (
    _case(
        "third_party_down",
        "a third party's script answers 503",
        lambda s: s.buy(faults=("third_party_down",), journey=GA),
    ),
    _case("js_error", "a script of the page throws", lambda s: s.buy(faults=("js_error",), journey=GA)),
    _case(
        "script_refused",
        "a third party's script is refused",
        lambda s: s.look_at(
            {"/": f"<button>Buy</button><script src='http://127.0.0.1:{a_closed_port()}/a.js'></script>"}
        ),
    ),
    _case(
        "data_500",
        "the next page's data answers 500, and the shop loads the page whole",
        lambda s: s.buy(Rule("GET", DATA, answers(500, "no")), journey=GA),
    ),
    _case("layout_shift", "a banner pushes the page down", lambda s: s.buy(faults=("layout_shift",))),
)
