"""What is in a body: its bytes as they were before they were packed for the way, counted by whoever reads them, or its JSON."""

from __future__ import annotations

import json
import zlib
from collections.abc import AsyncIterator
from typing import Any

from hub.errors import HubError

_AT_ONCE = 1 << 16
# https://docs.python.org/3/library/zlib.html#zlib.decompressobj: 16 takes gzip's header, 32 would take either.
_WINDOW = {"gzip": 16 + zlib.MAX_WBITS, "x-gzip": 16 + zlib.MAX_WBITS, "deflate": zlib.MAX_WBITS}


def decoded(chunks: AsyncIterator[bytes], encoding: str) -> AsyncIterator[bytes]:
    """The body, in pieces of at most 64 KiB however far it unpacks, so that who counts can stop in time.

    Raises:
        HubError: 415 an encoding that is not known; while reading, 400 where the bytes are not of it.
    """
    name = encoding.strip().lower()
    if name in ("", "identity"):
        return chunks
    if name not in _WINDOW:
        raise HubError(415, f"Content-Encoding: {name!r:.40} is not taken; send it as it is, or as gzip or deflate")
    return _unpacked(chunks, name)


def json_in(body: bytes) -> Any:
    """The JSON in a body. Raises HubError 400."""
    try:
        # Decoded here: json.loads would also take UTF-16, UTF-32 and halves of surrogate pairs.
        return json.loads(body.decode("utf-8"))
    except RecursionError:
        raise HubError(400, "the body is nested too deeply") from None
    except ValueError as error:
        raise HubError(400, f"the body is not JSON in UTF-8: {error}") from None


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
