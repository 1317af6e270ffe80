"""`sixfb new journey NAME`: a file to begin with."""

from __future__ import annotations

import keyword
import os
import re
from pathlib import Path
from typing import Annotated

import typer

from cli.command_error import CommandError, writable_folder
from cli.output import say

app = typer.Typer(help="Begin something of your own.", no_args_is_help=True)

_TEMPLATE = '''"""What this buyer does, in one sentence."""

from journeys.visit import Visit, journey


@journey(
    title="A visitor opens the shop",
    steps=("open_shop", "see_headline"),
    slow_after_s=5,
    deadline_s=20,
    buys=False,  # it places no order; one that does tells each with visit.bought(), and brings an undo
)
def {name}(visit: Visit) -> None:
    page, site = visit.page, visit.site

    with visit.step("open_shop"):
        visit.go(site.url("/"))

    with visit.step("see_headline"):
        visit.see(page.get_by_role("heading", level=1))
'''


@app.callback()
def _root() -> None:
    """Begin something of your own."""


@app.command("journey")
def new_journey(
    name: Annotated[str, typer.Argument(help="Its name, like `gift_voucher`.")],
    into: Annotated[
        Path | None, typer.Option("--into", metavar="DIR", help="The folder; default SIXFB_JOURNEYS.")
    ] = None,
) -> None:
    """Write a journey of two steps to begin with, in a folder of your own."""
    if not re.fullmatch(r"[a-z][a-z0-9_]{2,40}", name) or keyword.iskeyword(name):
        raise CommandError(
            f"{name!r} is no name for a journey: small letters, digits and underscores, like gift_voucher"
        )
    folder = into or Path(os.environ.get("SIXFB_JOURNEYS") or "my_journeys")
    file = writable_folder(folder, option="--into") / f"{name}.py"
    if file.exists():
        raise CommandError(f"{file} is there already; choose another name, or edit that one")
    file.write_text(_TEMPLATE.format(name=name), encoding="utf-8")
    say(f"{file} is written. Try it:")
    say(f"  SIXFB_JOURNEYS={folder} sixfb run {name} --site https://your.shop")
