"""Reads a batch in exactly the form that runners send, at a fifteenth of the cost of any other form.

Anything unusual is left to the slower readers of `hub.ingest`, whose errors say what is wrong: an unknown or malformed
value, an invalid time, milliseconds with a second decimal, unstorable characters, a record that may be too large. So
the values read here equal theirs, and the record's text can be stored unchanged.

The records are decoded into structs, not into the frozen dataclasses, because only a struct refuses unknown keys and it
costs half as much. `docs/cost.md` has the figures.
"""

from __future__ import annotations

import dataclasses
import re
import types
import typing
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

import msgspec

from facts import WIRE_VERSION, Run, WireError, moment_of
from hub.records import LARGEST_RUN

_EXPONENT = re.compile(rb"[0-9][eE]")


@dataclass(frozen=True, slots=True)
class Sent:
    """Holds a record and its run.

    The run has the fields and values of a `Run` and its nested objects, but is not a dataclass and no instance of
    `Run`.
    """

    run: Run
    text: str

    def forget_attempts(self) -> None:
        """Drop the attempts of a run whose row is made. They are most of its memory, which is needed for the next run."""
        typing.cast(Any, self.run).attempts = ()


@dataclass(frozen=True, slots=True)
class SentBatch:
    """Holds the envelope; `records` are unparsed JSON, and so is `runner`."""

    location: str | None
    runner: bytes
    records: list[bytes]


class _Envelope(msgspec.Struct, forbid_unknown_fields=True):
    runs: list[msgspec.Raw]
    version: int = WIRE_VERSION
    location: str | None = None
    runner: msgspec.Raw = msgspec.Raw(b"null")


def read_batch(body: bytes) -> SentBatch | None:
    """Return the batch; None if it has another form, or is of a newer version."""
    try:
        if not body.isascii():
            body.decode("utf-8")
        read = _ENVELOPES.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    if read.version > WIRE_VERSION:
        return None
    return SentBatch(read.location, bytes(read.runner), [bytes(record) for record in read.runs])


def read_run(record: bytes) -> Sent | None:
    """Return the run; None if the record has another form, or is of a newer version. `record` is UTF-8."""
    if _has_nul(record) or not _is_small(record):
        return None
    try:
        run = _RUNS.decode(record)
        _read_times(run)
    except (msgspec.MsgspecError, WireError, RecursionError):
        return None
    if run.version > WIRE_VERSION or not _are_rounded(run):
        return None
    return Sent(typing.cast(Run, run), record.decode())


def _has_nul(record: bytes) -> bool:
    # Searching for one byte costs a small part of searching for six, and few records contain many backslashes.
    at = record.find(b"\\")
    while at >= 0 and not record.startswith(b"u0000", at + 1):
        at = record.find(b"\\", at + 1)
    return at >= 0


def _is_small(record: bytes) -> bool:
    """Return whether a record is certainly within the size limit.

    `sanitized` measures characters beyond ASCII as their escapes, and numbers written out, so both are estimated here.
    """
    escaped = 0 if record.isascii() else 2 * len(record)
    if b"\x7f" in record:
        escaped += 5 * record.count(b"\x7f")
    return any(len(record) + escaped + numbers <= LARGEST_RUN for numbers in _written_out(record))


def _written_out(record: bytes) -> Iterator[int]:
    """Yield upper bounds for the characters by which the numbers may grow, from the cheapest to the tightest.

    The longest number with an exponent, 1e15, is written out as 1000000000000000.0.
    """
    yield 3 * len(record)
    yield 14 * (record.count(b"e") + record.count(b"E"))
    yield 14 * len(_EXPONENT.findall(record))


def _read_times(run: Any) -> None:
    run.started_at, run.finished_at = moment_of(run.started_at), moment_of(run.finished_at)
    if run.slot is not None:
        run.slot = moment_of(run.slot)
    for attempt in run.attempts:
        attempt.started_at = moment_of(attempt.started_at)
        if attempt.requests_reset_at is not None:
            attempt.requests_reset_at = moment_of(attempt.requests_reset_at)


def _are_rounded(run: Any) -> bool:
    """Return whether every field in milliseconds has at most one decimal, as `to_wire` writes it."""
    told = [run.duration_ms, run.slow_after_ms]
    for noun in (run, *run.attempts):
        told += [step.started_ms for step in noun.steps]
        told += [step.duration_ms for step in noun.steps]
    for attempt in run.attempts:
        told += [attempt.duration_ms, attempt.waited_ms]
        told += [request.started_ms for request in attempt.requests]
        told += [request.duration_ms for request in attempt.requests]
    # Calling `round` for each would cost half as much as parsing the record.
    return not [ms for ms in told if ms is not None and ((tenths := ms * 10.0) % 1.0 or tenths / 10.0 != ms)]


@cache
def _twin(noun: Any) -> Any:
    """Return a struct with the fields of a dataclass that forbids other fields; its times are text."""
    hints = typing.get_type_hints(noun)
    return msgspec.defstruct(
        noun.__name__,
        [_field(field, _form(hints[field.name])) for field in dataclasses.fields(noun)],
        kw_only=True,
        forbid_unknown_fields=True,
        gc=False,
    )


def _field(field: dataclasses.Field[Any], form: Any) -> Any:
    if field.default is not dataclasses.MISSING:
        return field.name, form, field.default
    if field.default_factory is not dataclasses.MISSING:
        return field.name, form, msgspec.field(default_factory=field.default_factory)
    return field.name, form


def _form(hint: Any) -> Any:
    if dataclasses.is_dataclass(hint):
        return _twin(typing.cast(typing.Hashable, hint))
    if typing.get_origin(hint) is tuple:
        return types.GenericAlias(tuple, (_form(typing.get_args(hint)[0]), ...))
    if hint is datetime:
        return str
    return str | None if hint == datetime | None else hint


# Made at import: if two threads make decoders for the same structs at once, one crashes the process.
_ENVELOPES = msgspec.json.Decoder(_Envelope)
_RUNS: msgspec.json.Decoder[Any] = msgspec.json.Decoder(_twin(Run))
