"""Counts the shop's SMS from Twilio's list of messages: delivered, failed or without a receipt, by the minute in which they were sent.

https://www.twilio.com/docs/messaging/api/message-resource#read-multiple-message-resources
"""

from __future__ import annotations

import hashlib
import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, ClassVar

import httpx

from config import Secret
from facts import Labels, Sample, labels
from process.bounded_http import AnswerTooLargeError, bounded_client, retry_after_s
from redact.plain_text import plain
from sources.source import Collected, Past, SourceError, SourceSettings

API = "https://api.twilio.com"
DAYS = 3
"""Today and the two days before are read each time: receipts and prices come late, and the list can be filtered by GMT day alone."""
SETTLED = timedelta(minutes=5)
"""Younger messages are not counted: most of them have no receipt yet."""
PAGE, MOST_PAGES = 1000, 20
_LARGEST_PAGE = 20_000_000
_WITHIN_S = 15.0
_LIMITED_WAIT_S = 60.0
_DELIVERED, _FAILED = ("delivered", "read"), ("failed", "undelivered")
_NEVER_SENT = ("canceled", "scheduled")
# 20429 too many requests, 30001 the queue overflows.
_RATE_LIMITED = (20429, 30001)
_WITHOUT_CENTS = ("jpy", "krw", "clp", "vnd")
_COUNTS = ("sms_delivered", "sms_failed", "sms_no_receipt", "sms_rate_limited", "sms_segments")


class SmsSource:
    """Reads the messages that a Twilio account sent. Each minute is counted anew at each reading, so that none counts twice."""

    name: ClassVar[str] = "sms"
    site_requests: ClassVar[int] = 0
    past: ClassVar[timedelta] = timedelta(days=33)
    """Twilio lists messages for longer, and the hub takes no older samples: the list begins with a whole day."""

    def __init__(self, settings: SourceSettings, client: httpx.Client | None = None) -> None:
        self._account = settings.sms_account or Secret("")
        self._token = settings.sms_token or Secret("")
        self._base = (settings.sms_base or API).rstrip("/")
        self._from = frozenset(settings.sms_from)
        self._client = client or bounded_client(timeout_s=_WITHIN_S, most_bytes=_LARGEST_PAGE)
        self.every_s = settings.sms_every_s or 300.0
        self._reads = 0

    @staticmethod
    def configured(settings: SourceSettings) -> str | None:
        """Return None if reading is switched on and an account is configured, else what is missing."""
        if settings.sms_every_s is None:
            return "site.yaml has no sms_reads"
        if settings.sms_account is None or settings.sms_token is None:
            return "TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN are not both set"
        return None

    def collect(self, cursor: Any, now: datetime) -> Collected:
        """Read the messages of the last days. Raises SourceError where a day cannot be read to its end."""
        today, told = now.astimezone(UTC).date(), dict[str, Any]()
        for back in range(DAYS):
            for message in self._day((today - timedelta(days=back)).isoformat()):
                told[_sid(message)] = message
        return _changed(count_messages(list(told.values()), now=now, senders=self._from), cursor)

    def read_past(self, cursor: Any, since: datetime, now: datetime) -> Past:
        """Read the messages of every GMT day from that of `since` on, newest first, up to a day that cannot be read to its end.

        A day that failed is told in `missing`.
        """
        day, first = now.astimezone(UTC).date(), since.astimezone(UTC).date()
        told, begins = dict[str, Any](), now
        missing: str | None = None
        self._reads = 0
        while day >= first:
            try:
                of_day = {_sid(message): message for message in self._day(day.isoformat())}
                count_messages(list(of_day.values()), now=now)
            except SourceError as error:
                missing = str(error)
                break
            told |= of_day
            begins = datetime(day.year, day.month, day.day, tzinfo=UTC)
            day -= timedelta(days=1)
        counted = count_messages(list(told.values()), now=now, senders=self._from)
        return Past(since=begins, samples=counted, reads=self._reads, missing=missing)

    def count_reads(self, cursor: Any, reads: int, now: datetime) -> Any:
        """Return the cursor as it is: Twilio's list has no allowance."""
        return cursor

    def _day(self, day: str) -> Iterator[Any]:
        folder = f"/2010-04-01/Accounts/{self._account.reveal()}/"
        place: str | None = f"{folder}Messages.json?DateSent={day}&PageSize={PAGE}"
        for _ in range(MOST_PAGES):
            body = self._page(place)
            messages, place = body.get("messages"), body.get("next_page_uri")
            if not isinstance(messages, list):
                raise SourceError("GET Messages.json: the answer lists no messages")
            yield from messages
            if place is None:
                return
            # The login is sent along: nowhere but to the account itself.
            if not isinstance(place, str) or not place.startswith(folder):
                raise SourceError(f"GET Messages.json: next_page_uri is no page of the account: {place!a:.60}")
        raise SourceError(
            f"GET Messages.json: {day} has more than {MOST_PAGES * PAGE:,} messages, so its sums would be wrong"
        )

    def _page(self, place: str | None) -> Mapping[str, Any]:
        login = (self._account.reveal(), self._token.reveal())
        self._reads += 1
        try:
            answer = self._client.get(f"{self._base}{place}", auth=login)
        except AnswerTooLargeError as error:
            raise SourceError(f"GET Messages.json: the answer has {error}") from None
        except httpx.HTTPError as error:
            raise SourceError(f"GET Messages.json: no answer ({type(error).__name__})") from None
        try:
            body = answer.json()
        except (ValueError, RecursionError):  # the second: it is nested too deeply
            body = None
        if answer.status_code != 200:
            raise _refused(answer, body if isinstance(body, dict) else {})
        if not isinstance(body, dict):
            raise SourceError("GET Messages.json: the answer is no JSON object")
        return body

    def close(self) -> None:
        """Release the connections."""
        self._client.close()


def _refused(answer: httpx.Response, body: Mapping[str, Any]) -> SourceError:
    status, wait_s = answer.status_code, retry_after_s(answer.headers)
    what = {
        401: "Twilio does not know this account or its token",
        403: "the account or key may not list messages",
        429: "Twilio limits this account's requests",
    }.get(status, "")
    code = body.get("code")
    said = f"error {code}" if isinstance(code, int) else ""
    return SourceError(
        f"GET Messages.json: {status}" + "".join(f": {one}" for one in (what, said) if one),
        permanent=400 <= status < 500 and status not in (408, 425, 429),
        retry_after_s=_LIMITED_WAIT_S if status == 429 and wait_s is None else wait_s,
    )


def count_messages(told: Sequence[Any], *, now: datetime, senders: frozenset[str] = frozenset()) -> list[Sample]:
    """Return the counts of each minute in which messages were sent, all of them where one is, so that a count falls back to 0 too.

    `told` holds each message of whole days once, as Twilio tells it. Those that came in, that were never sent, that are younger than
    five minutes, or whose sender is none of `senders` (where there are any) are left out.

    Raises:
        SourceError: a message has another shape.
    """
    sums: dict[tuple[datetime, str, Labels], float] = defaultdict(float)
    for message in told:
        at = _sent_at(message)
        if at is None or at > now - SETTLED or not _is_counted(message, senders):
            continue
        minute = at.replace(second=0, microsecond=0)
        for metric in _COUNTS:
            sums[minute, metric, ()] += 0.0
        sums[minute, _class(message["status"]), ()] += 1
        sums[minute, "sms_rate_limited", ()] += message.get("error_code") in _RATE_LIMITED
        sums[minute, "sms_segments", ()] += _segments(message)
        if (price := _price(message)) is not None:
            sums[minute, "sms_cost_minor", labels(currency=price[0])] += price[1]
            sums[minute, "sms_priced_messages", labels(currency=price[0])] += 1
    return [Sample(metric=m, at=at, value=value, labels=its) for (at, m, its), value in sorted(sums.items())]


def _changed(counted: Sequence[Sample], cursor: Any) -> Collected:
    """Return the samples of the hours that are not as they were at the last reading: most of three days never change again."""
    before = cursor if isinstance(cursor, dict) else {}
    hours: dict[str, list[Sample]] = defaultdict(list)
    for sample in counted:
        hours[sample.at.strftime("%Y-%m-%dT%H")].append(sample)
    digests = {hour: hashlib.sha256(repr(some).encode()).hexdigest()[:16] for hour, some in hours.items()}
    samples = [sample for hour, some in hours.items() if before.get(hour) != digests[hour] for sample in some]
    return Collected(samples=samples, cursor=digests)


def _sid(message: Any) -> str:
    sid = message.get("sid") if isinstance(message, dict) else None
    if not isinstance(sid, str) or not isinstance(message.get("status"), str):
        raise SourceError(f"GET Messages.json: a message without sid or status: {str(message)[:60]!a}")
    return sid


def _sent_at(message: Mapping[str, Any]) -> datetime | None:
    text = message.get("date_sent")
    if text is None:
        return None
    try:
        return parsedate_to_datetime(text).astimezone(UTC)
    except (TypeError, ValueError, IndexError, OverflowError):
        raise SourceError(f"GET Messages.json: date_sent is {text!a:.60}, and no time") from None


def _is_counted(message: Mapping[str, Any], senders: frozenset[str]) -> bool:
    if str(message.get("direction") or "").startswith("inbound") or message["status"] in _NEVER_SENT:
        return False
    return not senders or message.get("from") in senders


def _class(status: str) -> str:
    if status in _DELIVERED:
        return "sms_delivered"
    if status in _FAILED:
        return "sms_failed"
    return "sms_no_receipt"


def _segments(message: Mapping[str, Any]) -> int:
    told = str(message.get("num_segments") or "")
    return int(told) if told.isascii() and told.isdigit() and len(told) <= 3 else 0


def _price(message: Mapping[str, Any]) -> tuple[str, float] | None:
    """Return the currency and the price in minor units; Twilio reports it later than the message, as a negative number in text."""
    currency = str(message.get("price_unit") or "").lower()
    try:
        price = abs(float(message.get("price")))  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):  # the last: an integer of hundreds of digits
        return None
    if not math.isfinite(price) or len(currency) != 3 or currency != plain(currency):
        return None
    return currency, round(price * (1 if currency in _WITHOUT_CENTS else 100), 6)
