"""A reverse proxy as people put before a hub: it serves one path, takes that away or leaves it, and puts its own `Host`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import httpx
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from demo.serve import Served, a_socket

_HOP_BY_HOP = ("connection", "transfer-encoding", "content-length", "content-encoding", "host", "accept-encoding")
_METHODS = ["GET", "HEAD", "POST", "PUT", "DELETE"]


@contextmanager
def a_reverse_proxy(upstream: str, prefix: str, *, strips: bool) -> Iterator[str]:
    """Serve a hub below a path, and nothing else; the address of the proxy, without the path."""
    client = httpx.Client(base_url=upstream, timeout=30)

    def pass_on(request: Request) -> Response:
        raw = request.scope["raw_path"].decode()
        if raw != prefix and not raw.startswith(f"{prefix}/"):
            return PlainTextResponse("another program's page", status_code=404)
        path = (raw.removeprefix(prefix) or "/") if strips else raw
        query = request.scope["query_string"].decode()
        headers = [(k, v) for k, v in request.headers.items() if k not in _HOP_BY_HOP]
        headers += [("X-Forwarded-For", "203.0.113.7"), ("Via", "1.1 proxy")]
        answer = client.request(
            request.method, path + (f"?{query}" if query else ""), headers=headers, content=request.state.body
        )
        client.cookies.clear()  # a proxy keeps none
        response = Response(answer.content, status_code=answer.status_code)
        del response.headers["content-length"]
        response.raw_headers.extend(
            (k.lower(), v) for k, v in answer.headers.raw if k.decode().lower() not in _HOP_BY_HOP
        )
        response.headers["content-length"] = str(len(answer.content))
        return response

    async def read(request: Request) -> Response:
        request.state.body = await request.body()
        return await run_in_threadpool(pass_on, request)

    served = Served(Starlette(routes=[Route("/{path:path}", read, methods=_METHODS)]), [a_socket()])
    served.start()
    try:
        yield served.urls[0]
    finally:
        served.stop()
        client.close()
