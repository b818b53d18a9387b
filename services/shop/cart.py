"""The cart service: what a visitor means to buy, kept where the settings say; an unknown cart is empty."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import FastAPI, Path
from pydantic import BaseModel, Field

from services.shop import app as shop_app
from services.shop.carts import CART_ID, STORES, Items
from services.shop.neighbours import Neighbours
from services.shop.settings import Settings

CartId = Annotated[str, Path(max_length=100, pattern=CART_ID)]
ProductId = Annotated[int, Path(ge=1, le=2**31 - 1)]


class Quantity(BaseModel):
    """How many pieces; 0 takes the product out."""

    quantity: int = Field(ge=0, le=10_000)


class Cart(BaseModel):
    """Pieces by product id."""

    items: Items


def create(settings: Settings, neighbours: Neighbours) -> FastAPI:
    """The application; raises `BacklabError` where the settings name no known store."""
    store = STORES[settings.one_of("cart_store", STORES)](settings)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        yield
        await store.close()

    app = shop_app.create("cart", settings, store.ping, lifespan)

    @app.get("/carts/{cart_id}")
    async def show(cart_id: CartId) -> Cart:
        """What is in it."""
        return Cart(items=await store.items(cart_id))

    @app.put("/carts/{cart_id}/items/{product_id}")
    async def put(cart_id: CartId, product_id: ProductId, wish: Quantity) -> Cart:
        """Have so many pieces of a product in it, whatever there was before: safe to repeat."""
        await store.put(cart_id, product_id, wish.quantity)
        return Cart(items=await store.items(cart_id))

    @app.delete("/carts/{cart_id}", status_code=204)
    async def empty(cart_id: CartId) -> None:
        """Nothing is in it afterwards."""
        await store.clear(cart_id)

    return app
