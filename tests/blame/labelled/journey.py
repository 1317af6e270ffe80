"""Our script does not fit the page any more, or is wrong in itself."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from facts import Blame, Run, Status
from runner.attempt.job import Job
from runner.attempt.start import make_run
from tests.blame.labelled.site import HOME, SCRIPT
from tests.blame.stage import GA, VIP, Case, Stage
from tests.blame.toll import Rule, adds, edits

REMOVED = edits(("button(`Secure Your ${city.name}", "null && button(`Secure Your ${city.name}"))
OTHER_FIELD = edits(
    ("Verify Membership", "Check"),
    ('type: "email", placeholder: "Enter your 6FB registered email"', 'placeholder: "Who are you"'),
)
RENAMED = edits(("Proceed to Payment", "Take me to the till"))


def _case(name: str, how: str, provoke: Callable[[Stage], Run]) -> Case:
    return Case(name, how, Status.FAILED, Blame.JOURNEY, provoke)


def _own(name: str, how: str, body: str) -> Case:
    return _case(name, how, lambda stage: stage.look_at({"/": "<button>Buy</button>"}, body=body))


def _does_not_load(text: str) -> Callable[[Stage], Run]:
    def provoke(stage: Stage) -> Run:
        def make(job: Job) -> Run:
            Path(job.journeys_dir or "", "look.py").write_text(text)
            return make_run(job)

        return stage.look("http://127.0.0.1:9", make=make)

    return provoke


OPENED = 'with visit.step("open"):\n    visit.go(visit.site.url("/"))\n'

CASES = (
    _case("renamed", "the button to pay has another name", lambda s: s.buy(Rule("GET", SCRIPT, RENAMED))),
    _case(
        "removed",
        "the button to buy is gone, and nothing says why",
        lambda s: s.buy(Rule("GET", SCRIPT, REMOVED), journey=GA),
    ),
    _case(
        "renamed_field",
        "the member's field and its button have other names",
        lambda s: s.buy(Rule("GET", SCRIPT, OTHER_FIELD), journey=VIP),
    ),
    _case(
        "renamed_beside_a_dead_script",
        "the button has another name; a third party's script, which never mattered, is down as well",
        lambda s: s.buy(Rule("GET", SCRIPT, RENAMED), faults=("third_party_down",), journey=GA),
    ),
    _case(
        "renamed_beside_an_exception",
        "the button has another name; a script throws on every page, which never mattered",
        lambda s: s.buy(Rule("GET", SCRIPT, RENAMED), faults=("js_error",), journey=GA),
    ),
    _case(
        "covered",
        "a banner covers the page, and the script does not close it",
        lambda s: s.buy(
            Rule(
                "GET",
                HOME,
                adds("<style>body::after{content:'We value your privacy';position:fixed;inset:0;z-index:9999}</style>"),
            ),
            journey=GA,
        ),
    ),
    _case(
        "twice",
        "a control is there twice, and the script cannot tell which is meant",
        lambda s: s.look_at(
            {"/": "<button>Buy</button><button>Buy</button>"},
            body=OPENED + 'with visit.step("look"):\n    visit.page.get_by_role("button", name="Buy").click()',
        ),
    ),
    _own("raises", "the script raises", OPENED + 'with visit.step("look"):\n    {}["price"]'),
    _own(
        "raises_between",
        "the script raises between its steps",
        OPENED + 'nonsense()\nwith visit.step("look"):\n    pass',
    ),
    _own("forgets_a_step", "the script leaves a step out without a word", OPENED),
    _own("unknown_step", "the script walks a step that it does not list", 'with visit.step("opne"):\n    pass'),
    _case(
        "syntax",
        "the journey's file is no Python",
        _does_not_load("from journeys.visit import journey\nthis is no Python\n"),
    ),
    _case("no_import", "the journey's file imports what is not there", _does_not_load("import nothing_of_that_name\n")),
)
