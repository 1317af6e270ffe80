"""`sixfb status`: the public status page."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from cli import hub_config, settings
from cli.command_error import CommandError
from cli.output import say

app = typer.Typer(help="The public status page.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """The public status page."""


@app.command()
def publish(
    folder: Annotated[
        Path | None, typer.Argument(metavar="DIR", help="Where to; else status_page.folder of site.yaml.")
    ] = None,
    title: Annotated[str | None, typer.Option(help="Instead of status_page.title of site.yaml.")] = None,
) -> None:
    """Write the status page as static files: index.html, status.json, feed.xml and badges. A web server serves them."""
    from hub.status_page import StatusPageError, load_summary, look_of
    from hub.status_page import publish as publish_files
    from journeys.site import StatusPage

    settings.announce("site.yaml", "locations.yaml", "alerts.yaml")
    watched = hub_config.read_watched()
    windows = hub_config.read_policy(hub_config.read_routing(), base_url="").maintenance
    said = watched.site.status_page or StatusPage()
    target = folder or (Path(said.folder) if said.folder else None)
    if target is None:
        raise CommandError("say where to: `sixfb status publish DIR`, or status_page.folder in site.yaml")
    with closing(hub_config.existing_database()) as store:
        summary = load_summary(store, watched, datetime.now(UTC), maintenance=windows)
    try:
        count = publish_files(summary, look_of(said, title=title), target)
    except StatusPageError as error:
        raise CommandError(str(error)) from None
    say(f"{count} files in {target}: {summary.state.words.lower()}; open {target / 'index.html'}")
