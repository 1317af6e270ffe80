"""`sixfb demo --shop-only`: serves only the shop that the demo watches, for runners and a hub that run elsewhere."""

from __future__ import annotations

from contextlib import ExitStack

from cli import settings
from cli.command_error import CommandError
from cli.output import say
from process.signals import listen

_ANY = ("0.0.0.0", "::")


def serve_shop(host: str, name: str, port: int, *, faults: list[str], scale: float) -> None:
    """Serve the shop at `port`, Stripe, a third party and the receivers at the next ones, until told to stop. Raises CommandError.

    Stripe knows the key in `STRIPE_SECRET_KEY`; without one it makes a key that nobody else has, and buyers cannot prove test mode.
    """
    from demo import DemoSettings, Faults, Place, Served, serve_demo
    from demo.inbox import Inbox

    if name in _ANY:
        raise CommandError(f"--host {host}: pages and Stripe need an address to send browsers to; say it with --name")
    place, inbox = Place(host=host, name=name, first_port=port), Inbox()
    with ExitStack() as stack:
        try:
            demo = stack.enter_context(
                serve_demo(
                    settings=DemoSettings(time_scale=scale),
                    faults=Faults(faults),
                    place=place,
                    stripe_key=settings.stripe_key(),
                )
            )
            receivers = Served(inbox.app(), place.sockets(1, after=3), name=name)
        except OSError as error:
            raise CommandError(f"--host {host} --port {port}: the shop cannot listen there: {error.strerror}") from None
        receivers.start()
        stack.callback(receivers.stop)
        say(f"the shop is open at {demo.shop_url}, Stripe at {demo.stripe_url}")
        say(f"receivers: {receivers.urls[0]}/slack/CHANNEL, {receivers.urls[0]}/webhook/NAME; inbox: /inbox.json")
        listen(to_input=True).wait()
