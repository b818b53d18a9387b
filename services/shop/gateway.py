"""The gateway: puts the orders' lines and the catalog's names together into one page.

GET /page --> orders /order-lines          once
          '-> catalog /products/{id}       once a line  (catalog_calls=per-line)
          '-> catalog /products?ids=...    once a page  (catalog_calls=per-page)
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any, Literal, cast

import httpx
from fastapi import FastAPI, Query

from services.errors import BacklabError
from services.shop import app as shop_app
from services.shop.settings import Settings


async def per_line(catalog: httpx.AsyncClient, lines: list[dict[str, Any]]) -> dict[int, str]:
    """Ask the catalog once for each line, as a loop over the lines does."""
    names = {}
    for line in lines:
        answer = await catalog.get(f"/products/{line['product_id']}")
        answer.raise_for_status()
        names[line["product_id"]] = answer.json()["name"]
    return names


async def per_page(catalog: httpx.AsyncClient, lines: list[dict[str, Any]]) -> dict[int, str]:
    """Ask the catalog once for the whole page."""
    if not lines:
        return {}
    answer = await catalog.get("/products", params={"ids": sorted({line["product_id"] for line in lines})})
    answer.raise_for_status()
    return {product["id"]: product["name"] for product in answer.json()}


WAYS = {"per-line": per_line, "per-page": per_page}


def create(settings: Settings) -> FastAPI:
    """The application; raises `BacklabError` where the settings name no known way to ask the catalog."""
    if settings.catalog_calls not in WAYS:
        raise BacklabError(
            f"no way to ask is called {settings.catalog_calls!r}", f"choose one of {', '.join(WAYS)}"
        )
    orders = httpx.AsyncClient(base_url=settings.orders_url, timeout=5)
    catalog = httpx.AsyncClient(base_url=settings.catalog_url, timeout=5)

    default = cast(Literal["per-line", "per-page"], settings.catalog_calls)
    app = shop_app.create("gateway", _closing(orders, catalog))

    @app.get("/ready")
    async def ready() -> dict[str, str]:
        """Both neighbours are live."""
        for neighbour in (orders, catalog):
            (await neighbour.get("/live")).raise_for_status()
        return {"status": "ready"}

    @app.get("/page")
    async def page(
        limit: Annotated[int, Query(ge=1, le=500)] = 50,
        catalog_calls: Literal["per-line", "per-page"] = default,
    ) -> list[dict[str, Any]]:
        """The lines of the newest orders with their products' names."""
        answer = await orders.get("/order-lines", params={"limit": limit})
        answer.raise_for_status()
        lines = answer.json()
        names = await WAYS[catalog_calls](catalog, lines)
        return [line | {"product": names[line["product_id"]]} for line in lines]

    return app


def _closing(*clients: httpx.AsyncClient) -> shop_app.Lifespan:
    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        yield
        for client in clients:
            await client.aclose()

    return lifespan
