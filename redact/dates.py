"""Finds a date that is a secret, such as a birth date, in every order and form in which pages write dates."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from itertools import permutations

_MONTHS = (
    ("january", "januar", "janvier", "enero", "gennaio"),
    ("february", "februar", "février", "fevrier", "febrero", "febbraio"),
    ("march", "märz", "maerz", "mars", "marzo"),
    ("april", "avril", "abril", "aprile"),
    ("may", "mai", "mayo", "maggio"),
    ("june", "juni", "juin", "junio", "giugno"),
    ("july", "juli", "juillet", "julio", "luglio"),
    ("august", "août", "aout", "agosto"),
    ("september", "septembre", "septiembre", "setiembre", "settembre"),
    ("october", "oktober", "octobre", "octubre", "ottobre"),
    ("november", "novembre", "noviembre"),
    ("december", "dezember", "décembre", "decembre", "diciembre", "dicembre"),
)
_SHORT = 3
# A birth date's year; another number of four digits is a price or a code.
_FIRST_YEAR, _LAST_YEAR = 1880, 2100
# A year of two digits up to this one may be of this century.
_LATEST_SHORT = 35
_SPACE = rb"(?:[ \t\r\n]|\xc2\xa0|\xe2\x80[\x80-\x8b\xaf])"
_TAG = rb"(?:<[^<>]{1,200}>)"
# Between the parts: one mark with spaces around it, or spaces alone; "of" and a comma stand between those with a month's name.
_MARK = rb"(?:[-./,|:_]|\xe2\x80[\x90-\x95]|\xe2\x88\x92)"
_AROUND_NAME = rb"(?:" + _SPACE + rb"|" + _TAG + rb"|" + _MARK + rb"){0,4}(?:(?:of|de|del)" + _SPACE + rb"{1,3})?"
_LOOSE = rb"(?:" + _SPACE + rb"|" + _TAG + rb")"
_APART = rb"(?:" + _LOOSE + rb"{0,4}" + _MARK + _LOOSE + rb"{0,4}|" + _LOOSE + rb"{1,4})"
# A year of two digits makes a date only between marks that are alike: three small numbers in a row are often something else.
_MARKS = (rb"-", rb"\.", rb"/", rb"\xe2\x80[\x90-\x95]")
_ALONE, _ENDS = rb"(?<![0-9A-Za-z])", rb"(?![0-9A-Za-z])"
_PLAIN = re.compile(r"([0-9]{1,4})(?:\s*[-./,]\s*|\s+)([0-9]{1,2})(?:\s*[-./,]\s*|\s+)([0-9]{1,4})(?:[T ][0-9:.Z+-]+)?")
_TOGETHER = re.compile(r"[0-9]{8}")
_NAMED = re.compile(r"[^\W_]+|[0-9]+")


def dates_in(secret: str) -> frozenset[date]:
    """Return the dates that a secret may be, if it is one as a whole; `03/02/1990` may be two, and `3/2/90` more."""
    text = secret.strip()
    plain = _PLAIN.fullmatch(text)
    if plain:
        return frozenset(_readings(*plain.groups()))
    if _TOGETHER.fullmatch(text):
        return frozenset([*_readings(text[:4], text[4:6], text[6:]), *_readings(text[:2], text[2:4], text[4:])])
    words = [word.casefold() for word in _NAMED.findall(text)]
    months = [number for word in words if (number := _month_named(word))]
    numbers = [re.sub(r"(?<=[0-9])(st|nd|rd|th)$", "", word) for word in words if word[0].isdigit()]
    others = [word for word in words if not word[0].isdigit() and not _month_named(word)]
    if len(months) != 1 or len(numbers) != 2 or set(others) - {"of", "de", "del", "st", "nd", "rd", "th"}:
        return frozenset()
    found = (_date(year, str(months[0]), day) for year, day in permutations(numbers))
    return frozenset(filter(None, found))


def forms_of(day: date) -> Iterator[bytes]:
    """Yield patterns for a date: in numbers in any order with a separator, without one, and with the month's name."""
    year, short = f"{day.year:04d}".encode(), f"{day.year % 100:02d}".encode()
    number = {name: rb"0?" + str(value).encode() for name, value in (("day", day.day), ("month", day.month))}
    both = rb"(?:" + year + rb"|" + short + rb")"
    for first, second in permutations(("day", "month")):
        yield _ALONE + number[first] + _APART + number[second] + _APART + year + _ENDS
        yield _ALONE + year + _APART + number[first] + _APART + number[second] + rb"(?![0-9])"
    for mark in _MARKS:
        apart = _SPACE + rb"?" + mark + _SPACE + rb"?"
        for order in (("day", "month", "year"), ("month", "day", "year"), ("year", "month", "day")):
            yield (
                _ALONE + apart.join({**number, "year": short}[part] for part in order) + rb"(?![0-9A-Za-z]|[.,/-][0-9])"
            )
    for together in ("%Y%m%d", "%d%m%Y", "%m%d%Y"):
        yield rb"(?<![0-9])" + day.strftime(together).encode() + rb"(?![0-9])"
    names = rb"(?:" + b"|".join(map(_name, _names(day.month))) + rb")\.?"
    of_month = number["day"] + rb"(?:st|nd|rd|th|er|\xc2\xba|\.)?"
    in_full = rb"['\xe2\x80\x99]{0,3}" + both
    yield _ALONE + of_month + _AROUND_NAME + names + _AROUND_NAME + in_full + _ENDS
    yield _ALONE + names + _AROUND_NAME + of_month + _AROUND_NAME + in_full + _ENDS
    yield _ALONE + year + _AROUND_NAME + names + _AROUND_NAME + of_month + _ENDS
    yield _ALONE + year + _AROUND_NAME + of_month + _AROUND_NAME + names + _ENDS


def _readings(first: str, second: str, third: str) -> Iterator[date]:
    orders = ((first, second, third), (third, second, first), (third, first, second), (first, third, second))
    for year, month, day in orders:
        yield from filter(None, (_date(in_full, month, day) for in_full in _in_full(year)))


def _in_full(year: str) -> tuple[str, ...]:
    """Return the years that one of two digits may be; any other number as it is."""
    if len(year) != 2:
        return (year,)
    return (f"19{year}", f"20{year}") if int(year) <= _LATEST_SHORT else (f"19{year}",)


def _date(year: str, month: str, day: str) -> date | None:
    if len(year) != 4 or not _FIRST_YEAR <= int(year) <= _LAST_YEAR:
        return None
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        return None


def _month_named(word: str) -> int | None:
    """Return the number of a month, by its name or at least its first three letters."""
    if len(word) < _SHORT:
        return None
    found = {number for number, names in enumerate(_MONTHS, 1) if any(name.startswith(word) for name in names)}
    return found.pop() if len(found) == 1 else None


def _names(month: int) -> list[str]:
    """Return a month's names and their usual short forms, the longest first."""
    names = {name[:length] for name in _MONTHS[month - 1] for length in (3, 4, len(name))}
    return sorted(names, key=len, reverse=True)


def _name(name: str) -> bytes:
    capital = name.upper().encode()
    return re.escape(name.encode()) if name.isascii() else re.escape(name.encode()) + rb"|" + re.escape(capital)
