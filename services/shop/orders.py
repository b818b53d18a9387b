"""The orders service: places orders, has them paid, moves them on; and the back office's page of them.

place:  claim a number ──▶ catalog: prices ──▶ inventory: reserve ──▶ write order and event
pay:    payments: POST, key order-<id> ──▶ placed becomes paid
ship:   paid becomes shipped ──▶ inventory: the pieces leave         cancel: ... ──▶ inventory: release

Each arrow is a transaction of its own, here or there, and each can be repeated without a second effect.
"""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, FastAPI, Path, Response
from pydantic import BaseModel, Field

from services.shop import app as shop_app
from services.shop import back_office, idempotency, placing
from services.shop.builds.choice import prepared
from services.shop.checkout import Basket, CartOrder, Checkout
from services.shop.neighbours import Neighbours
from services.shop.payments import Method, PaymentDocument
from services.shop.placing import OrderDocument
from services.shop.settings import Settings

Id = Annotated[int, Path(ge=1, le=2**31 - 1)]


class PaymentWish(BaseModel):
    """How to pay."""

    method: Method = "card"


class Transition(BaseModel):
    """Where an order is to go, and the version that was seen when this was decided."""

    to: Literal["shipped", "delivered", "cancelled"]
    version: int = Field(ge=0)


def create(settings: Settings, neighbours: Neighbours) -> FastAPI:
    """The application; raises `BacklabError` where the settings name no known loader or build."""
    database, besides = prepared(settings)
    checkout = Checkout(database, neighbours, besides)
    app = shop_app.create("orders", settings, database.ping)
    app.include_router(back_office.router(settings, database))
    app.include_router(_placing(checkout))
    app.include_router(_afterwards(checkout))

    @app.get("/orders/{order_id}")
    async def order(order_id: Id) -> OrderDocument:
        """One order; 404 where there is none of that id."""
        return await database.run(placing.look, order_id)

    return app


def _placing(checkout: Checkout) -> APIRouter:
    routes = APIRouter()

    @routes.post("/orders", status_code=201)
    async def place(basket: Basket, response: Response, key: idempotency.Key = None) -> OrderDocument:
        """Place an order; 409 when a product is sold out, and then nothing is reserved."""
        order, replayed = await checkout.place(basket, key)
        idempotency.mark(response, replayed)
        return order

    @routes.post("/checkout", status_code=201)
    async def check_out(wish: CartOrder, response: Response, key: idempotency.Key = None) -> OrderDocument:
        """Place an order of what is in the cart, and empty the cart."""
        order, replayed = await checkout.place(wish, key)
        idempotency.mark(response, replayed)
        return order

    return routes


def _afterwards(checkout: Checkout) -> APIRouter:
    routes = APIRouter()

    @routes.post("/orders/{order_id}/payments", status_code=201)
    async def pay(order_id: Id, how: PaymentWish) -> PaymentDocument:
        """Pay what it costs, once; 409 when it is paid or cancelled already."""
        return await checkout.pay(order_id, how.method)

    @routes.post("/orders/{order_id}/transitions")
    async def move(order_id: Id, wish: Transition) -> OrderDocument:
        """Move it on; 409 when it has changed since that version, or when there is no such step."""
        return await checkout.move(order_id, wish.to, wish.version)

    return routes
