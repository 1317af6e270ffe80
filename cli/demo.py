"""`sixfb demo`: the shop, the hub, a runner at each location, and receivers for the alerts; with faults at one click."""

from __future__ import annotations

import copy
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

import typer

from cli import settings
from cli.command_error import CommandError, writable_file, writable_folder
from cli.output import console, json_text, say

if TYPE_CHECKING:
    from cli.demo_traffic import Traffic
    from demo import Demo
    from demo.inbox import Inbox

SHOP_PORT = 8700
"""The first of the four ports of `--shop-only`: the shop, Stripe, a third party, the receivers."""
_LAST_SHOP_PORT = 65_532
PERIOD_S = 60
"""The demo clock: both journeys at every location each minute, 20 s apart; windows and waits run five times as fast."""
_TIME_SCALE = 5
_HUB_DOOR = "hub"
_DEMO_NUMBERS = "+155501001"
"""How invented phone numbers begin; two digits follow. The block is kept for fiction."""
_DEMO_SENDER = "sixfb@6fbmethodologies.com"
_AT = re.compile(r"(?:[0-9]{4}-[0-9]{2}-[0-9]{2} )?[0-9]{2}:[0-9]{2}")
_YEARS = range(2000, 2100)
_LEAST_COVERAGE = 0.6
_STARTS_WITHIN_S = 120.0
_STOPS_WITHIN_S = 15.0
_NOT_THE_DEMOS = (
    "DATABASE_URL",
    "SIXFB_TOKEN",
    "SIXFB_HOSTS",
    "SIXFB_REQUIRE_TOKENS",
    "SIXFB_SECRET_KEY",
    "SIXFB_TRUSTED_",
    "STRIPE_SECRET_KEY",
    "STRIPE_SOURCE_KEY",
    "STRIPE_WEBHOOK_SECRET",
    "PAGERDUTY_WEBHOOK_SECRET",
)
"""What the environment says of the real hub, the demo's neither needs nor should obey."""


def demo(
    once: Annotated[
        bool, typer.Option("--once", help="One round of each journey everywhere, judged, then leave.")
    ] = False,
    break_: Annotated[list[str] | None, typer.Option("--break", metavar="FAULT", help="Start with a fault on.")] = None,
    json_file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="With --once: write runs, verdicts and alerts.")
    ] = None,
    port: Annotated[
        int | None,
        typer.Option("--port", min=0, max=65535, help="The dashboard's, or the shop's; 0 lets the system choose."),
    ] = None,
    shop_only: Annotated[
        bool, typer.Option("--shop-only", help="No hub and no runners: the shop, Stripe and the receivers.")
    ] = False,
    host: Annotated[
        str, typer.Option("--host", metavar="ADDRESS", help="With --shop-only: the address to listen at.")
    ] = "127.0.0.1",
    name: Annotated[
        str | None, typer.Option("--name", metavar="NAME", help="With --shop-only: what others call that address.")
    ] = None,
    at: Annotated[
        str | None,
        typer.Option(
            "--at", metavar="TIME", help="What the business's clock shows at the start: 03:00, or '2026-03-03 03:00'."
        ),
    ] = None,
    history: Annotated[
        bool, typer.Option("--history/--no-history", help="Begin with 35 days of simulated visitors and buyers.")
    ] = True,
) -> None:
    """Serve a ticket shop with simulated buyers, and watch it with a hub and a runner at every location of locations.yaml.

    Exit code: with --once 0 all passed, 1 otherwise; without, 0 after Ctrl-C.
    """
    from demo.faults import FAULTS, TRAFFIC_FAULTS, UnknownFaultError

    for fault in break_ or []:
        if fault not in FAULTS and fault not in TRAFFIC_FAULTS:
            raise CommandError(f"--break: {UnknownFaultError(fault, [*FAULTS, *TRAFFIC_FAULTS])}")
        if fault in TRAFFIC_FAULTS and (once or shop_only):
            with_what = "--once" if once else "--shop-only"
            raise CommandError(
                f"--break: {fault} is a fault of the simulated visitors, and there are none with {with_what}"
            )
    if at is not None and (once or shop_only):
        raise CommandError(
            f"--at: sets the clock of business hours, which {'--once' if once else '--shop-only'} has no use for"
        )
    if shop_only:
        if port is not None and port > _LAST_SHOP_PORT:
            raise CommandError(
                f"--port: {port} and the three ports after it are used; {_LAST_SHOP_PORT} is the last one possible"
            )
        from cli.shop import serve_shop

        serve_shop(host, name or host, SHOP_PORT if port is None else port, faults=break_ or [], scale=_TIME_SCALE)
        return
    if host != "127.0.0.1" or name:
        raise CommandError("--host and --name are for --shop-only; the whole demo keeps to this machine")
    if json_file:
        writable_file(json_file, option="--json")
    settings.announce()
    _check_files()
    folder = writable_folder(settings.var_folder() / "demo", option="SIXFB_VAR")
    locations = list(settings.read_locations().locations)
    if at is not None:
        _needs_business_hours()
        ahead_of_now(at, business_zone(), datetime.now(UTC))
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _interrupt)
    with ExitStack() as stack:
        stage = _Stage(stack, folder, locations, faults=break_ or [], traffic=not once, at=at)
        if once:
            sys.exit(stage.once(json_file))
        stage.until_interrupted(port or 0, history=history)


def _check_files() -> None:
    """Refuse what the demo's hub and runners would refuse, before they report it only in their logs. Raises ConfigError."""
    from cli import hub_config

    settings.read_site([])
    hub_config.read_targets()
    hub_config.read_routing()
    settings.memory_mb()
    settings.evidence_bytes(2)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def with_room_for_retries(rules: Mapping[str, Any]) -> dict[str, Any]:
    """Return the contents of an sla.yaml whose rules on the coverage of the schedule fire below 60 %.

    The demo begins a run each minute. While the shop is broken each run is made twice, which takes a machine of two cores longer than
    that, so slots are missed that a period of five minutes has room for. A location without its runner is told by other rules.
    """
    return {
        name: {**rule, "least": _LEAST_COVERAGE} if isinstance(rule, dict) and rule.get("kind") == "coverage" else rule
        for name, rule in rules.items()
    }


class _Stage:
    """Runs the demo: the shop and the receivers in this process, hub and runners in processes of their own."""

    def __init__(
        self,
        stack: ExitStack,
        folder: Path,
        locations: list[str],
        *,
        faults: list[str],
        traffic: bool,
        at: str | None = None,
    ) -> None:
        from demo import DemoSettings, Faults, serve_demo
        from demo.inbox import Inbox
        from demo.mail import MailServer
        from demo.serve import Served, a_socket

        self.folder, self.locations, self._stack, self._at = folder.resolve(), locations, stack, at
        self.inbox: Inbox = Inbox()
        receivers = Served(self.inbox.app(), [a_socket()])
        receivers.start()
        stack.callback(receivers.stop)
        self.receivers = receivers.urls[0]
        mail = MailServer(self.inbox)
        mail.start()
        stack.callback(mail.stop)
        self._mail_port: int = mail.port
        self.demo: Demo = stack.enter_context(
            serve_demo(
                settings=DemoSettings(time_scale=_TIME_SCALE),
                faults=Faults(faults, traffic=traffic),
                doors=[*locations, _HUB_DOOR],
            )
        )
        self._children: list[subprocess.Popen[bytes]] = []
        stack.callback(self._end_children)

    def once(self, json_file: Path | None) -> int:
        """Make and judge one round at every location, print its table, write its report, and return the exit code."""
        from cli.rounds import Rounds, print_failures
        from cli.verdicts import judged_round
        from reports.round_page import write_round

        say(f"the shop is open at {self.demo.shop_url}")
        self._write_addresses(None)
        evidence, report = self.folder / "evidence", self.folder / "report"
        report.mkdir(exist_ok=True)
        with Rounds(self.demo, self.locations, evidence=evidence, console=console(), period_s=PERIOD_S) as rounds:
            runs = rounds.make()
        print_failures(runs)
        judged = judged_round(self.demo, runs, self._configuration(), door=_HUB_DOOR, scale=_TIME_SCALE)
        for alert in judged.alerts:
            say((f"{alert.severity} alert {alert.id}:", "red"), f" {alert.summary}")
        title = f"Round of {datetime.now(UTC):%H:%M} UTC"
        say(f"report: {write_round(runs, title=title, evidence=evidence, out=report)}")
        if json_file:
            json_file.write_text(json_text(judged.to_json(runs)) + "\n", encoding="utf-8")
        return 0 if all(run.status == "passed" for run in runs) else 1

    def until_interrupted(self, port: int, *, history: bool) -> None:
        """Run the hub, the runners and the simulated buyers until Ctrl-C."""
        from cli.demo_traffic import Traffic
        from cli.rounds import JOURNEYS

        hub_url = f"http://127.0.0.1:{port or _a_free_port()}"
        site = self._site()
        traffic = Traffic(demo=self.demo, inbox=self.inbox, folder=self.folder, site=site)
        config = self._configuration(traffic, history=history)
        environment = self._environment(config, hub_url, traffic)
        try:
            traffic.prepare(dict.fromkeys(JOURNEYS, self.locations), period_s=PERIOD_S, history=history)
            self._start("hub", ["hub", "--port", hub_url.rpartition(":")[2]], environment)
            self._wait_for(hub_url)
            for location in self.locations:
                door, own = self.demo.doors[location], {"SIXFB_TOKEN": traffic.tokens[location]}
                command = ["runner", "--location", location, "--site", door]
                self._start(f"runner-{location}", command, {**environment, **own})
            feed = traffic.open(hub_url)
            self._stack.callback(feed.stop)
            self._write_addresses(hub_url)
            say((f"open {hub_url}", "bold"), "  the dashboard; faults are one click away there")
            say(f"the shop is at {self.demo.shop_url}, logs are in {self.folder}; Ctrl-C ends everything")
            self._watch()
        except KeyboardInterrupt:
            say("closing the shop")

    def _start(self, name: str, command: list[str], environment: dict[str, str]) -> None:
        log = self._stack.enter_context((self.folder / f"{name}.log").open("ab"))
        program = [sys.executable, "-P", "-m", "cli", *command]
        # A session of its own: Ctrl-C at the terminal reaches the demo alone, which ends the others in good order.
        # Nobody writes to their input; its end tells them that the demo is no more, even if it was killed with -9.
        self._children.append(
            subprocess.Popen(
                program, env=environment, stdout=log, stderr=log, stdin=subprocess.PIPE, start_new_session=True
            )
        )

    def _wait_for(self, hub_url: str) -> None:
        import httpx

        ends = time.monotonic() + _STARTS_WITHIN_S
        while time.monotonic() < ends and self._children[0].poll() is None:
            try:
                if httpx.get(f"{hub_url}/healthz", timeout=1).status_code == 200:
                    return
            except httpx.HTTPError:
                time.sleep(0.1)
        raise CommandError(f"the hub did not start; {self.folder / 'hub.log'} says why", code=3)

    def _watch(self) -> None:
        told: set[int] = set()
        while True:
            threading.Event().wait(1)
            for child in self._children:
                if child.poll() is not None and child.pid not in told:
                    told.add(child.pid)
                    what = " ".join(str(argument) for argument in child.args[4:])  # type: ignore[index]
                    say((f"sixfb {what} ended with {child.returncode}", "red"), f"; see {self.folder}")

    def _end_children(self) -> None:
        for child in reversed(self._children):
            if child.poll() is None:
                child.terminate()
        ends = time.monotonic() + _STOPS_WITHIN_S
        for child in self._children:
            try:
                child.wait(max(0.1, ends - time.monotonic()))
            except subprocess.TimeoutExpired:
                child.kill()
                child.wait()

    def _site(self) -> dict[str, Any]:
        """Return the contents of the site.yaml that is in use."""
        from config import read_document

        watched: dict[str, Any] = read_document(settings.config_file("site.yaml")).data
        return watched

    def _configuration(self, traffic: Traffic | None = None, *, history: bool = False) -> Path:
        """Write the demo's configuration files: the product's, with the demo's shop and clock, and the sources that `traffic` fills."""
        import yaml

        from cli.demo_traffic import of_the_demos_business, with_traffic, without_whole_days
        from config import read_document

        folder = self.folder / "config"
        folder.mkdir(exist_ok=True)
        prices = self.demo.shop_settings.prices
        watched = self._site()
        budget = watched.get("request_budget")
        if isinstance(budget, dict) and isinstance(budget.get("window_s"), int):
            # The demo shop's window is as many times shorter as its other times.
            budget = {**budget, "window_s": max(1, budget["window_s"] // _TIME_SCALE)}
        site = {
            **watched,
            "request_budget": budget,
            "base_url": self.demo.doors[_HUB_DOOR],
            "city": "Dallas",
            "prices": {"ga": prices.ga, "vip": prices.vip, "vip_member": self.demo.shop_settings.member_price("vip")},
            "payment": "test",
        }
        if traffic is not None:
            site = with_traffic(site, log_file=traffic.log_file)
        locations = read_document(settings.config_file("locations.yaml")).data
        from cli.rounds import JOURNEYS

        locations = {**locations, "journeys": {name: {"every": f"{PERIOD_S}s"} for name in JOURNEYS}, "canaries": []}
        written: dict[str, Any] = {"site.yaml": site, "locations.yaml": locations}
        rules = with_room_for_retries(read_document(settings.config_file("sla.yaml")).data)
        if traffic is not None:
            rules = of_the_demos_business(rules if history else without_whole_days(rules), traffic.usual_day_minor)
        written["sla.yaml"] = rules
        alerts = with_demo_contacts(read_document(settings.config_file("alerts.yaml")).data, mail_port=self._mail_port)
        written["alerts.yaml"] = demo_alerts(alerts, self._receivers(), zone=business_zone() if self._at else None)
        for name, data in written.items():
            (folder / name).write_text(yaml.safe_dump(data, sort_keys=False), encoding="utf-8")
        return folder

    def _receivers(self) -> dict[str, str]:
        """Return the variables that name the demo's receivers."""
        return {
            "SLACK_EMERGENCY_WEBHOOK": f"{self.receivers}/slack/emergency-alerts",
            "PAGERDUTY_API_BASE": f"{self.receivers}/pagerduty",
            "PAGERDUTY_ROUTING_KEY": "d" * 32,
            "TWILIO_API_BASE": f"{self.receivers}/twilio",
            "TWILIO_ACCOUNT_SID": f"AC{'d' * 32}",
            "TWILIO_AUTH_TOKEN": "the-demos-own-twilio-token",
            "TELEGRAM_API_BASE": f"{self.receivers}/telegram",
            "SLACK_OPS_WEBHOOK": f"{self.receivers}/slack/ops-alerts",
            "ALERT_WEBHOOK": f"{self.receivers}/webhook/alerts",
        }

    def _environment(self, config: Path, hub_url: str, traffic: Traffic) -> dict[str, str]:
        from cli.hub import DEMO_AHEAD, DEMO_INBOX, DEMO_SCALE, DEMO_SHOP
        from cli.runner import STOP_GRACE
        from process.signals import ENDS_WITH_INPUT

        return {
            **{name: value for name, value in os.environ.items() if not name.startswith(_NOT_THE_DEMOS)},
            "SIXFB_CONFIG": str(config),
            "SIXFB_VAR": str(self.folder),
            "SIXFB_HUB_URL": hub_url,
            "STRIPE_SECRET_KEY": self.demo.stripe_key,
            "STRIPE_API_BASE": self.demo.stripe_url,
            "STRIPE_SOURCE_KEY": traffic.stripe_key,
            **self._receivers(),
            DEMO_SHOP: self.demo.shop_url,
            DEMO_INBOX: f"{self.receivers}/inbox.json",
            DEMO_SCALE: str(_TIME_SCALE),
            **self._clock(DEMO_AHEAD),
            ENDS_WITH_INPUT: "1",
            STOP_GRACE: "0",
        }

    def _clock(self, name: str) -> dict[str, str]:
        """Return the variable that sets the business's clock; none if it shows the true time."""
        if self._at is None:
            return {}
        return {name: f"{ahead_of_now(self._at, business_zone(), datetime.now(UTC)).total_seconds():.0f}"}

    def _write_addresses(self, hub_url: str | None) -> None:
        addresses = {
            **self.demo.addresses(),
            "hub": hub_url,
            "dashboard": hub_url,
            "inbox": f"{self.receivers}/inbox.json",
        }
        (self.folder / "addresses.json").write_text(json.dumps(addresses, indent=2) + "\n", encoding="utf-8")


def with_demo_contacts(data: dict[str, Any], *, mail_port: int) -> dict[str, Any]:
    """Return the contents of an alerts.yaml with an invented phone for each person, Slack ids for mentions that are placeholders, and
    the demo's mail server, so that the whole escalation can be watched in the inbox."""
    changed = copy.deepcopy(data)
    for name, one in list(changed["destinations"].items()):
        if one["kind"] == "slack":
            one["mentions"] = [_slack_mention(mention) for mention in one.get("mentions") or []]
        elif one["kind"] == "twilio":
            one["from_number"] = f"{_DEMO_NUMBERS}00"
            one["replies"] = True
        elif one["kind"] == "email":
            login = ("username_from", "password_from")
            kept = {key: value for key, value in one.items() if key not in login}
            ours = {"host": "127.0.0.1", "port": mail_port, "security": "none", "sender": _DEMO_SENDER}
            changed["destinations"][name] = {**kept, **ours}
    for number, person in enumerate((changed.get("people") or {}).values(), start=1):
        if "phone" in person:
            person["phone"] = f"{_DEMO_NUMBERS}{number:02}"
    return changed


def _slack_mention(mention: str) -> str:
    if mention.startswith("<"):
        return mention
    letters = re.sub(r"[^A-Z0-9]", "", mention.upper())[:12] or "SOMEBODY"
    return f"<@U{letters:0<8}>"


def _needs_business_hours() -> None:
    from cli import hub_config

    if hub_config.read_routing().business_hours is None:
        raise CommandError("--at: sets the clock of business hours, and alerts.yaml has no `business_hours`")


def business_zone() -> ZoneInfo:
    """Return the time zone of the demo's business hours: that of alerts.yaml, of site.yaml, or the shop's own."""
    from cli import hub_config
    from cli.demo_traffic import ZONE

    business, hours = settings.read_site([]).business, hub_config.read_routing().business_hours
    return ZoneInfo((hours.timezone if hours else None) or (business.timezone if business else ZONE))


def ahead_of_now(at: str, zone: ZoneInfo, now: datetime) -> timedelta:
    """Return how far a clock is ahead of the true one if it shows `at` now.

    `at` is a local time in `zone`: `03:00` of today, or `2026-03-03 03:00`. Raises CommandError.
    """
    text = at.strip().replace("T", " ")
    today = f"{now.astimezone(zone):%Y-%m-%d}"
    try:
        local = datetime.fromisoformat(text if " " in text else f"{today} {text}")
        if local.tzinfo is not None or local.year not in _YEARS or not _AT.fullmatch(text):
            raise ValueError(text)
    except ValueError:
        raise CommandError(f"--at: {at!r:.60} is no time; write it like 03:00, or '2026-03-03 03:00'") from None
    moment = local.replace(tzinfo=zone).astimezone(UTC)
    if moment.astimezone(zone).replace(tzinfo=None) != local:
        raise CommandError(f"--at: {local:%Y-%m-%d %H:%M} does not exist in {zone}, where the clocks go forward then")
    return moment - now


def demo_alerts(data: dict[str, Any], receivers: dict[str, str], *, zone: ZoneInfo | None = None) -> dict[str, Any]:
    """Return the contents of an alerts.yaml as a demo uses it: what has an address there, at any hour of the day.

    Business hours are left out, or what a visitor sees would depend on the time of day; they stay with a `zone`, for a demo whose
    business clock is set. Who cannot be reached is left out as well,
    and so are the digest and the escalation where they name one of these.
    """
    from alerts.routes import routing_from
    from config import Document

    environment = {**os.environ, **receivers}
    routing = routing_from(Document("alerts.yaml", data))
    reachable = routing.reachable(environment)
    lenders = {name for name in data["destinations"] if routing.lends_its_settings(name)}
    destinations = {name: one for name, one in data["destinations"].items() if name in reachable | lenders}
    for one in destinations.values():
        if one["kind"] == "slack":
            one["mentions"] = [mention for mention in one.get("mentions") or [] if mention.startswith("<")]
    always = ("base_url", "join_window", "update_every", "allow_private")
    shown: dict[str, Any] = {key: data[key] for key in always if key in data}
    if zone is not None and "business_hours" in data:
        shown["business_hours"] = {**(data["business_hours"] or {}), "timezone": str(zone)}
        shown |= {key: data[key] for key in ("after_hours_high",) if key in data}
    unreached = {*routing.critical_unreached(environment), *(set(routing.all_destinations()) - reachable - lenders)}
    if not unreached:
        kept = ("routes", "people", "roles", "aliases", "contact_through", "digest", "escalation")
        return {"destinations": destinations, **{key: data[key] for key in kept if key in data}, **shown}
    routes = {
        severity.value: [name for name in names if name in destinations and name not in lenders]
        for severity, names in routing.routes.by_severity().items()
    }
    return {
        "destinations": {name: one for name, one in destinations.items() if name not in lenders},
        "routes": routes,
        **shown,
    }


def _a_free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
    return port
