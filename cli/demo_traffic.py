"""Runs the simulated traffic of `sixfb demo`: its history in the hub's database, its configuration, and its live feed."""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from cli.hub_config import known_journeys
from cli.output import say

if TYPE_CHECKING:
    from demo import Demo
    from demo.inbox import Inbox
    from demo.traffic import AlertingRule, Feed, Generator, Market
    from store import Store

ZONE = "America/Chicago"
"""The business's clock where site.yaml names none: Dallas is the first of the shop's cities."""
_NAME = "demo-shop"
"""The source that sends the shop's events."""


def with_traffic(site: Mapping[str, Any], *, log_file: Path) -> dict[str, Any]:
    """Return the contents of a site.yaml that switches on every source that the simulated traffic fills."""
    from demo.traffic import ORDERS_PER_DAY, SHOP_NUMBER

    return {
        **site,
        "endpoint_checks": site.get("endpoint_checks") or {"every": "5m"},
        "stripe_reads": {"every": "5m", "orders_a_day": ORDERS_PER_DAY},
        "sms_reads": {"every": "5m", "from_numbers": [SHOP_NUMBER]},
        "log_files": [str(log_file)],
        "business": site.get("business") or {"timezone": ZONE},
    }


_GOAL_SHARE = 0.7
"""The demo's daily goal, as a share of a usual day: four fifths of it are due by 18:00, and a third of the buyers come later."""


def of_the_demos_business(rules: Mapping[str, Any], usual_day_minor: int) -> dict[str, Any]:
    """Return the contents of an sla.yaml for the demo's own business, which sells more than the guide's.

    Its rules on the price of a text are on, beside what a text of the demo costs. The goal of a day follows from `usual_day_minor`,
    what the demo usually takes in a day.
    """
    from demo.traffic import TEXT_CENTS

    goal = round(round(_GOAL_SHARE * usual_day_minor), -5)
    changed = dict(rules)
    for name, rule in rules.items():
        if not isinstance(rule, dict):
            continue
        if rule.get("metric") == "sms_cost_minor":
            changed[name] = {**rule, "enabled": True, "usual": TEXT_CENTS}
        elif rule.get("kind") == "daily_goal":
            changed[name] = {**rule, "goal_minor": goal, "confirmed": True}
        elif rule.get("kind") == "daily_forecast" and "target_minor" in rule:
            changed[name] = {**rule, "target_minor": round(usual_day_minor, -5)}
    return changed


_OF_WHOLE_DAYS = ("daily_forecast", "daily_goal")
"""The kinds of rules that judge the money of a whole day."""


def without_whole_days(rules: Mapping[str, Any]) -> dict[str, Any]:
    """Return the contents of an sla.yaml with its rules on the money of a day switched off: without history the day has just begun."""
    return {
        name: {**rule, "enabled": False} if isinstance(rule, dict) and rule.get("kind") in _OF_WHOLE_DAYS else rule
        for name, rule in rules.items()
    }


def alerting_rule(rules: Mapping[str, Any]) -> AlertingRule:
    """Return the rule of an sla.yaml that fires when nobody can pay at several locations."""
    from demo.traffic import AlertingRule

    for name, rule in rules.items():
        if isinstance(rule, dict) and rule.get("kind") == "quorum" and rule.get("of_payment"):
            title = str(rule["title"])
            return AlertingRule(name=name, title=title, title_past=str(rule.get("title_past", title)))
    return AlertingRule(name="payment", title="payment fails", title_past="payment failed")


@dataclass(kw_only=True)
class Traffic:
    """Runs the traffic of a demo; its hub keeps its data in `folder`. Prepare it before the hub starts, and open it afterwards.

    `began` is the moment at which it begins; `tokens` are those of the runners by location.
    """

    demo: Demo
    inbox: Inbox
    folder: Path
    site: Mapping[str, Any]
    stripe_key: str = field(default_factory=lambda: f"rk_test_{secrets.token_hex(12)}", repr=False)
    began: datetime = field(init=False)
    tokens: dict[str, str] = field(init=False, repr=False)
    _source_token: str = field(init=False, repr=False)

    @property
    def log_file(self) -> Path:
        """The shop's log file, which the hub reads."""
        return self.folder / "shop.log"

    def prepare(self, places: Mapping[str, Sequence[str]], *, period_s: float, history: bool) -> None:
        """Make the database with its tokens and, where it is wanted, the history that it lacks.

        `places` are the locations of each journey, which runs every `period_s` seconds.
        """
        from config import read_document
        from demo.traffic import HISTORY, PastRuns, save_history
        from hub.server_key import server_key
        from hub.tokens import Tokens
        from store import feeds, open_store

        hub_folder = self.folder / "hub"
        hub_folder.mkdir(parents=True, exist_ok=True)
        self.log_file.touch()
        self.began = datetime.now(UTC).replace(second=0, microsecond=0)
        with closing(open_store(None, folder=hub_folder)) as store:
            store.migrate()
            tokens = Tokens(store, server_key(hub_folder))
            locations = sorted({location for of_journey in places.values() for location in of_journey})
            self._end_tokens(store, tokens)
            with store.write() as connection:
                # Of an earlier demo here: until they are read again, nobody knows how many came since.
                feeds.keep_only(connection, ())
            self.tokens = {location: self._issued(tokens, location, is_source=False) for location in locations}
            self._source_token = self._issued(tokens, _NAME, is_source=True)
            if not history:
                return
            say(f"making the history of simulated visitors, {HISTORY.days} days at most; --no-history leaves it out")
            began = time.monotonic()
            cities = self.site.get("cities") or {}
            self.began = save_history(
                store,
                self._generator(),
                now=datetime.now(UTC),
                cities=cities,
                places=places,
                period_s=period_s,
                runs=PastRuns(
                    journeys=known_journeys(),
                    site=next(iter(self.demo.doors.values())),
                    rule=alerting_rule(read_document(self.folder / "config" / "sla.yaml").data),
                ),
            )
            say(f"the history is there after {time.monotonic() - began:.0f} s; it ends {self.began:%H:%M} UTC")

    def _end_tokens(self, store: Store, tokens: Any) -> None:
        """Revoke the tokens of an earlier demo in this folder, which nobody has any more."""
        from store import tokens as rows

        now = datetime.now(UTC)
        with store.read() as connection:
            active = [token.id for token in rows.listed(connection) if not token.revoked_at]
        for token_id in active:
            tokens.revoke(token_id, now=now)

    def _issued(self, tokens: Any, subject: str, *, is_source: bool) -> str:
        from facts import TokenKind

        kind = TokenKind.SOURCE if is_source else TokenKind.LOCATION
        text: str = tokens.issue(kind, subject, now=datetime.now(UTC))[1]
        return text

    @property
    def usual_day_minor(self) -> int:
        """What the demo usually takes in a day, in cents."""
        return self._generator().usual_day_minor

    def _generator(self) -> Generator:
        from demo.traffic import Generator

        business = self.site.get("business")
        zone = business.get("timezone") if isinstance(business, dict) else None
        return Generator(ZoneInfo(zone or ZONE), self.demo.shop_settings)

    def open(self, hub_url: str) -> Feed:
        """Fill the shop as it is now, and return the running feed to the hub."""
        from demo.traffic import HISTORY, Feed, Market, seats_of

        generator, begins = self._generator(), self.began.timestamp()
        market: Market = Market(self.demo.inventory, self.demo.account, self.inbox.shop_texts)
        sales = generator.sales(begins - HISTORY.total_seconds(), begins)
        market.open(seats_of(sales), sales)
        feed: Feed = Feed(
            generator,
            market,
            self.demo.faults,
            begins=begins,
            hub_url=hub_url,
            token=self._source_token,
            log_file=self.log_file,
        )
        feed.start()
        return feed
