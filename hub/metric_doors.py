"""The doors at which programs read metrics: the catalogue, and the series of each."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import JSONResponse

from facts import to_wire
from hub.answers import MetricShown, MetricsListed, answering
from hub.context import HubContext
from hub.errors import HubError
from hub.listing import CSV, Form, wants_csv
from hub.moments import Moment
from hub.series import LARGEST_STEP_S, Answered, SeriesError, as_csv, as_json, load_series
from metrics import CATALOGUE

_OWN = frozenset({"from", "to", "step", "format"})


def add_metric_doors(router: APIRouter, context: HubContext) -> None:
    """Add `/api/metrics` and `/api/metrics/{name}`."""

    @router.get("/api/metrics", **answering(MetricsListed, "The metrics."))
    def list_metrics() -> Response:
        """Every metric of the catalogue."""
        return JSONResponse({"metrics": to_wire(list(CATALOGUE.values()))})

    door = answering(
        MetricShown, "Its series.", _404="No such metric.", _422="A parameter is none, or asks for too much."
    )
    door["responses"][200]["content"][CSV] = {"schema": {"type": "string"}}

    @router.get("/api/metrics/{name}", **door)
    def show_metric(
        request: Request,
        name: str,
        since: Annotated[Moment | None, Query(alias="from", description="24 hours before `to`, if not said.")] = None,
        until: Annotated[Moment | None, Query(alias="to", description="Exclusive; now, if not said.")] = None,
        step: Annotated[int | None, Query(ge=1, le=LARGEST_STEP_S, description="Seconds of a point.")] = None,
        form: Form = None,
    ) -> Response:
        """The series of a metric, a point for each step. Any label of it may be a parameter (`?city=dallas`) and chooses series.

        As CSV with `format=csv`, with `Accept: text/csv`, and where the name ends with `.csv`.
        """
        labels = {key: value for key, value in request.query_params.items() if key not in _OWN}
        try:
            with context.store.read() as connection:
                answered = load_series(
                    connection,
                    name.removesuffix(".csv"),
                    watched=context.watched,
                    now=context.clock(),
                    since=since,
                    until=until,
                    step_s=step,
                    labels=labels,
                )
        except SeriesError as error:
            raise HubError(404 if error.unknown else 422, str(error)) from None
        is_csv = wants_csv(request, "csv" if name.endswith(".csv") else form)
        return _csv(answered) if is_csv else JSONResponse(as_json(answered))


def _csv(answered: Answered) -> Response:
    file = f'attachment; filename="{answered.metric.name}.csv"'
    return Response(as_csv(answered), media_type=CSV, headers={"Content-Disposition": file})
