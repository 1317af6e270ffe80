"""`sixfb inbox`: a receiver of alerts in a terminal, to try `alerts.yaml` before a real one has an address."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING, Annotated

import typer

from cli.command_error import CommandError, announce
from process.signals import listen

if TYPE_CHECKING:
    from demo.inbox import Received

_HOST = "127.0.0.1"
PORT = 8610


def inbox(
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="The port; 0 lets the system choose.")] = PORT,
) -> None:
    """Receive alerts on this machine and print each: a Slack webhook and a plain one. Nothing is kept."""
    from demo import Place, Served
    from demo.inbox import Inbox

    with ExitStack() as stack:
        try:
            served = Served(Inbox(_print).app(), Place(first_port=port).sockets(1))
        except OSError as error:
            raise CommandError(f"--port: cannot listen at {_HOST}:{port}: {error.strerror}") from None
        ending = listen(to_input=True)
        served.start()
        stack.callback(served.stop)
        address = served.urls[0]
        announce(
            f"messages to {address}/webhook/NAME (kind: webhook) and {address}/slack/CHANNEL (kind: slack) are printed here"
        )
        ending.wait()


def _print(message: Received) -> None:
    announce(f"{message.at:%H:%M:%S} UTC  {message.channel}: {' '.join(message.text.split())}")
    links = message.body.get("links")  # of a plain webhook; Slack's text has its own
    for link in links if isinstance(links, list) else ():
        if isinstance(link, dict):
            announce(f"    {link.get('name')}: {link.get('url')}")
