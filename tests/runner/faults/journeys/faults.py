"""Journeys that meet what a page, the machine or their own code can do to a buyer."""

import os
import re
import signal
import sys
import time
from collections.abc import Callable

import psutil

from facts import Purchase
from journeys.journey import Journey
from journeys.visit import Visit, journey


def met(
    path: str, then: Callable[[Visit], object], *, deadline_s: float = 3
) -> Callable[[Callable[[Visit], None]], Journey]:
    """A journey that opens a page and then does something; its function has nothing to add."""

    def made(named: Callable[[Visit], None]) -> Journey:
        def walk(visit: Visit) -> None:
            with visit.step("open"):
                visit.go(visit.site.url(path))
            with visit.step("look"):
                then(visit)

        walk.__name__ = named.__name__
        how = journey(
            title="A fault", steps=("open", "look"), slow_after_s=deadline_s, deadline_s=deadline_s, step_s=deadline_s
        )
        return how(walk)

    return made


def buys(visit: Visit) -> None:
    visit.press(visit.page.get_by_role("button", name="Buy"))
    visit.see(visit.page.get_by_text("Thank you"))


@met("/spins-when-clicked", buys)
def script_never_ends_after_a_click(visit: Visit) -> None: ...


@met("/", lambda visit: visit.go(visit.site.url("/spins")))
def script_never_ends_while_loading(visit: Visit) -> None: ...


@met("/", lambda visit: visit.page.evaluate("() => { while (true); }"))
def script_never_ends_in_evaluate(visit: Visit) -> None: ...


def asks_later(visit: Visit) -> None:
    visit.pump(1500)
    visit.page.title()


@met("/spins-later", asks_later)
def script_never_ends_under_a_question(visit: Visit) -> None: ...


@met("/", lambda visit: visit.page.evaluate("() => new Promise(() => {})"))
def promise_never_kept(visit: Visit) -> None: ...


@met("/", lambda visit: visit.page.evaluate("() => fetch('/silent').then(answer => answer.text())"))
def call_never_answered(visit: Visit) -> None: ...


@met("/", lambda visit: visit.page.goto("chrome://crash"))
def renderer_crashes(visit: Visit) -> None: ...


def leaves(visit: Visit) -> None:
    visit.press(visit.page.get_by_role("button", name="Buy"))
    visit.go(visit.site.url("/thanks"))
    visit.see(visit.page.get_by_text("Thank you"))


@met("/holds-on", leaves)
def page_asks_before_it_is_left(visit: Visit) -> None: ...


@met("/alerts", buys)
def page_alerts_for_ever(visit: Visit) -> None: ...


@met("/", lambda visit: visit.go(visit.site.url("/download")))
def address_is_a_download(visit: Visit) -> None: ...


@met("/popup", buys)
def page_opens_popups(visit: Visit) -> None: ...


@met("/permission", buys)
def page_asks_for_permissions(visit: Visit) -> None: ...


@met("/requests", lambda visit: visit.see(visit.page.get_by_text("Thank you")), deadline_s=40)
def page_asks_a_thousand_times(visit: Visit) -> None: ...


@met("/", lambda visit: visit.go(visit.site.url("/huge")), deadline_s=8)
def page_is_huge(visit: Visit) -> None: ...


@met("/eats", lambda visit: visit.see(visit.page.get_by_text("Thank you")), deadline_s=30)
def page_eats_memory(visit: Visit) -> None: ...


@met("/chatters", lambda visit: visit.see(visit.page.get_by_text("Thank you")), deadline_s=20)
def page_chatters(visit: Visit) -> None: ...


def signals(number: int, matches: Callable[[psutil.Process], bool]) -> bool:
    """Signal the processes below this one that match; at least one does."""
    found = [p for p in psutil.Process().children(recursive=True) if matches(p)]
    assert found, "there is nobody to be signalled"
    for process in found:
        process.send_signal(number)
    return bool(found)


def is_browser(process: psutil.Process) -> bool:
    return "chrom" in process.name()


def is_driver(process: psutil.Process) -> bool:
    return process.name().startswith("node")


@met("/", lambda visit: (signals(signal.SIGSTOP, is_browser), visit.page.title()))
def browser_is_frozen(visit: Visit) -> None: ...


def asks_on_without_a_browser(visit: Visit) -> None:
    signals(signal.SIGKILL, is_browser)
    for _ in range(100):  # its driver notices a moment later
        visit.page.title()
        visit.pump(20)


@met("/", asks_on_without_a_browser)
def browser_is_killed(visit: Visit) -> None: ...


@met("/", lambda visit: (signals(signal.SIGSTOP, is_driver), visit.page.title()))
def driver_is_frozen(visit: Visit) -> None: ...


@met("/", lambda visit: (signals(signal.SIGKILL, is_driver), visit.page.title()))
def driver_is_killed(visit: Visit) -> None: ...


@met("/", lambda visit: os.kill(os.getpid(), signal.SIGKILL))
def attempt_is_killed(visit: Visit) -> None: ...


@met("/", lambda visit: os.kill(os.getpid(), signal.SIGSTOP))
def attempt_is_frozen(visit: Visit) -> None: ...


def spins(visit: Visit) -> None:
    while True:
        pass


@met("/", spins)
def journey_spins(visit: Visit) -> None: ...


@met("/", lambda visit: re.match(r"(a+)+$", "a" * 60 + "b"))
def journey_holds_the_interpreter(visit: Visit) -> None: ...


@met("/", lambda visit: time.sleep(3600))
def journey_sleeps(visit: Visit) -> None: ...


def hoards(visit: Visit) -> None:
    held = []
    while True:
        held.append(bytearray(os.urandom(1 << 10) * (16 << 10)))
        time.sleep(0.02)


@met("/", hoards, deadline_s=20)
def journey_eats_memory(visit: Visit) -> None: ...


def prints(visit: Visit) -> None:
    line = "x" * (1 << 20)
    for _ in range(200):
        sys.stderr.write(line)
    sys.stderr.write("\n")


@met("/", prints, deadline_s=20)
def journey_prints_without_end(visit: Visit) -> None: ...


@met("/", lambda visit: visit.note("x" * (20 << 20)), deadline_s=20)
def journey_notes_too_long_a_line(visit: Visit) -> None: ...


def floods(visit: Visit) -> None:
    while True:
        visit.purchase(Purchase(session_id="x" * (1 << 20), amount_minor=1, currency="usd", state="open"))


@met("/", floods, deadline_s=60)
def journey_floods_the_supervisor(visit: Visit) -> None: ...


@met("/", lambda visit: visit.see(visit.page.get_by_role("button", name="Buy")))
def browses(visit: Visit) -> None: ...
