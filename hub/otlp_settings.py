"""Reads how runs are exported by OTLP, from the standard variables of OpenTelemetry.

https://opentelemetry.io/docs/specs/otel/protocol/exporter/ names the variables; those that are not named here are not read.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from config import Complaint, ConfigError, Secret
from config.secrets import read_secret

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
_USUAL_MS, _LONGEST_MS = 10_000, 30_000
_MOST_PAIRS = 64
_YES, _NO = ("true",), ("", "false")


@dataclass(frozen=True, slots=True, kw_only=True)
class OtlpSettings:
    """Holds where traces and metrics are sent, and how; an address is None where that signal is not exported.

    `headers` are sent with each request, `resource` describes the exporter, `timeout_s` is the time that one request may take.
    """

    traces: str | None
    metrics: str | None
    headers: Mapping[str, Secret] = field(default_factory=dict, repr=False)
    resource: Mapping[str, str] = field(default_factory=dict)
    timeout_s: float = _USUAL_MS / 1000
    gzip: bool = False


def read_otlp_settings(environment: Mapping[str, str]) -> OtlpSettings | None:
    """Return how runs are exported; None if no address is set.

    Raises:
        ConfigError: a variable is wrong.
    """
    if _one_of("OTEL_SDK_DISABLED", environment, (*_YES, *_NO)) in _YES:
        return None
    base = _address(ENDPOINT, environment)
    traces = _signal("TRACES", base, environment)
    metrics = _signal("METRICS", base, environment)
    if traces is None and metrics is None:
        return None
    _one_of("OTEL_EXPORTER_OTLP_PROTOCOL", environment, ("", "http/protobuf"))
    name = environment.get("OTEL_SERVICE_NAME", "").strip()
    resource = {"service.name": "sixfb"} | _pairs(
        "OTEL_RESOURCE_ATTRIBUTES", environment.get("OTEL_RESOURCE_ATTRIBUTES", "")
    )
    told = read_secret("OTEL_EXPORTER_OTLP_HEADERS", environment, masked=False)
    headers = {
        key: Secret(value) for key, value in _pairs("OTEL_EXPORTER_OTLP_HEADERS", told.reveal() if told else "").items()
    }
    for key, secret in headers.items():
        if not _is_header(key, secret.reveal()):
            raise _wrong(
                "OTEL_EXPORTER_OTLP_HEADERS", f"{key!a:.40} is no header", "write it like authorization=Bearer%20TOKEN"
            )
    return OtlpSettings(
        traces=traces,
        metrics=metrics,
        headers=headers,
        resource=resource | ({"service.name": name} if name else {}),
        timeout_s=_timeout_s(environment),
        gzip=_one_of("OTEL_EXPORTER_OTLP_COMPRESSION", environment, ("", "none", "gzip")) == "gzip",
    )


def _signal(signal: str, base: str | None, environment: Mapping[str, str]) -> str | None:
    """Return the address of a signal: its own as it is, else the common one with the path of the signal."""
    if _one_of(f"OTEL_{signal}_EXPORTER", environment, ("", "otlp", "none")) == "none":
        return None
    own = _address(f"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT", environment)
    if own is not None or base is None:
        return own
    return f"{base.rstrip('/')}/v1/{signal.lower()}"


def _address(key: str, environment: Mapping[str, str]) -> str | None:
    text = environment.get(key, "").strip()
    if not text:
        return None
    try:
        parts = urlsplit(text)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0 and text.isprintable()
    except ValueError:
        good = False
    if not good or parts.query or parts.fragment or parts.username is not None:
        what = "is no address of a collector"
        raise _wrong(key, what, "write it like https://collector.example.com:4318, without user and query")
    return text


def _timeout_s(environment: Mapping[str, str]) -> float:
    key = "OTEL_EXPORTER_OTLP_TIMEOUT"
    text = environment.get(key, "").strip()
    if not text:
        return _USUAL_MS / 1000
    if not (text.isascii() and text.isdigit() and len(text) <= 6 and 1 <= int(text) <= _LONGEST_MS):
        raise _wrong(
            key, f"{text!a:.40} is no time that one request may take", f"write milliseconds, 1 to {_LONGEST_MS}"
        )
    return int(text) / 1000


def _pairs(key: str, text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, equals, value = part.partition("=")
        if not equals or not name.strip():
            # Not quoted: it may be half of a secret.
            raise _wrong(key, "has a part that is no pair", "write it like key1=value1,key2=value2")
        found[unquote(name.strip())] = unquote(value.strip())
    if len(found) > _MOST_PAIRS:
        raise _wrong(key, f"has {len(found)} pairs", f"write {_MOST_PAIRS} at most")
    return found


def _is_header(name: str, value: str) -> bool:
    return (
        name.isascii() and name.replace("-", "").replace("_", "").isalnum() and value.isascii() and value.isprintable()
    )


def _one_of(key: str, environment: Mapping[str, str], known: tuple[str, ...]) -> str:
    value = environment.get(key, "").strip().lower()
    if value not in known:
        raise _wrong(key, f"{value!a:.40} is not known here", f"there are {', '.join(filter(None, known))}")
    return value


def _wrong(key: str, what: str, hint: str) -> ConfigError:
    return ConfigError(Complaint(file="environment", key=key, what=what, hint=hint))
