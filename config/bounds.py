"""Defines the allowed values of the configuration, with reasons: bounds of numbers and durations, and the form of addresses.

They are used in the annotations of the shapes (`Annotated[int, Bounds(1, 100, "...")]`) and checked when a file is
read. The wire format ignores them, so that a runner accepts a plan that an older hub made.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import SplitResult, urlsplit

from config.complaints import Complaint, ConfigError
from config.durations import seconds, words

_NUMBER = re.compile(r"[-+]?([0-9]{1,18}(\.[0-9]{0,18})?|\.[0-9]{1,18})")
_LABEL = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?")


def _before(check: Callable[[Any], Any], source: Any, handler: Callable[[Any], Any]) -> Any:
    from pydantic_core import core_schema  # imported here, because a run reads no file and must not spend the time

    return core_schema.no_info_before_validator_function(check, handler(source))


def _after(check: Callable[[Any], Any], source: Any, handler: Callable[[Any], Any]) -> Any:
    """Add a check of the converted value.

    A shape that converts numbers to text turns `12` into a text of two characters, which the check must see too.
    """
    from pydantic_core import core_schema

    return core_schema.no_info_after_validator_function(check, handler(source))


@dataclass(frozen=True, slots=True)
class Bounds:
    """Allows a number from `least` to `most`; `reason` explains the limits. A boolean or a text is not a number."""

    least: float
    most: float
    reason: str
    whole: bool = False

    def check(self, value: Any) -> float:
        """Return the value if it is allowed. Raises ValueError."""
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise ValueError(f"input should be a valid {self.kind}, got {value!r:.80}{_advice(value)}")
        # An integer of hundreds of digits is finite, and is no float.
        if isinstance(value, float) and not math.isfinite(value):
            raise ValueError(f"input should be a valid {self.kind}, got {value}")
        if self.whole and value != int(value):
            raise ValueError(f"input should be a valid whole number, got {value}")
        if not self.least <= value <= self.most:
            between = f"{_shown(self.least)} and {_shown(self.most)}"
            raise ValueError(f"{_shown(value):.80} is not between {between}: {self.reason}")
        return int(value) if self.whole else value

    def read(self, text: str, *, key: str, file: str = "environment") -> float:
        """Return the number in a text, such as an environment variable. Raises ConfigError."""
        try:
            if not _NUMBER.fullmatch(text.strip()):
                raise ValueError(f"{text!r:.80} is no number; {self.reason}")
            return self.check(float(text) if not self.whole or "." in text else int(text))
        except ValueError as error:
            raise ConfigError(Complaint(file=file, key=key, what=str(error))) from None

    @property
    def kind(self) -> str:
        """The expected kind of value, as text."""
        return "whole number" if self.whole else "number"

    def __get_pydantic_core_schema__(self, source: Any, handler: Callable[[Any], Any]) -> Any:
        return _before(self.check, source, handler)


def Whole(least: int, most: int, reason: str) -> Bounds:  # noqa: N802 - used like a class
    """Return bounds for a whole number from `least` to `most`."""
    return Bounds(least, most, reason, whole=True)


@dataclass(frozen=True, slots=True)
class Flag:
    """Allows true or false only, and no value that could be converted to one of them."""

    @staticmethod
    def check(value: Any) -> bool:
        """Return the value if it is a boolean. Raises ValueError."""
        if not isinstance(value, bool):
            raise ValueError(f"input should be true or false, got {value!r:.80}")
        return value

    def __get_pydantic_core_schema__(self, source: Any, handler: Callable[[Any], Any]) -> Any:
        return _before(self.check, source, handler)


@dataclass(frozen=True, slots=True)
class SectionOrOff:
    """Allows a section of keys, or `off`, or null (an empty value), which means the same.

    `number` is the section's key for its size; `advice` says what to write.
    """

    number: str
    advice: str

    def check(self, value: Any) -> Any:
        """Return the section, or None for `off`. Raises ValueError."""
        if value is None or value is False or (isinstance(value, str) and value.strip().lower() == "off"):
            return None
        if isinstance(value, bool | int | float | str | list):
            raise ValueError(f"input should be keys with values below it, got {_as_written(value)}; {self.advice}")
        if isinstance(value, dict) and self.number in value and value[self.number] in (None, False, 0, "off"):
            raise ValueError(
                f"{self.number}: {_as_written(value[self.number])} is no number of at least 1; {self.advice}"
            )
        return value

    def __get_pydantic_core_schema__(self, source: Any, handler: Callable[[Any], Any]) -> Any:
        return _before(self.check, source, handler)


@dataclass(frozen=True, slots=True)
class Length:
    """Allows a duration (`90s`) from `least` to `most`, which are durations too."""

    least: str
    most: str
    reason: str

    def check(self, value: Any) -> str:
        """Return the text if it is allowed. Raises ValueError."""
        if not isinstance(value, str):
            advice = f" (write it with its unit, like {value}s)" if type(value) in (int, float) else ""
            raise ValueError(f"{value!r:.80} is not a duration{advice or '; write it like 90s, 5m, 24h or 30d'}")
        length = _seconds(value)
        if not seconds(self.least) <= length <= seconds(self.most):
            raise ValueError(f"{value!r:.40} is not between {self.least} and {self.most}: {self.reason}")
        return value

    def read(self, text: str, *, key: str) -> float:
        """Return the seconds in an environment variable; a number without unit means seconds. Raises ConfigError."""
        text = text.strip()
        try:
            return _seconds(self.check(f"{text}s" if text.isdecimal() else text))
        except ValueError as error:
            raise ConfigError(Complaint(file="environment", key=key, what=str(error))) from None

    def __get_pydantic_core_schema__(self, source: Any, handler: Callable[[Any], Any]) -> Any:
        return _before(self.check, source, handler)


@dataclass(frozen=True, slots=True)
class Form:
    """Allows a text that matches a pattern; `reason` follows the value in the complaint."""

    pattern: str
    reason: str

    def check(self, value: Any) -> Any:
        """Return the text if it matches; other types are left to the shape. Raises ValueError."""
        if isinstance(value, str) and not re.fullmatch(self.pattern, value):
            raise ValueError(f"{value!r:.80} {self.reason}")
        return value

    def __get_pydantic_core_schema__(self, source: Any, handler: Callable[[Any], Any]) -> Any:
        return _after(self.check, source, handler)


@dataclass(frozen=True, slots=True)
class Address:
    """Allows a URL like `https://host/path`. `may` names optional parts that are allowed: `login`, `query`."""

    example: str
    schemes: tuple[str, ...] = ("http", "https")
    may: frozenset[str] = frozenset()

    def check(self, value: Any) -> Any:
        """Return the URL; other types are left to the shape. Raises ValueError, whose message never contains a login."""
        wrong = self.wrong_with(value) if isinstance(value, str) else None
        if wrong:
            raise ValueError(wrong)
        return value

    def wrong_with(self, value: str) -> str | None:
        """Return why a text is not an allowed URL; None if it is."""
        shown, example = f"{without_login(value)!r:.200}", f"write it like {self.example}"
        if re.search(r"[\s\x00-\x1f\x7f\\]", value):
            return f"{shown} is not an address: it holds a blank or a control character; {example}"
        try:
            parts = urlsplit(value)
            port = parts.port
        except ValueError as error:
            return f"{shown} is not an address: {str(error).replace(value, '…')[:80]}; {example}"
        if parts.scheme not in self.schemes or not parts.hostname:
            return f"{shown} is not an address; {example}"
        if not is_host(parts.hostname):
            return f"{shown} is not an address: {parts.hostname!r:.80} is no host's name; {example}"
        if port == 0 or parts.netloc.endswith(":"):
            return f"{shown} is not an address: its port is none from 1 to 65535; {example}"
        return self._too_much(parts, shown)

    def _too_much(self, parts: SplitResult, shown: str) -> str | None:
        if "@" in parts.netloc and "login" not in self.may:
            return f"{shown} holds a login (user:password@), which has no place there"
        if (parts.query or parts.fragment) and "query" not in self.may:
            return f"{shown} holds a query (?) or a fragment (#): only the address before it belongs there"
        return None

    def __get_pydantic_core_schema__(self, source: Any, handler: Callable[[Any], Any]) -> Any:
        return _after(self.check, source, handler)


def is_host(host: str) -> bool:
    """Return whether a text has the form of a host name or IP address; international names count."""
    if ":" in host or re.fullmatch(r"[0-9.]+", host):
        import ipaddress

        try:
            ipaddress.ip_address(host.partition("%")[0])
        except ValueError:
            return False
        return True
    try:
        plain = host if host.isascii() else host.encode("idna").decode("ascii")
    except UnicodeError:
        return False
    return len(plain) <= 253 and all(_LABEL.fullmatch(label) for label in plain.removesuffix(".").split("."))


def without_login(address: str) -> str:
    """Return the URL with `***` in place of its user and password, for display."""
    return re.sub(r"(?<=://)[^/?#\s]*@", "***@", address)


def refuse(found: Iterable[str]) -> None:
    """Raise one ValueError for all problems, one per line; `validate` reports them one by one. No problem, no error."""
    lines = list(found)
    if lines:
        raise ValueError("\n".join(lines))


def _seconds(text: str) -> float:
    try:
        return seconds(text)
    except ValueError as error:
        raise ValueError(str(error).removeprefix("duration: ")) from None


def _as_written(value: Any) -> str:
    """Return a value in YAML's notation, as people write it."""
    words = {None: "null", False: "off", True: "on"}
    return words[value] if value is None or isinstance(value, bool) else f"{value!r:.80}"


def _shown(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:,.12g}"


def _advice(value: Any) -> str:
    """Return advice about a value that looks like a number but is not one."""
    if isinstance(value, bool):
        return " (true, false, yes, no, on and off are no numbers)"
    if not isinstance(value, str):
        return ""
    if re.fullmatch(r"[-+]?[0-9][0-9_,']*(\.[0-9]+)?", value):
        return f" (write it without quotes, leading zeros and separators, like {re.sub(r'[^0-9.]', '', value).lstrip('0') or '0'})"
    return " (write digits, without a unit)"


__all__ = [
    "Address",
    "Bounds",
    "Flag",
    "Form",
    "Length",
    "SectionOrOff",
    "Whole",
    "is_host",
    "refuse",
    "without_login",
    "words",
]
