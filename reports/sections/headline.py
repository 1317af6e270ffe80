"""Builds the top of a run's page: the result in one sentence, and the facts that prove it."""

from __future__ import annotations

from dataclasses import dataclass

from facts import Purchase, Request, Run, Status, StepStatus, why_unconfirmed
from reports import words
from reports.sections.detail import Detail
from reports.sections.requests import cause_of
from reports.text import one_line

_LONGEST = 320
"""The longest sentence at the top, in characters; step, request and the page's message must follow within 400."""
_LONGEST_TITLE = 80

_SILENT = {
    Status.FAILED: "It failed, and the record does not say why.",
    Status.TIMED_OUT: "It ran out of time, and the record does not say where.",
    Status.ERRORED: "We could not make this run, and the record does not say why.",
    Status.BLOCKED: "A bot wall stood between us and the shop.",
    Status.MISSED: "Nothing was run in this slot, and the record does not say why.",
    Status.SKIPPED: "Nothing was run: maintenance.",
}
_STATES = {
    "paid": "Paid {money}",
    "refunded": "Paid {money} and got it back",
    "open": "Opened a checkout over {money} and left it unpaid",
    "expired": "Opened a checkout over {money} and let it expire",
    "ordered": "Ordered for {money}",
    "undone": "Ordered for {money} and undid it",
}
ORDERS = ("ordered", "undone")
"""The states of an order that a custom journey reported, which is not a Stripe session."""
_PROOFS = {"stripe": "Stripe’s API", "api": "the site’s API"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Flag:
    """Holds a badge beside the status, with its meaning."""

    text: str
    tone: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Headline:
    """Holds the headline.

    `title` is the journey's own, None if no attempt reported it. `whole` is the full text of an error that was too long
    for the top.
    """

    status: str
    tone: str
    journey: str
    title: str | None
    location: str
    sentence: str
    whole: str | None
    flags: tuple[Flag, ...]
    details: tuple[Detail, ...]


def headline(run: Run) -> Headline:
    """Return the headline of a run."""
    title = one_line(run.title, most=_LONGEST_TITLE) if run.title else None
    sentence = one_line(sentence_of(run), most=_LONGEST - len(title or ""))
    return Headline(
        status=words.STATUSES[run.status],
        tone=words.TONES[run.status],
        journey=run.journey,
        title=title,
        location=run.location,
        sentence=sentence,
        whole=run.error if run.error and sentence.endswith("…") else None,
        flags=_flags(run),
        details=_proofs(run) if run.status is Status.PASSED else _causes(run),
    )


def sentence_of(run: Run) -> str:
    """Return the result of a run in one sentence."""
    if run.status is Status.PASSED:
        return f"{achieved(run)}, in {words.duration(run.duration_ms)}."
    return run.error or _SILENT[run.status]


def proof(purchase: Purchase) -> str:
    """Return who confirmed the amount."""
    return _PROOFS.get(purchase.proved_by or "", purchase.proved_by or "nobody")


def achieved(run: Run) -> str:
    """Return what a passed run bought or proved."""
    if run.purchases:
        return words.listed([_bought(p) for p in run.purchases])
    skipped = [step for step in run.steps if step.status is StepStatus.SKIPPED]
    passed = len(run.steps) - len(skipped)
    # A journey that reported no order may still have placed one.
    bought = "" if run.buys else "; nothing was bought"
    if not skipped:
        return f"{'All ' if passed > 1 else ''}{words.count(passed, 'step')} passed{bought}"
    reasons = words.listed(sorted({step.error or "no reason given" for step in skipped}))
    return f"{words.count(passed, 'step')} passed and {len(skipped)} skipped ({reasons}){bought}"


def _bought(purchase: Purchase) -> str:
    done = _STATES.get(purchase.state, f"{purchase.state}: {{money}}")
    said = done.replace("{money}", words.money(purchase.amount_minor, purchase.currency))
    # A journey's own report of an order is not proof.
    is_proved = purchase.proved_by is not None and purchase.state not in ORDERS
    return f"{said}, proved by {proof(purchase)}" if is_proved else said


def _flags(run: Run) -> tuple[Flag, ...]:
    flags = []
    if run.slow:
        limit = f" > {words.limit(run.slow_after_ms)}" if run.slow_after_ms else ""
        flags.append(Flag(text=f"slow: {words.duration(run.duration_ms)}{limit}", tone="warn"))
    if run.flaky:
        flags.append(Flag(text=f"flaky: passed at attempt {len(run.attempts)}, not at the first", tone="warn"))
    why = why_unconfirmed(run)
    if why:
        flags.append(Flag(text=why, tone="warn"))
    if run.slot is None:
        flags.append(Flag(text="ad hoc, never counts", tone="mute"))
    return tuple(flags)


def _causes(run: Run) -> tuple[Detail, ...]:
    attempt = run.counted
    cause = cause_of(attempt, run.failed_step) if attempt else None
    said = [d.text for d in attempt.dialogs if d.step == run.failed_step] if attempt else []
    found = [
        Detail(name="Step", value=run.failed_step, kind="code", note=_place(run)) if run.failed_step else None,
        _request_detail(cause) if cause else None,
        Detail(name="Page said", value=f"“{one_line(said[-1], most=160)}”") if said else None,
        Detail(name="Blame", value=run.blame.value, note=words.BLAMES[run.blame]) if run.blame else None,
        Detail(name="Stopped at", value=attempt.where, kind="code") if attempt and attempt.where else None,
        Detail(name="Page", value=attempt.page, kind="url") if attempt and attempt.page else None,
    ]
    return tuple(detail for detail in found if detail)


def _proofs(run: Run) -> tuple[Detail, ...]:
    attempt = run.counted
    limit = f"limit {words.limit(run.slow_after_ms)}" if run.slow_after_ms else None
    found = [
        Detail(name="Took", value=words.duration(run.duration_ms), note=limit),
        *(
            Detail(name="Bought", value=words.money(p.amount_minor, p.currency), note=p.note or p.state)
            for p in run.purchases
        ),
        Detail(name="Steps", value=_tally(run)),
        Detail(name="Page", value=attempt.page, kind="url") if attempt and attempt.page else None,
    ]
    return tuple(detail for detail in found if detail)


def _tally(run: Run) -> str:
    skipped = sum(step.status is StepStatus.SKIPPED for step in run.steps)
    return f"{len(run.steps) - skipped} passed" + (f", {skipped} skipped" if skipped else "")


def _place(run: Run) -> str | None:
    at = next((i for i, step in enumerate(run.steps) if step.name == run.failed_step), None)
    if at is None:
        return None
    took = run.steps[at].duration_ms
    after = f", after {words.duration(took)}" if took is not None else ""
    return f"step {at + 1} of {len(run.steps)}{after}"


def _request_detail(request: Request) -> Detail:
    answer = request.failure or "no answer" if request.status is None else str(request.status)
    took = words.duration(request.duration_ms) if request.duration_ms is not None else None
    note = " · ".join(part for part in (took, one_line(request.body, most=120) if request.body else None) if part)
    return Detail(
        name="Request", value=f"{request.method} {request.endpoint} → {answer}", kind="code", note=note or None
    )
