"""What the requests by which people act have in common: a form of the hub's pages or JSON of a program, and the response to either."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import Request, Response
from fastapi.responses import JSONResponse

from facts import to_wire
from hub.answers import answering
from hub.decoding import json_in
from hub.errors import HubError
from hub.requests import csrf_checked, limited_body

LARGEST_ACTION = 4096
_ANYTHING = {"type": "object"}


def acting(
    model: type, description: str, *, takes: Mapping[str, Any] | None = None, largest: str = "4 KiB", **refused: str
) -> dict[str, Any]:
    """Return the arguments for the decorator of an endpoint by which people act; `read_action` reads its requests.

    `model` and `description` are of the response to a program, `takes` is the JSON schema of the body, `largest` says in words how
    large that may be, and `refused` are further refusals, as in `answering`.
    """
    told = answering(
        model,
        description,
        reads_json=True,
        also={303: {"description": "The request was a form; `Location` is the page to go to."}},
        _413=f"The form or the body is larger than {largest}.",
        _422=refused.pop("_422", "The body is not an object."),
        **refused,
    )
    told["responses"][415]["description"] = "Neither a form nor JSON, or compressed."
    body = {"content": {"application/json": {"schema": dict(takes or _ANYTHING)}}}
    return {**told, "openapi_extra": {"requestBody": body}}


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """What a person or a program asks for: the fields of a form of the hub's pages, or the object of a JSON body."""

    asked: Mapping[str, Any]
    by_form: bool

    def response(self, done: object, *, page: str) -> Response:
        """Return what was done as JSON to a program; a browser that sent a form is redirected to `page`."""
        if self.by_form:
            return Response(status_code=303, headers={"Location": page})
        return JSONResponse(to_wire(done))


async def read_action(request: Request, *, example: str = "{}", largest: int = LARGEST_ACTION) -> Action:
    """Return what a request asks for; an empty body asks for nothing. `example` is an object for the error message.

    Raises:
        HubError: 400 the body is not JSON, 403 the form is out of date, 413 it is too large, 415 it is neither a form nor JSON, 422 it
            is no object.
    """
    form = await csrf_checked(request)
    if form is not None:
        return Action(asked=form, by_form=True)
    body = await limited_body(request, largest)
    asked = json_in(body) if body.strip() else {}
    if not isinstance(asked, Mapping):
        raise HubError(422, f"send an object, like {example}")
    return Action(asked=asked, by_form=False)
