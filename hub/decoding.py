"""Decodes request bodies: unpacks compressed bytes in limited pieces, and parses JSON."""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import AsyncIterator
from typing import Any

from hub.errors import HubError

_AT_ONCE = 1 << 16
# See https://docs.python.org/3/library/zlib.html#zlib.decompressobj: adding 16 expects gzip's header, 32 would accept both.
_WINDOW = {"gzip": 16 + zlib.MAX_WBITS, "x-gzip": 16 + zlib.MAX_WBITS, "deflate": zlib.MAX_WBITS}

# An escape of JSON that stands for half of a pair.
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


def decoded(chunks: AsyncIterator[bytes], encoding: str) -> AsyncIterator[bytes]:
    """Return the unpacked body in pieces of at most 64 KiB, so that the reader can stop at its limit.

    Raises:
        HubError: 415 the encoding is not supported; while reading, 400 if the bytes do not have that encoding.
    """
    name = encoding.strip().lower()
    if name in ("", "identity"):
        return chunks
    if name not in _WINDOW:
        raise HubError(415, f"Content-Encoding: {name!r:.40} is not taken; send it as it is, or as gzip or deflate")
    return _unpacked(chunks, name)


def json_in(body: bytes) -> Any:
    """Return the JSON value in a body; half of a surrogate pair becomes U+FFFD. Raises HubError 400."""
    try:
        # Decoded here, because json.loads would also accept UTF-16, UTF-32 and lone surrogates.
        text = body.decode("utf-8")
        value = json.loads(text)
        # What is stored with half of a pair could never be sent or shown again.
        return _with_whole_pairs(value) if _SURROGATE.search(text) else value
    except RecursionError:
        raise HubError(400, "the body is nested too deeply") from None
    except ValueError as error:
        raise HubError(400, f"the body is not JSON in UTF-8: {error}") from None


def _with_whole_pairs(value: Any) -> Any:
    text = json.dumps(value, ensure_ascii=False)
    return json.loads(text.encode("utf-16", "surrogatepass").decode("utf-16", "replace"))


async def _unpacked(chunks: AsyncIterator[bytes], name: str) -> AsyncIterator[bytes]:
    unpack = zlib.decompressobj(_WINDOW[name])
    try:
        async for chunk in chunks:
            data = chunk
            while data and not unpack.eof:
                piece = unpack.decompress(data, _AT_ONCE)
                data = unpack.unconsumed_tail
                if piece:
                    yield piece
        if (rest := unpack.flush()) or unpack.eof:
            yield rest
    except zlib.error as error:
        raise HubError(400, f"Content-Encoding: the body is not {name} ({error})") from None
    if not unpack.eof:
        raise HubError(400, f"Content-Encoding: the {name} body ends too soon")
