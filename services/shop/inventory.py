"""The inventory service: reserves pieces for an order, gives them back, ships them; promises none twice.

on_hand - reserved = available          reserve: reserved + q, if so many are available
                                        release: reserved - q          ship: reserved - q, on_hand - q
"""

from __future__ import annotations

from typing import Annotated

from fastapi import FastAPI, Path
from pydantic import BaseModel, Field

from services.shop import app as shop_app
from services.shop import stock
from services.shop.database import Database
from services.shop.neighbours import Neighbours
from services.shop.settings import Settings

Id = Annotated[int, Path(ge=1, le=2**31 - 1)]


class Shelf(BaseModel):
    """How many pieces were counted."""

    on_hand: int = Field(ge=0, le=2**31 - 1)


class Wish(BaseModel):
    """What an order wants."""

    lines: list[stock.Line] = Field(min_length=1, max_length=500)


def create(settings: Settings, neighbours: Neighbours) -> FastAPI:
    """The application."""
    database = Database(settings)
    app = shop_app.create("inventory", settings, database.ping)

    @app.get("/stock/{product_id}")
    async def look(product_id: Id) -> stock.Pieces:
        """Pieces on hand, promised and available."""
        return await database.run(stock.look, product_id)

    @app.put("/stock/{product_id}")
    async def count(product_id: Id, shelf: Shelf) -> stock.Pieces:
        """Count the shelf anew; 409 when fewer pieces are there than are promised."""
        return await database.run(stock.count, product_id, shelf.on_hand)

    @app.put("/reservations/{order_id}")
    async def reserve(order_id: Id, wish: Wish) -> stock.Reserved:
        """Reserve all lines or none; the same wish again changes nothing, another one is a 409."""
        return await database.run(stock.reserve, order_id, wish.lines)

    @app.delete("/reservations/{order_id}")
    async def release(order_id: Id) -> stock.Reserved:
        """Give the pieces back; again changes nothing."""
        return await database.run(stock.settle, order_id, "released")

    @app.post("/reservations/{order_id}/shipment")
    async def ship(order_id: Id) -> stock.Reserved:
        """The pieces leave the shelf; again changes nothing."""
        return await database.run(stock.settle, order_id, "shipped")

    return app
