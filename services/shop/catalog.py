"""The catalog service: products, one by one, many in one question, or a page of them; and their prices."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import FastAPI, Path, Query
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from services.shop import app as shop_app
from services.shop.database import Database
from services.shop.models import Product
from services.shop.neighbours import Neighbours
from services.shop.problems import missing
from services.shop.product_cache import CACHES
from services.shop.settings import Settings

Id = Annotated[int, Path(ge=1, le=2**31 - 1)]


class Selection(BaseModel):
    """Which products: those of `ids`, or the next `limit` after an id, all of one category if it is named."""

    ids: list[int] | None = Field(None, max_length=5000)
    category: str | None = None
    after_id: int = 0
    limit: int = Field(20, ge=1, le=500)

    def query(self) -> Select[Product]:
        """The question to the database, in the order of the ids."""
        query = select(Product).order_by(Product.id)
        if self.ids is not None:
            query = query.where(Product.id.in_(self.ids))
        else:
            query = query.where(Product.id > self.after_id).limit(self.limit)
        return query if self.category is None else query.where(Product.category == self.category)


class Price(BaseModel):
    """A product's new price."""

    price_cents: int = Field(ge=0, le=2**31 - 1)


class ProductDocument(BaseModel):
    """A product as the service shows it."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    name: str
    category: str
    price_cents: int


def create(settings: Settings, neighbours: Neighbours) -> FastAPI:
    """The application; raises `BacklabError` where the settings name no known cache."""
    database = Database(settings)
    cache = CACHES[settings.one_of("product_cache", CACHES)](settings)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        yield
        cache.close()

    # ready without its cache: it serves from the database what it cannot find there
    app = shop_app.create("catalog", settings, database.ping, lifespan)

    @app.get("/products/{product_id}")
    def product(product_id: Id) -> ProductDocument:
        """One product, from the cache if it is there; 404 where there is none of that id."""
        return ProductDocument.model_validate_json(
            cache.get_or_load(product_id, lambda: _load(database, product_id))
        )

    @app.get("/products")
    def products(wish: Annotated[Selection, Query()]) -> list[ProductDocument]:
        """The products of some ids, unknown ones left out; without `ids`, a page of the list."""
        with Session(database.engine) as session:
            return [ProductDocument.model_validate(found) for found in session.scalars(wish.query())]

    @app.put("/products/{product_id}/price")
    def change_price(product_id: Id, price: Price) -> ProductDocument:
        """The product at its new price; orders keep the price that they were placed at."""
        changed = _reprice(database, product_id, price.price_cents)
        cache.changed(product_id)  # after the commit: before it, a reader would bring the old price back
        return changed

    return app


def _load(database: Database, product_id: int) -> str:
    with Session(database.engine) as session:
        return ProductDocument.model_validate(_found(session, product_id)).model_dump_json()


def _reprice(database: Database, product_id: int, price_cents: int) -> ProductDocument:
    with Session(database.engine) as session, session.begin():
        found = _found(session, product_id)
        found.price_cents = price_cents
        return ProductDocument.model_validate(found)


def _found(session: Session, product_id: int) -> Product:
    product = session.get(Product, product_id)
    if product is None:
        raise missing("product", product_id)
    return product
