"""Plays a story of alerts step by step: `python -m tests.drills.alert_steps FOLDER [FAILPOINT NTH]`; DATABASE_URL as always.

Each step is what somebody outside repeats until it is answered: a tick of the evaluator, a webhook of PagerDuty or Twilio, a ping of a
job, the weekly test, the delivery of what is owed. `FOLDER/steps` counts the steps that were answered, so that the next process
repeats the one at which this one died. `FOLDER/sent` has the id of each message that was sent, a line each. The failpoints are
`store.writing` (a transaction is about to be committed), `store.written` (it is) and `sent` (a message is sent and not recorded).
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

import hub.cycle
from alerts.directory import Directory
from alerts.escalation import Escalation, Tier
from alerts.flapping import Flapping
from alerts.policy import Policy, RollUp
from alerts.weekly_trial import TrialResult, WeeklyTrial
from alerts.windows import Maintenance
from config import Secret
from config.pings import ExpectedPing
from facts import Failpoint, Ping, PingKind, Severity, Verdict, to_wire
from hub.artifacts import Artifacts
from hub.cycle import Cycle
from hub.jobs.alerts_trial import trial_jobs
from hub.jobs.job import JobContext, JobServices
from hub.pagerduty_webhook import PagerDutyWebhook
from hub.pings import PingIngest
from hub.twilio_webhook import PhoneOwner, TwilioWebhook
from store import Store, open_store, outbox
from tests.alerts.builders import NOW, breach, clear
from tests.drills.dying import dies_at
from tests.drills.hub import the_watched
from tests.shipped import shipped_targets

UUID = "3f2504e0-4f89-41d3-9a0c-0305e82c3301"
SECRET = "the secret of the subscription"
ANN = "+15550100002"
CRITICAL, HIGH = Severity.CRITICAL, Severity.HIGH
TICK = timedelta(seconds=10)
WINDOW = Maintenance(
    name="deploy",
    start=(NOW + timedelta(minutes=5)).replace(tzinfo=None),
    duration=timedelta(minutes=1),
    reason="a new version",
    zone=ZoneInfo("UTC"),
    journeys=("vip_member_discount",),
    announce=("slack",),
)
POLICY = Policy(
    routes={CRITICAL: ("slack", "pagerduty"), HIGH: ("slack",)},
    update_every=timedelta(seconds=20),
    escalation=Escalation(
        tiers=(
            Tier(after=timedelta(0), recipients={CRITICAL: ("ann",)}),
            Tier(after=timedelta(minutes=5), recipients={CRITICAL: ("bob",)}),
        )
    ),
    directory=Directory(
        destinations=frozenset({"slack", "pagerduty"}), ways={"ann": ("ann/phone",), "bob": ("bob/phone",)}
    ),
    maintenance=(WINDOW,),
    flapping=Flapping(firings=2, within=timedelta(hours=1), settle=timedelta(seconds=20)),
    roll_up=RollUp(above=1, within=timedelta(minutes=5)),
)
WATCHED = replace(
    the_watched(), site=replace(the_watched().site, pings={"backup": ExpectedPing(uuid=UUID, period="1h", grace="5m")})
)
OUTAGE, OVER = (breach(counted=("us-east", "us-west")),), (clear(),)
LOW = tuple(breach("H4", None, subject=f"city-{n}", severity=HIGH) for n in range(4))
SOLD_OUT_NO_MORE = tuple(clear("H4", None, subject=f"city-{n}", severity=HIGH) for n in range(4))


class Mortal(Store):
    """A store that passes a failpoint before and after each commit."""

    at: Failpoint

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """One transaction."""
        with super().write() as connection:
            yield connection
            self.at("store.writing")
        self.at("store.written")


class Story:
    """The steps, with what they need. The moment of a step is fixed, so that whoever repeats it finds what was stored by then."""

    def __init__(self, store: Store, folder: Path, at: Failpoint) -> None:
        self._store, self._folder, self._at = store, folder, at
        self._pagerduty = PagerDutyWebhook(secret=Secret(SECRET), destinations={"pagerduty"})
        self._twilio = TwilioWebhook(
            tokens=(), phones={ANN: PhoneOwner(name="ann", destinations=frozenset({"ann/phone"}))}
        )
        self.steps: list[Callable[[datetime], object]] = [
            self._tick(*OUTAGE),
            self._sms("SM1", "ack 1"),
            self._sms("SM2", "esc 1"),
            self._event("01A", "incident.acknowledged", "inc-1"),
            self._event("01B", "incident.unacknowledged", "inc-1"),
            self._ping,
            self._tick(*OVER),
            self._tick(*OUTAGE),
            self._tick(*OVER),
            self._tick(*OUTAGE),
            self._tick(*OVER),
            self._tick(*OVER),
            self._tick(*OVER),
            self._tick(*OVER),
            self._tick(*LOW),
            self._tick(*LOW),
            self._tick(*SOLD_OUT_NO_MORE),
            self._tick(*SOLD_OUT_NO_MORE),
            self._tick(*SOLD_OUT_NO_MORE),
            self._trial,
            *(self._tick() for _ in range(18)),
        ]

    def _tick(self, *verdicts: Verdict) -> Callable[[datetime], object]:
        def step(now: datetime) -> None:
            # Judging runs is tested by another drill; here the verdicts are given, so that each step of the story happens.
            vars(hub.cycle)["judge_by"] = lambda _targets, _index: list(verdicts)
            vars(hub.cycle)["why_closed"] = lambda _about, _targets, _index: None
            cycle = Cycle(
                store=self._store,
                watched=WATCHED,
                targets=shipped_targets(),
                policy=POLICY,
                watching_since=NOW,
                holder="drill",
            )
            assert cycle.tick(now).wrote
            self._deliver(now)

        return step

    def _sms(self, message_id: str, text: str) -> Callable[[datetime], object]:
        form = {"MessageSid": message_id, "From": ANN, "Body": text}
        return lambda now: self._twilio.take(self._store, POLICY, form, now=now)

    def _event(self, event_id: str, kind: str, incident: str) -> Callable[[datetime], object]:
        def step(now: datetime) -> None:
            agent = {"summary": "Ann Lee", "type": "user_reference"}
            event = {"id": event_id, "event_type": kind, "occurred_at": to_wire(now), "agent": agent}
            body = json.dumps({"event": {**event, "data": {"incident_key": incident}}}).encode()
            signed = "v1=" + hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
            self._pagerduty.take(self._store, POLICY, body, signed, now=now)

        return step

    def _ping(self, now: datetime) -> None:
        PingIngest(self._store, WATCHED.site).take(UUID, Ping(at=now, kind=PingKind.SUCCESS))

    def _trial(self, now: datetime) -> None:
        def send(_now: datetime) -> Sequence[TrialResult]:
            return [TrialResult(destination="slack", ok=False, detail="answered 401")]

        trial = WeeklyTrial(weekday=0, at=now.time(), zone="UTC", announce=("slack",), send=send)
        services = JobServices(
            store=self._store,
            watched=WATCHED,
            policy=POLICY,
            artifacts=Artifacts(self._store, self._folder / "evidence"),
            first_watched=NOW,
            evidence_bytes=1,
            clock=lambda: now,
            trial=trial,
        )
        trial_jobs(trial)[0].do(JobContext(services=services, slot=NOW))

    def _deliver(self, now: datetime) -> None:
        """Send all that is due; a claim ends at once, because whoever claimed it is dead when somebody else looks."""
        while True:
            with self._store.write() as connection:
                claimed = outbox.claim(connection, holder="drill", now=now, lease_s=0, limit=1)
            if not claimed:
                return
            with (self._folder / "sent").open("a", encoding="utf-8") as sent:
                sent.write(f"{claimed[0].id}\n")
            self._at("sent")
            with self._store.write() as connection:
                outbox.delivered(connection, claimed[0].id, holder="drill", at=now, detail="ok")


def done(folder: Path) -> int:
    """Return how many steps were answered."""
    file = folder / "steps"
    return len(file.read_text(encoding="utf-8").splitlines()) if file.exists() else 0


def main() -> None:
    folder, failing = Path(sys.argv[1]), sys.argv[2:]
    at = dies_at(failing[0], int(failing[1])) if failing else dies_at(None)
    store = Mortal(open_store(os.environ.get("DATABASE_URL"), folder=folder)._engine)
    store.at = at
    story = Story(store, folder, at)
    for number in range(done(folder), len(story.steps)):
        story.steps[number](NOW + number * TICK)
        with (folder / "steps").open("a", encoding="utf-8") as answered:
            answered.write(f"{number}\n")


if __name__ == "__main__":
    main()
