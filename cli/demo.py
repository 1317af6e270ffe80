"""`sixfb demo`: the shop, both journeys everywhere, the report; with faults at one click."""

from __future__ import annotations

import json
import signal
import sys
import threading
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import typer

from cli import settings
from cli.failing import Failing, writable_file, writable_folder

if TYPE_CHECKING:
    from rich.console import Console

    from cli.rounds import Rounds
    from demo import Demo
    from facts import Run

PERIOD_S = 60
"""The demo clock: a round of both journeys at every location each minute; the shop's rate window runs five times as fast."""
_TIME_SCALE = 5


def demo(
    once: Annotated[bool, typer.Option("--once", help="One round of each journey everywhere, then leave.")] = False,
    break_: Annotated[list[str] | None, typer.Option("--break", metavar="FAULT", help="Start with a fault on.")] = None,
    json_file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write runs, verdicts and alerts.")
    ] = None,
) -> None:
    """Serve a ticket shop and buy from it, at every location of locations.yaml.

    Exit code: with --once 0 all passed, 1 otherwise; without, 0 after Ctrl-C.
    """
    from demo.faults import FAULTS, UnknownFaultError

    for name in break_ or []:
        if name not in FAULTS:
            raise Failing(f"--break: {UnknownFaultError(name)}")
    if json_file:
        writable_file(json_file, option="--json")
    folder = writable_folder(settings.var_folder() / "demo", option="SIXFB_VAR")
    locations = list(settings.read_locations().locations)
    signal.signal(signal.SIGTERM, _interrupt)
    with ExitStack() as stack:
        stage = _Stage(stack, folder, locations, faults=break_ or [], with_panel=not once)
        if once:
            sys.exit(stage.once(json_file))
        stage.until_interrupted(json_file)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


class _Stage:
    """The demo while it stands: the served shop, and the rounds that are made on it."""

    def __init__(
        self, stack: ExitStack, folder: Path, locations: list[str], *, faults: list[str], with_panel: bool
    ) -> None:
        from rich.console import Console

        from cli.rounds import Rounds
        from demo import DemoSettings, Faults, serve_demo

        self.console: Console = Console()
        self.folder = folder
        self.report = folder / "report"
        self.report.mkdir(exist_ok=True)
        self.demo: Demo = stack.enter_context(
            serve_demo(
                settings=DemoSettings(time_scale=_TIME_SCALE),
                faults=Faults(faults),
                doors=locations,
                report=self.report if with_panel else None,
            )
        )
        addresses = json.dumps(self.demo.addresses(), indent=2)
        (folder / "addresses.json").write_text(addresses + "\n", encoding="utf-8")
        self.rounds: Rounds = stack.enter_context(Rounds(self.demo, evidence=folder / "evidence", console=self.console))

    def once(self, json_file: Path | None) -> int:
        """One round, its table, its report; the exit code."""
        self.console.print(f"the shop is open at {self.demo.shop_url}", highlight=False)
        runs = self.rounds.make()
        self._keep(runs, json_file)
        return 0 if all(run.status == "passed" for run in runs) else 1

    def until_interrupted(self, json_file: Path | None) -> None:
        """A round a minute until Ctrl-C."""
        self.console.print(f"[bold]open {self.demo.panel_url}[/]  faults are one click away there", highlight=False)
        self.console.print(f"the shop is at {self.demo.shop_url}; Ctrl-C ends everything", highlight=False)
        try:
            while True:
                began = time.monotonic()
                runs = self.rounds.make()
                self._keep(runs, json_file)
                self.demo.show(runs)
                threading.Event().wait(max(0.0, PERIOD_S - (time.monotonic() - began)))
        except KeyboardInterrupt:
            self.console.print("closing the shop")

    def _keep(self, runs: list[Run], json_file: Path | None) -> None:
        from cli.rounds import print_failures
        from facts import to_wire
        from reports.round_page import write_round

        print_failures(self.console, runs)
        title = f"Round of {datetime.now(UTC):%H:%M} UTC"
        page = write_round(runs, title=title, evidence=self.folder / "evidence", out=self.report)
        self.console.print(f"report: {page}", highlight=False, soft_wrap=True)
        if json_file:
            data = {"runs": to_wire(runs), "verdicts": [], "alerts": []}
            json_file.write_text(json.dumps(data, indent=2) + "\n", encoding="utf-8")
