"""The catalog service: products, one by one or many in one question."""

from __future__ import annotations

from typing import Annotated

from fastapi import FastAPI, HTTPException, Query
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from services.shop import app as shop_app
from services.shop.models import Product
from services.shop.settings import Settings


def create(settings: Settings) -> FastAPI:
    """The application."""
    app = shop_app.create("catalog")
    engine = shop_app.pool(settings)

    @app.get("/ready")
    def ready() -> dict[str, str]:
        """The database answers."""
        with engine.connect() as connection:
            connection.execute(text("SELECT 1"))
        return {"status": "ready"}

    @app.get("/products/{product_id}")
    def product(product_id: int) -> dict[str, int | str]:
        """One product; 404 where there is none of that id."""
        with Session(engine) as session:
            found = session.get(Product, product_id)
            if found is None:
                raise HTTPException(404, f"no product has the id {product_id}")
            return _shown(found)

    @app.get("/products")
    def products(ids: Annotated[list[int], Query(max_length=5000)]) -> list[dict[str, int | str]]:
        """The products of these ids, each once; unknown ids are left out."""
        with Session(engine) as session:
            query = select(Product).where(Product.id.in_(ids)).order_by(Product.id)
            return [_shown(found) for found in session.scalars(query)]

    return app


def _shown(product: Product) -> dict[str, int | str]:
    return {"id": product.id, "name": product.name, "price_cents": product.price_cents}
