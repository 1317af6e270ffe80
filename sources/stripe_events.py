"""Interprets Stripe's events: which parts of one are kept, and how events are counted. Pure: the poll and the webhook both read by it.

Shapes: https://docs.stripe.com/api/events
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from facts import Event, Labels, Sample, labels
from redact.plain_text import plain

SOURCE = "stripe"
TYPES = (
    "charge.succeeded",
    "charge.failed",
    "payment_intent.payment_failed",
    "charge.refunded",
    "charge.dispute.created",
    "checkout.session.completed",
    "checkout.session.async_payment_succeeded",
    "checkout.session.expired",
)
"""What is read; Stripe lists at most 20 types at once."""
OLDEST = timedelta(days=6)
"""Older events are left out: the hub keeps what it counted from for a week, and could not tell whether it counted them."""
UNKNOWN, OTHER = "unknown", "other"
_CATEGORY = "payments"
_ID = re.compile(r"evt_[A-Za-z0-9_]{1,190}")
_CURRENCY = re.compile(r"[a-z]{3}")
_MOST_MINOR = 10**15
_LONGEST_LABEL = 100
_DEEPEST = 12
_MEMBER = {"true": "yes", "false": "no"}
# The card or the buyer's bank refuses: that is no fault of the shop. `processing_error` is Stripe's or the network's.
_NOT_THE_CARD = frozenset({"processing_error"})
_BY_THE_BANK = frozenset({"payment_intent_authentication_failure"})


class StripeEventError(ValueError):
    """The event does not have the shape of Stripe's events; the message says what is wrong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventFilter:
    """Holds which events are counted at this site.

    Events with an address of `email_pattern` (`{run}` is any run) are the synthetic buyer's, and left out. `cities` are the site's
    cities by name, with their ids: another city than these is counted as "other", where the site names any. `live` is the mode whose
    events are counted, None for both.
    """

    email_pattern: str = ""
    cities: Mapping[str, str] = field(default_factory=dict)
    live: bool | None = None

    def is_synthetic(self, subject: Any) -> bool:
        """Return whether an address of the synthetic buyer is anywhere in an object of Stripe's."""
        before, run, after = self.email_pattern.partition("{run}")
        shape = re.escape(before) + (f"[A-Za-z0-9-]+{re.escape(after)}" if run else "")
        wanted = re.compile(shape, re.IGNORECASE)
        return bool(self.email_pattern) and any(wanted.fullmatch(text.strip()) for text in _texts(subject))


def read_event(told: Any, counted: EventFilter) -> Event | None:
    """Return what is kept of an event as Stripe tells it; None where it is not counted: another type or mode, or the synthetic buyer's.

    No name, address, card or id of a person is kept.

    Raises:
        StripeEventError: it is no event, or lacks what is counted.
    """
    event_id, kind, at, subject = _envelope(told)
    if kind not in TYPES or (counted.live is not None and told.get("livemode") is not counted.live):
        return None
    if counted.is_synthetic(subject):
        return None
    try:
        fields = _fields(kind, told, subject, counted)
    except StripeEventError as error:
        raise StripeEventError(f"{event_id} ({kind}): {error}") from None
    if fields is None:
        return None
    level = "error" if fields.get("outcome") == "failed" or kind == "charge.dispute.created" else "info"
    return Event(id=event_id, at=at, level=level, name=kind, category=_CATEGORY, fields=fields)


def count_events(events: Sequence[Event]) -> list[Sample]:
    """Return the samples of all the events of some seconds: what was counted and summed in each second.

    It has to be given every event of each of these seconds. Then the same events make the same samples, in whatever order they came
    and however often.
    """
    sums: dict[tuple[str, Labels, datetime], int] = defaultdict(int)
    for event in {event.id: event for event in events}.values():
        for metric, its, value in _numbers(event):
            sums[metric, its, event.at] += value
    return [
        Sample(metric=metric, at=at, value=float(value), labels=its)
        for (metric, its, at), value in sorted(sums.items())
    ]


def _envelope(told: Any) -> tuple[str, str, datetime, Mapping[str, Any]]:
    if not isinstance(told, dict) or told.get("object") != "event":
        raise StripeEventError("it is no event of Stripe's: an object whose `object` is `event`")
    event_id, kind, created, data = (told.get(key) for key in ("id", "type", "created", "data"))
    if not isinstance(event_id, str) or not _ID.fullmatch(event_id):
        raise StripeEventError(f"its id is {event_id!a:.60}, and an event's begins with evt_")
    if not isinstance(kind, str):
        raise StripeEventError(f"{event_id} has no type")
    if not isinstance(created, int) or isinstance(created, bool) or not 0 < created < 10**11:
        raise StripeEventError(f"{event_id}: created is {created!a:.40}, and no time in seconds")
    subject = data.get("object") if isinstance(data, dict) else None
    if not isinstance(subject, dict):
        raise StripeEventError(f"{event_id} tells of no object (data.object)")
    return event_id, kind, datetime.fromtimestamp(created, UTC), subject


Fields = dict[str, str | int | float | bool | None]


def _fields(kind: str, told: Any, subject: Mapping[str, Any], counted: EventFilter) -> Fields | None:
    if kind == "charge.succeeded":
        return {"outcome": "succeeded", **_money(subject, "amount")}
    if kind == "charge.failed":
        return {"outcome": _failed_charge(subject), **_money(subject, "amount")}
    if kind == "payment_intent.payment_failed":
        return _failed_without_charge(subject)
    if kind == "charge.refunded":
        return _refunded(told, subject)
    if kind == "charge.dispute.created":
        return _money(subject, "amount")
    paid = kind != "checkout.session.expired" and subject.get("payment_status") == "paid"
    money = _money(subject, "amount_total") if paid else {}
    return {"paid": paid, **_price(subject), **money, **_of_whom(subject, counted)}


def _price(session: Mapping[str, Any]) -> Fields:
    """Return the price of a session, paid or not; nothing if it has no valid one. No revenue is computed from it."""
    try:
        told = _money(session, "amount_total")
    except StripeEventError:
        return {}
    return {"price": told["amount"], "currency": told["currency"]}


def _failed_charge(charge: Mapping[str, Any]) -> str:
    outcome = charge.get("outcome")
    by = outcome.get("type") if isinstance(outcome, dict) else None
    declined = by == "issuer_declined" or (by is None and charge.get("failure_code") == "card_declined")
    return "declined" if declined and charge.get("failure_code") not in _NOT_THE_CARD else "failed"


def _failed_without_charge(intent: Mapping[str, Any]) -> Fields | None:
    """Count a payment that failed before the bank was asked; one with a charge is counted by its `charge.failed` event."""
    error = intent.get("last_payment_error")
    if not isinstance(error, dict):
        return {"outcome": "failed", **_money(intent, "amount")}
    if error.get("charge"):
        return None
    code = error.get("code")
    of_card = (error.get("type") == "card_error" and code not in _NOT_THE_CARD) or code in _BY_THE_BANK
    return {"outcome": "declined" if of_card else "failed", **_money(intent, "amount")}


def _refunded(told: Any, charge: Mapping[str, Any]) -> Fields:
    """A charge tells the sum of all its refunds; what this one added follows from what the event says it was before."""
    money = _money(charge, "amount_refunded")
    before = told["data"].get("previous_attributes")
    earlier = before.get("amount_refunded") if isinstance(before, dict) else None
    if isinstance(earlier, int) and not isinstance(earlier, bool) and 0 <= earlier <= int(str(money["amount"])):
        money["amount"] = int(str(money["amount"])) - earlier
    return money


def _money(subject: Mapping[str, Any], key: str) -> Fields:
    amount, currency = subject.get(key), subject.get("currency")
    if not isinstance(amount, int) or isinstance(amount, bool) or not 0 <= amount <= _MOST_MINOR:
        raise StripeEventError(f"{key} is {amount!a:.40}, and no amount in minor units")
    if not isinstance(currency, str) or not _CURRENCY.fullmatch(currency.lower()):
        raise StripeEventError(f"currency is {currency!a:.40}, and none of three letters")
    return {"amount": amount, "currency": currency.lower()}


def _of_whom(session: Mapping[str, Any], counted: EventFilter) -> Fields:
    told = session.get("metadata")
    metadata = told if isinstance(told, dict) else {}
    member = str(metadata.get("isSixFBMember", "")).strip().lower()
    return {
        "city": _city(metadata, counted.cities),
        "tier": _word(metadata, "ticketType", "tier").lower(),
        "member": _MEMBER.get(member, UNKNOWN),
    }


def _city(metadata: Mapping[str, Any], cities: Mapping[str, str]) -> str:
    city = _word(metadata, "cityId", "city")
    if city == UNKNOWN or not cities:
        return city
    known = {name.lower(): city_id for name, city_id in cities.items()} | {i.lower(): i for i in cities.values()}
    return known.get(city.lower(), OTHER)


def _word(metadata: Mapping[str, Any], *keys: str) -> str:
    for key in keys:
        value = metadata.get(key)
        if isinstance(value, str) and 1 <= len(value.strip()) <= _LONGEST_LABEL and value == plain(value):
            return value.strip()
    return UNKNOWN


def _texts(found: Any, depth: int = 0) -> Iterator[str]:
    if isinstance(found, str):
        yield found
    elif depth < _DEEPEST and isinstance(found, (dict, list)):
        for one in found.values() if isinstance(found, dict) else found:
            yield from _texts(one, depth + 1)


_PAYMENTS = {
    "succeeded": "stripe_payments_succeeded",
    "declined": "stripe_payments_declined",
    "failed": "stripe_payments_failed",
}


def _numbers(event: Event) -> Iterator[tuple[str, Labels, int]]:
    its = event.fields
    amount, currency = int(its.get("amount") or 0), str(its.get("currency") or "")
    if event.name.startswith("checkout.session."):
        yield from _session_numbers(event, amount, currency)
    elif event.name == "charge.refunded":
        yield "stripe_refunds", (), 1
        yield "stripe_refunded_minor", labels(currency=currency), amount
    elif event.name == "charge.dispute.created":
        yield "stripe_disputes", (), 1
        yield "stripe_disputed_minor", labels(currency=currency), amount
    elif (metric := _PAYMENTS.get(str(its.get("outcome")))) is not None:
        yield metric, (), 1
        if its["outcome"] == "succeeded":
            yield "stripe_charged_minor", labels(currency=currency), amount
            yield "stripe_charges", labels(currency=currency), 1


_OUTCOMES = {"checkout.session.completed": "completed", "checkout.session.expired": "expired"}


def _session_numbers(event: Event, amount: int, currency: str) -> Iterator[tuple[str, Labels, int]]:
    of = {key: str(event.fields[key]) for key in ("city", "tier", "member")}
    if event.name == "checkout.session.completed":
        yield "stripe_sessions_completed", labels(**of), 1
    elif event.name == "checkout.session.expired":
        yield "stripe_sessions_expired", labels(**of), 1
    outcome = _OUTCOMES.get(event.name)
    if outcome is not None and "price" in event.fields:
        its = labels(currency=currency, outcome=outcome, price_minor=str(event.fields["price"]))
        yield "stripe_priced_sessions", its, 1
    if event.fields.get("paid"):
        yield "stripe_orders_minor", labels(currency=currency, **of), amount
