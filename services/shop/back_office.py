"""The back office's pages of orders, built by the loader that the settings name."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from sqlalchemy import select
from sqlalchemy.orm import Session

from services.shop.database import Database
from services.shop.models import Order, OrderLine
from services.shop.pages import LOADERS, OrderView
from services.shop.settings import Settings

PageSize = Annotated[int, Query(ge=1, le=500)]


def router(settings: Settings, database: Database) -> APIRouter:
    """The routes; raises `BacklabError` where the settings name no known loader."""
    load = LOADERS[settings.one_of("loader", LOADERS)]
    routes = APIRouter()

    @routes.get("/orders")
    def order_page(limit: PageSize = 50, before_id: int | None = None) -> list[OrderView]:
        """The newest orders, or those just older than `before_id`, with everything the page shows."""
        with Session(database.engine) as session:
            return load(session, limit, before_id)

    @routes.get("/order-lines")
    def lines(limit: PageSize = 50) -> list[dict[str, int]]:
        """The lines of the newest orders; products by id, since their names are the catalog's."""
        newest = select(Order.id).order_by(Order.id.desc()).limit(limit)
        query = select(OrderLine).where(OrderLine.order_id.in_(newest)).order_by(OrderLine.id)
        with Session(database.engine) as session:
            return [
                {"order_id": line.order_id, "product_id": line.product_id, "quantity": line.quantity}
                for line in session.scalars(query)
            ]

    return routes
