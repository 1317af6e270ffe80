"""`sixfb new site URL`, `sixfb new journey NAME`: files to begin with."""

from __future__ import annotations

import keyword
import os
import re
from pathlib import Path
from typing import Annotated

import typer

from cli import settings
from cli.command_error import CommandError, writable_folder
from cli.output import say
from journeys.registry import FOLDER, JOURNEYS, is_product_package, own_folder
from journeys.site import SHOP

app = typer.Typer(help="Begin something of your own.", no_args_is_help=True)

_TEMPLATE = '''"""What this buyer does, in one sentence."""

from sixfb import Visit, journey


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
        visit.see(page.get_by_role("heading").first)
'''
_SITE = """\
# What is watched; docs/configuration.md has every key. A run can take another value: --set KEY=VALUE.
base_url: {url}

# What amounts are in, where a journey names no currency.
currency: usd

# Where the shop answers 429 to an address that asks too often, its limit. Without one nothing is held back.
# request_budget: {{requests: 100, window_s: 900}}
"""
_LOCATIONS = """\
# Where runs are made: one runner for each, `sixfb runner --location NAME`. Two locations tell the shop's trouble from a network's.
locations:
  here:
    description: this machine

# What is run, and how often at each location.
journeys:
  {journey}: {{every: 1m}}
"""
_ALERTS = """\
# Who is told. An address is a secret: it stands in the environment variable that `url_from` names, or in the file that
# the same name with _FILE behind it names.
destinations:
  webhook:
    kind: webhook
    url_from: ALERT_WEBHOOK            # `sixfb inbox` on this machine: http://127.0.0.1:8610/webhook/me
  # slack:
  #   kind: slack
  #   url_from: SLACK_OPS_WEBHOOK      # Slack's own address of an incoming webhook

routes:
  critical: [webhook]
  high: [webhook]
  medium: [webhook]

# Messages go to public addresses alone, and to these networks. This one is for `sixfb inbox`: remove it with that.
allow_private: [127.0.0.0/8]
"""
_ELSEWHERE = "my_journeys"
"""The folder of new journeys where `journeys/` is the product's own package: in a checkout of it."""


@app.callback()
def _root() -> None:
    """Begin something of your own."""


@app.command("site")
def new_site(
    url: Annotated[str, typer.Argument(help="The shop's address, like https://your.shop.")],
    journey: Annotated[
        str, typer.Option("--journey", metavar="NAME", help="The first journey, and the name of its file.")
    ] = "open_shop",
) -> None:
    """Write what watches a shop: site.yaml, locations.yaml, alerts.yaml and a first journey. Nothing that is there is overwritten."""
    _check_name(journey)
    wrong, folder = SHOP.wrong_with(url), settings.config_folder()
    if wrong:
        raise CommandError(wrong)
    if is_product_package(folder / FOLDER):
        raise CommandError("this folder is a checkout of sixfb; make a folder of your own, and begin there")
    texts = {
        "site.yaml": _SITE.format(url=url),
        "locations.yaml": _LOCATIONS.format(journey=journey),
        "alerts.yaml": _ALERTS,
        f"{FOLDER}/{journey}.py": _TEMPLATE.format(name=journey),
    }
    there = [name for name in texts if os.path.lexists(folder / name)]
    if there:
        raise CommandError(f"{', '.join(there)}: there already; begin in an empty folder, or remove what is not wanted")
    writable_folder(folder / FOLDER, option=str(folder))
    for name, text in texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    say(f"{', '.join(texts)} are written. Try it:")
    say(f"  sixfb run {journey}")


@app.command("journey")
def new_journey(
    name: Annotated[str, typer.Argument(help="Its name, like `gift_voucher`.")],
    into: Annotated[
        Path | None,
        typer.Option(
            "--into", metavar="DIR", help="The folder; default SIXFB_JOURNEYS, else journeys/ beside site.yaml."
        ),
    ] = None,
) -> None:
    """Write a journey of two steps to begin with, in a folder of your own."""
    _check_name(name)
    beside = settings.config_folder()
    folder = into or Path(os.environ.get(JOURNEYS) or _default_folder(beside))
    file = writable_folder(folder, option="--into") / f"{name}.py"
    if file.exists():
        raise CommandError(f"{file} is there already; choose another name, or edit that one")
    file.write_text(_TEMPLATE.format(name=name), encoding="utf-8")
    has_site = (beside / "site.yaml").is_file()
    if not has_site and folder == beside / FOLDER:
        say(f"{file} is written. It is read where there is a site.yaml beside its folder:")
        say("  sixfb new site https://your.shop")
        say(f"  sixfb run {name}")
        return
    found = own_folder()
    variable = "" if found is not None and found.resolve() == folder.resolve() else f"{JOURNEYS}={folder} "
    say(f"{file} is written. Try it:")
    say(f"  {variable}sixfb run {name}" + ("" if has_site else " --site https://your.shop"))
    if has_site:
        say("Watch it: a line below `journeys:` in locations.yaml")
        say(f"  {name}: {{every: 5m}}")


def _check_name(name: str) -> None:
    if not re.fullmatch(r"[a-z][a-z0-9_]{2,40}", name) or keyword.iskeyword(name):
        raise CommandError(
            f"{name!r} is no name for a journey: small letters, digits and underscores, like gift_voucher"
        )


def _default_folder(beside: Path) -> Path:
    folder = beside / FOLDER
    return beside / _ELSEWHERE if is_product_package(folder) else folder
