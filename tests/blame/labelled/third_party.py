"""Somebody else's service is at fault: Stripe's page, or a script that the page cannot do without."""

from __future__ import annotations

from collections.abc import Callable

from facts import Blame, Run, Status
from tests.blame.sockets import a_closed_port, a_port, says_nothing
from tests.blame.stage import Case, Stage
from tests.blame.toll import Effect, Rule, answers, garbage, never
from tests.sites import Page, a_site

PAY = r"/c/pay/.*"
CONFIRM = r"/v1/payment_pages/.*/confirm"
NEEDS_IT = (
    "<h1>Shop</h1><div id=root></div><script src='{url}/kit.js'></script>"
    "<script>Kit.button(document.getElementById('root'))</script>"
)


def _case(name: str, how: str, provoke: Callable[[Stage], Run], status: Status = Status.FAILED) -> Case:
    return Case(name, how, status, Blame.THIRD_PARTY, provoke)


def _stripe(name: str, how: str, method: str, path: str, effect: Effect) -> Case:
    return _case(name, how, lambda stage: stage.buy(stripe=(Rule(method, path, effect),)))


def _kit(page: Page) -> Callable[[Stage], Run]:
    def provoke(stage: Stage) -> Run:
        with a_site({"/kit.js": page}) as other:
            return stage.look_at({"/": NEEDS_IT.format(url=other.url)})

    return provoke


def _late(stage: Stage) -> Run:
    body = """
        with visit.step("open"):
            visit.go(visit.site.url("/"))
        with visit.step("look"):
            visit.page.get_by_role("link").click(no_wait_after=True)
            visit.see(visit.page.get_by_text("Pay"))
    """
    with a_port(says_nothing) as port:
        page = f"<a href='http://127.0.0.1:{port}/c/pay'>Go</a>"
        return stage.look_at({"/": page}, body=body, options="slow_after_s=1, deadline_s=5")


CASES = (
    _case("declined_card", "Stripe declines the card", lambda s: s.buy(faults=("declined_card",))),
    _stripe("stripe_500", "Stripe's page answers 500", "GET", PAY, answers(500, "<html>Something went wrong")),
    _stripe("stripe_404", "Stripe's page does not know the session", "GET", PAY, answers(404, "<html>Not found")),
    _stripe("stripe_silent", "Stripe's page is never answered", "GET", PAY, never),
    _stripe("stripe_garbage", "Stripe's host sends no HTTP", "GET", PAY, garbage),
    _case("stripe_refused", "Stripe's host refuses", lambda s: s.buy(stripe_at=f"http://127.0.0.1:{a_closed_port()}")),
    _case("stripe_no_name", "Stripe's name does not resolve", lambda s: s.buy(stripe_at="http://checkout.invalid")),
    _stripe("stripe_no_script", "the script of Stripe's page is not there", "GET", r".*\.js", answers(404, "no")),
    _stripe(
        "confirm_500",
        "Stripe answers the payment with 500",
        "POST",
        CONFIRM,
        answers(500, "{}", kind="application/json"),
    ),
    _stripe("confirm_silent", "Stripe never answers the payment", "POST", CONFIRM, never),
    _case("kit_503", "a third party's script that the page needs answers 503", _kit(Page("down", status=503))),
    _case(
        "kit_throws",
        "a third party's script that the page needs throws",
        _kit(Page("throw new RangeError('quota')", kind="text/javascript")),
    ),
    _case("stripe_too_slow", "Stripe is silent until the journey's time is up", _late, Status.TIMED_OUT),
)
