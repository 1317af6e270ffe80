"""The stand-in as one web application."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette

from demo.faults import Faults
from demo.stripe.account import StripeAccount
from demo.stripe.api import api_routes
from demo.stripe.hosted import PATIENCE, hosted_routes
from demo.stripe.webhooks import Courier


def create_stripe(account: StripeAccount, faults: Faults, *, patience: float = PATIENCE) -> Starlette:
    """The API under `/v1` and the hosted page under `/c/pay`, for one account and the faults that are on.

    `patience` is how many seconds a buyer waits for the shop's webhook.
    """
    courier = Courier(account)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        yield
        await courier.close()

    routes = [*hosted_routes(account, faults, courier, patience), *api_routes(account, faults, courier)]
    return Starlette(routes=routes, lifespan=lifespan)
