"""The way between us and the site is at fault, and ours is not known to be."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from facts import Blame, Run, Status
from tests.blame.labelled.site import OPEN
from tests.blame.sockets import a_closed_port, a_full_port, a_name_server, a_port, resets
from tests.blame.stage import Case, Stage
from tests.blame.toll import Rule, never
from tests.sites import a_site


def _case(name: str, how: str, provoke: Callable[[Stage], Run]) -> Case:
    return Case(name, how, Status.FAILED, Blame.NETWORK, provoke)


@contextmanager
def living_canaries() -> Iterator[list[str]]:
    """One that lives and one that does not."""
    with a_site({"/": "well"}) as site:
        yield [f"tcp://127.0.0.1:{a_closed_port()}", site.url]


def dead_canaries() -> list[str]:
    """None of which answers."""
    return [f"tcp://127.0.0.1:{a_closed_port()}", f"dns://127.0.0.1:{a_closed_port()}"]


def _with_living(url: str) -> Callable[[Stage], Run]:
    def provoke(stage: Stage) -> Run:
        with living_canaries() as canaries:
            return stage.look(url, canaries=canaries)

    return provoke


def _resets(stage: Stage) -> Run:
    with a_port(resets) as port, living_canaries() as canaries:
        return stage.look(f"http://127.0.0.1:{port}", canaries=canaries)


def _drops(stage: Stage) -> Run:
    with a_full_port() as port, living_canaries() as canaries:
        return stage.look(f"http://127.0.0.1:{port}", canaries=canaries)


def _name_server_lives(stage: Stage) -> Run:
    with a_port(a_name_server(code=3)) as port:
        canaries = [f"tcp://127.0.0.1:{a_closed_port()}", f"dns://127.0.0.1:{port}"]
        return stage.look(f"http://127.0.0.1:{a_closed_port()}", canaries=canaries)


NO_NAME = "http://no-such-shop.invalid"

CASES = (
    _case("no_name", "the shop's name does not resolve; a canary lives", _with_living(NO_NAME)),
    _case(
        "refused",
        "the shop's port refuses; a canary lives",
        lambda s: _with_living(f"http://127.0.0.1:{a_closed_port()}")(s),
    ),
    _case(
        "refused_no_canary",
        "the shop's port refuses, and no canary is configured",
        lambda s: s.look(f"http://127.0.0.1:{a_closed_port()}"),
    ),
    _case("refused_dns_lives", "the shop's port refuses; of the canaries a name server answers", _name_server_lives),
    _case("reset_first", "the connection is reset before the shop gave any answer", _resets),
    _case("dropped", "packets to the shop are dropped without a word; a canary lives", _drops),
    _case("unroutable", "there is no route to the shop's address", _with_living("http://[100::1]:8080")),
    _case(
        "lost_on_the_way",
        "the pages came well, then the checkout is not answered and every canary fails",
        lambda s: s.buy(Rule("POST", OPEN, never), canaries=dead_canaries()),
    ),
)
