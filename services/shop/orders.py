"""The orders service: the back office's order page, built by the loader that its settings name."""

from __future__ import annotations

from typing import Annotated

from fastapi import FastAPI, Query
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from services.errors import BacklabError
from services.shop import app as shop_app
from services.shop.models import Order, OrderLine
from services.shop.pages import LOADERS, OrderView
from services.shop.settings import Settings

PageSize = Annotated[int, Query(ge=1, le=500)]


def create(settings: Settings) -> FastAPI:
    """The application; raises `BacklabError` where the settings name no known loader."""
    if settings.loader not in LOADERS:
        raise BacklabError(f"no loader is called {settings.loader!r}", f"choose one of {', '.join(LOADERS)}")
    app = shop_app.create("orders")
    engine = shop_app.pool(settings)
    load = LOADERS[settings.loader]

    @app.get("/ready")
    def ready() -> dict[str, str]:
        """The database answers."""
        with engine.connect() as connection:
            connection.execute(text("SELECT 1"))
        return {"status": "ready"}

    @app.get("/orders")
    def order_page(limit: PageSize = 50, before_id: int | None = None) -> list[OrderView]:
        """The newest orders, or those just older than `before_id`, with everything the page shows."""
        with Session(engine) as session:
            return load(session, limit, before_id)

    @app.get("/order-lines")
    def lines(limit: PageSize = 50) -> list[dict[str, int]]:
        """The lines of the newest orders; products by id, since their names are the catalog's."""
        newest = select(Order.id).order_by(Order.id.desc()).limit(limit)
        query = select(OrderLine).where(OrderLine.order_id.in_(newest)).order_by(OrderLine.id)
        with Session(engine) as session:
            return [
                {"order_id": line.order_id, "product_id": line.product_id, "quantity": line.quantity}
                for line in session.scalars(query)
            ]

    return app
