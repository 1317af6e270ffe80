"""Finds and masks secrets in text and bytes, in every form in which a page, an address or a trace may write them."""

from redact.encodings import Span
from redact.scrubber import Scrubber, UnmaskableError

__all__ = ["Scrubber", "Span", "UnmaskableError"]
