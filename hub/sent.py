"""Reads a batch that is in just the form in which a runner sends it, at a fifteenth of what any other costs.

What is odd in any way is left to the patient readers of `hub.ingest`, whose sentences say what is wrong with it: an unknown or
a twisted value, a time that is none, milliseconds with a second decimal, what no database holds, a record that may be too large.
So what is read here is, value for value, what they would have read, and its text can be kept as it is.
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
    """A record and the run that it tells. The run has the fields of a `Run` and of the nouns in it, with their values; it is
    none for `dataclasses`, nor for `isinstance`."""

    run: Run
    text: str

    def forget_attempts(self) -> None:
        """Let go of the attempts of a run whose row is made: nearly all of it, freed where the next is to be read into."""
        typing.cast(Any, self.run).attempts = ()


@dataclass(frozen=True, slots=True)
class SentBatch:
    """The envelope; `records` are as they came. `runner` is JSON."""

    location: str | None
    runner: bytes
    records: list[bytes]


class _Envelope(msgspec.Struct, forbid_unknown_fields=True):
    runs: list[msgspec.Raw]
    version: int = WIRE_VERSION
    location: str | None = None
    runner: msgspec.Raw = msgspec.Raw(b"null")


def read_batch(body: bytes) -> SentBatch | None:
    """The batch; None where it is in another form, or of a newer version."""
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
    """The run; None where the record is in another form, or of a newer version. `record` is UTF-8."""
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
    # To look for one letter is a small part of the work of looking for six, and hardly any record has many of it.
    at = record.find(b"\\")
    while at >= 0 and not record.startswith(b"u0000", at + 1):
        at = record.find(b"\\", at + 1)
    return at >= 0


def _is_small(record: bytes) -> bool:
    """Whether it is under the limit for certain, however it is written: `sanitized` measures it with characters beyond ASCII as
    their escapes, and numbers written out."""
    escaped = 0 if record.isascii() else 2 * len(record)
    if b"\x7f" in record:
        escaped += 5 * record.count(b"\x7f")
    return any(len(record) + escaped + numbers <= LARGEST_RUN for numbers in _written_out(record))


def _written_out(record: bytes) -> Iterator[int]:
    """By how many characters its numbers may grow at most; the first answers cost least, the last are nearest.

    The longest that an exponent stands for: 1e15 is 1000000000000000.0.
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
    """Whether whatever is called milliseconds has one decimal, which is all that `to_wire` keeps of it."""
    told = [run.duration_ms, run.slow_after_ms]
    for noun in (run, *run.attempts):
        told += [step.started_ms for step in noun.steps]
        told += [step.duration_ms for step in noun.steps]
    for attempt in run.attempts:
        told += [attempt.duration_ms, attempt.waited_ms]
        told += [request.started_ms for request in attempt.requests]
        told += [request.duration_ms for request in attempt.requests]
    # `round` of each would cost half as much as to read the record.
    return not [ms for ms in told if ms is not None and ((tenths := ms * 10.0) % 1.0 or tenths / 10.0 != ms)]


@cache
def _twin(noun: Any) -> Any:
    """A noun's fields as a struct that takes no others; its times are text."""
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


# Made while no other thread can be at it: where two make decoders for the same structs at once, one of them crashes the process.
_ENVELOPES = msgspec.json.Decoder(_Envelope)
_RUNS: msgspec.json.Decoder[Any] = msgspec.json.Decoder(_twin(Run))
