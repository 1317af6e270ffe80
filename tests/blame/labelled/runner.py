"""We are at fault: our network, our budget, our browser, our processes, our disk."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil

from facts import Blame, Run, Status
from runner.attempt.job import Job
from runner.attempt.start import StartedRun
from tests.blame.labelled.network import NO_NAME, dead_canaries
from tests.blame.labelled.site import HOME, LOOKUP, OPEN
from tests.blame.sockets import a_certificate, a_closed_port, a_full_port, a_port, speaks_tls
from tests.blame.stage import GA, Case, Stage
from tests.blame.toll import Rule, answers
from tests.sites import Page

TOO_MANY = answers(429, "Too Many Requests", kind="text/plain", retry_after="3600")


def _case(name: str, how: str, provoke: Callable[[Stage], Run]) -> Case:
    return Case(name, how, Status.ERRORED, Blame.RUNNER, provoke)


def _drops(stage: Stage) -> Run:
    with a_full_port() as port:
        return stage.look(f"http://127.0.0.1:{port}", canaries=dead_canaries())


def _stranger(stage: Stage) -> Run:
    with a_port(speaks_tls(a_certificate(Path(stage.a_folder())))) as port:
        return stage.look(f"https://127.0.0.1:{port}", canaries=dead_canaries())


def _killed(wanted: Callable[[psutil.Process], bool]) -> Callable[[Stage], Run]:
    """End a process of the run in its midst, from outside."""

    def make(job: Job) -> Run:
        started = StartedRun(job)
        stepped = threading.Event()
        victim = threading.Thread(target=_kill_one, args=(wanted, stepped))
        victim.start()
        run = started.wait(lambda event, _data: stepped.set() if event == "step_started" else None)
        stepped.set()
        victim.join(30)
        return run

    held = Page("<button>Buy</button>", before=lambda: time.sleep(6))
    return lambda stage: stage.look_at({"/": held}, make=make)


def _kill_one(wanted: Callable[[psutil.Process], bool], stepped: threading.Event) -> None:
    stepped.wait(60)
    time.sleep(1)
    for process in _of_the_run():
        with contextlib.suppress(psutil.Error):
            if wanted(process):
                os.kill(process.pid, signal.SIGKILL)
                return


def _of_the_run() -> list[psutil.Process]:
    """The run's supervisor and all below it; the browser that other faults are played in is none of them."""
    supervisors = [p for p in psutil.Process().children() if _is("runner.attempt.supervisor")(p)]
    return [process for supervisor in supervisors for process in (supervisor, *supervisor.children(recursive=True))]


def _is(module: str) -> Callable[[psutil.Process], bool]:
    return lambda process: module in process.cmdline()


def _is_browser(process: psutil.Process) -> bool:
    line = process.cmdline()
    return "--remote-debugging-pipe" in line and not any(part.startswith("--type=") for part in line)


CASES = (
    _case(
        "network_gone_refused",
        "the shop and every canary refuse",
        lambda s: s.look(f"http://127.0.0.1:{a_closed_port()}", canaries=dead_canaries()),
    ),
    _case("network_gone_dropped", "packets to the shop are dropped, and every canary fails", _drops),
    _case(
        "network_gone_no_dns",
        "no name resolves, and every canary fails",
        lambda s: s.look(NO_NAME, canaries=dead_canaries()),
    ),
    _case("network_stranger", "a stranger answers with a certificate of its own, and every canary fails", _stranger),
    _case("limited", "the site answers everything with 429", lambda s: s.buy(faults=("blank_429",))),
    _case("limited_at_once", "the home page answers 429", lambda s: s.buy(Rule("GET", HOME, TOO_MANY), journey=GA)),
    _case(
        "limited_on_the_way",
        "the next page's data answers 429",
        lambda s: s.buy(Rule("GET", r"/pricing\?.*", TOO_MANY), journey=GA),
    ),
    _case("limited_at_checkout", "the checkout answers 429", lambda s: s.buy(Rule("POST", OPEN, TOO_MANY))),
    _case(
        "limited_at_proof",
        "no Stripe key, and our own question whether it is paid answers 429",
        lambda s: s.buy(Rule("GET", LOOKUP, TOO_MANY), stripe_key=None),
    ),
    _case("no_browser", "there is no browser", lambda s: s.look("http://127.0.0.1:9", chromium="/nowhere/chromium")),
    _case(
        "no_real_browser",
        "the browser's executable is none",
        lambda s: s.look("http://127.0.0.1:9", chromium="/bin/true"),
    ),
    _case("browser_killed", "the browser is killed in the middle", _killed(_is_browser)),
    _case("driver_killed", "the browser's driver is killed in the middle", _killed(lambda p: "node" in p.name())),
    _case("worker_killed", "the attempt's process is killed in the middle", _killed(_is("runner.attempt.walk"))),
    _case(
        "supervisor_killed", "the run's supervisor is killed in the middle", _killed(_is("runner.attempt.supervisor"))
    ),
)
