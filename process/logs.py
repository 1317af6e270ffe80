"""Configures the log of long-running programs: one JSON object per line, or readable lines on a terminal, with secrets masked."""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Callable, Mapping
from typing import Any, TextIO, cast

import structlog
from structlog.contextvars import bound_contextvars, merge_contextvars
from structlog.stdlib import BoundLogger, ProcessorFormatter
from structlog.typing import EventDict, Processor

from config.complaints import Complaint, ConfigError
from config.secrets import readable_secret
from process.repeats import LimitedHandler
from process.visible import visible, visible_json
from redact.masking import KNOWN, Masker

LEVELS = ("debug", "info", "warning", "error")
FORMS = ("json", "text")
# Their messages repeat ours or, at verbose levels, contain full addresses.
_QUIET = ("httpx", "httpcore", "alembic", "apscheduler", "uvicorn", "stripe", "asyncio")
_OURS = "sixfb"
_OF_LINES = ("exception", "stack")
_FIRST = ("timestamp", "level", "event", "program")

__all__ = ["BoundLogger", "bound_contextvars", "get_logger", "log_form", "start_logging"]


def get_logger(name: str) -> BoundLogger:
    """Return the logger of a part of the product (`sixfb.hub`).

    An event is a constant name like `run_ended`; its keys hold the details.
    """
    ours: list[Processor] = [
        structlog.stdlib.filter_by_level,
        merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        ProcessorFormatter.wrap_for_formatter,
    ]
    logger = structlog.wrap_logger(logging.getLogger(name), processors=ours, wrapper_class=BoundLogger)
    return cast(BoundLogger, logger)


def start_logging(
    program: str,
    *,
    environment: Mapping[str, str] = os.environ,
    stream: TextIO | None = None,
    masker: Masker = KNOWN,
    also: Callable[[str], str] = str,
    context: Mapping[str, str] | None = None,
) -> None:
    """Send all logs of this process and its libraries to a stream (standard error) in the form that `SIXFB_LOG` names.

    `program` and `context` (a runner's location) are in every line. Of equal lines a few are written and the rest
    counted. Secrets of the environment are masked, and `also` masks those that a masker of this room cannot know.

    Raises:
        ConfigError: `SIXFB_LOG` or `SIXFB_LOG_LEVEL` has an unknown value.
    """
    to = stream or sys.stderr
    form, level = log_form(environment)
    masker.learn_environment(environment, readable_secret)

    def mask(text: str) -> str:
        return also(masker.mask(text))

    handler = LimitedHandler(to)
    handler.setFormatter(
        _formatter(form or ("text" if to.isatty() else "json"), to, mask, {"program": program, **(context or {})})
    )
    root = logging.getLogger()
    # All other handlers are removed, because they would write lines that are not masked.
    root.handlers = [handler]
    root.setLevel(level.upper())
    for name in _QUIET:
        _quieten(name, max(logging.WARNING, root.level))
    logging.captureWarnings(True)


def _quieten(name: str, level: int) -> None:
    """Set the level of a library's loggers and send their messages to our handler; some libraries add handlers of their own."""
    below = [logger for logger in logging.root.manager.loggerDict if logger.startswith(f"{name}.")]
    for logger in map(logging.getLogger, (name, *below)):
        logger.handlers, logger.propagate = [], True
        logger.setLevel(level if logger.name == name else logging.NOTSET)


def log_form(environment: Mapping[str, str] = os.environ) -> tuple[str | None, str]:
    """Return the values of `SIXFB_LOG` (None: depends on the stream) and `SIXFB_LOG_LEVEL`. Raises ConfigError."""
    form = _one_of(FORMS, "SIXFB_LOG", environment)
    return form, _one_of(LEVELS, "SIXFB_LOG_LEVEL", environment) or "info"


def _one_of(known: tuple[str, ...], name: str, environment: Mapping[str, str]) -> str | None:
    value = environment.get(name, "").strip().lower()
    if value and value not in known:
        raise ConfigError(
            Complaint(file="environment", key=name, what=f"is {value!r}", hint=f"write {' or '.join(known)}")
        )
    return value or None


def _formatter(form: str, to: TextIO, mask: Callable[[str], str], context: dict[str, str]) -> logging.Formatter:
    def in_context(_logger: object, _method: str, event: EventDict) -> EventDict:
        return {**context, **event}

    def without_secrets(_logger: object, _method: str, event: EventDict) -> EventDict:
        return {key: _masked(value, mask) for key, value in event.items()}

    whole: list[Processor] = [
        ProcessorFormatter.remove_processors_meta,
        in_context,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        structlog.processors.StackInfoRenderer(),
        without_secrets,
        _in_order,
    ]
    if form == "json":
        whole.append(structlog.processors.JSONRenderer(serializer=_one_line))
    else:
        whole.append(_shown)
        # structlog's own tracebacks would show the values of variables.
        plain = structlog.dev.plain_traceback
        whole.append(
            structlog.dev.ConsoleRenderer(
                colors=to.isatty() and not os.environ.get("NO_COLOR"), exception_formatter=plain
            )
        )
    foreign: list[Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        _of_a_library,
    ]
    return ProcessorFormatter(processors=whole, foreign_pre_chain=foreign)


def _one_line(event: Any, **how: Any) -> str:
    return visible_json(json.dumps(event, ensure_ascii=False, **how))


def _shown(_logger: object, _method: str, event: EventDict) -> EventDict:
    """Write out characters that a terminal would execute; a traceback keeps its lines."""
    return {
        visible(key): visible(value, keep="\n" if key in _OF_LINES else "")
        if isinstance(value, str)
        else _inside(value)
        for key, value in event.items()
    }


def _inside(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {visible(str(key)): _inside(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_inside(item) for item in value]
    return visible(value) if isinstance(value, str) else value


def _of_a_library(_logger: object, _method: str, event: EventDict) -> EventDict:
    """Mark a library's message, which is a sentence and not one of our events."""
    return {**event, "event": "library_log", "message": event["event"]}


def _in_order(_logger: object, _method: str, event: EventDict) -> EventDict:
    return {**{key: event[key] for key in _FIRST if key in event}, **event}


def _masked(value: Any, mask: Callable[[str], str]) -> Any:
    """Return a value ready for JSON and with secrets masked; other objects become their text."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, Mapping):
        return {mask(str(key)): _masked(item, mask) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_masked(item, mask) for item in value]
    return mask(str(value))
