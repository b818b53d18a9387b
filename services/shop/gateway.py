"""The gateway: the shop's one address for clients; it forwards, and composes what takes several services.

GET /products/7 ──▶ catalog /products/7  and  inventory /stock/7     side by side
GET /page --> orders /order-lines          once
          '-> catalog /products/{id}       once a line  (catalog_calls=per-line)
          '-> catalog /products?ids=...    once a page  (catalog_calls=per-page)
everything else ──▶ the service that FORWARDED names
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Literal, cast

import httpx
from fastapi import FastAPI, Path, Query, Request, Response

from services.shop import app as shop_app
from services.shop.neighbours import Neighbour, Neighbours
from services.shop.settings import Settings

FORWARDED = (
    ("GET", "/products", "catalog"),
    ("PUT", "/products/{product_id}/price", "catalog"),
    ("GET", "/carts/{cart_id}", "cart"),
    ("DELETE", "/carts/{cart_id}", "cart"),
    ("PUT", "/carts/{cart_id}/items/{product_id}", "cart"),
    ("POST", "/checkout", "orders"),
    ("GET", "/orders", "orders"),
    ("POST", "/orders", "orders"),
    ("GET", "/orders/{order_id}", "orders"),
    ("POST", "/orders/{order_id}/payments", "orders"),
    ("POST", "/orders/{order_id}/transitions", "orders"),
    ("POST", "/payments", "payments"),
    ("GET", "/payments/{payment_id}", "payments"),
)
ASKED = ("Content-Type", "Idempotency-Key")  # of a request's headers; the deadline goes with every call
ANSWERED = ("Content-Type", "Idempotency-Replayed", "Retry-After")

Id = Annotated[int, Path(ge=1, le=2**31 - 1)]


async def per_line(catalog: Neighbour, lines: list[dict[str, Any]]) -> dict[int, str]:
    """Ask the catalog once for each line, as a loop over the lines does."""
    names = {}
    for line in lines:
        product = await catalog.ask("GET", f"/products/{line['product_id']}")
        names[line["product_id"]] = product["name"]
    return names


async def per_page(catalog: Neighbour, lines: list[dict[str, Any]]) -> dict[int, str]:
    """Ask the catalog once for the whole page."""
    if not lines:
        return {}
    ids = sorted({line["product_id"] for line in lines})
    products = await catalog.ask("GET", "/products", params={"ids": ids})
    return {product["id"]: product["name"] for product in products}


WAYS = {"per-line": per_line, "per-page": per_page}


def create(settings: Settings, neighbours: Neighbours) -> FastAPI:
    """The application; raises `BacklabError` where the settings name no known way to ask the catalog."""
    default = cast(Literal["per-line", "per-page"], settings.one_of("catalog_calls", WAYS))
    behind = {name: neighbours.find(name) for name in ("catalog", "orders", "inventory", "cart", "payments")}
    # ready at once: a gateway whose neighbour is down still serves what the others serve
    app = shop_app.create("gateway", settings)

    @app.get("/products/{product_id}")
    async def product_page(product_id: Id) -> dict[str, Any]:
        """A product with the number of pieces that can be had."""
        product, stock = await asyncio.gather(
            behind["catalog"].ask("GET", f"/products/{product_id}"),
            behind["inventory"].ask("GET", f"/stock/{product_id}"),
        )
        return {**product, "available": stock["available"]}

    @app.get("/page")
    async def page(
        limit: Annotated[int, Query(ge=1, le=500)] = 50,
        catalog_calls: Literal["per-line", "per-page"] = default,
    ) -> list[dict[str, Any]]:
        """The lines of the newest orders with their products' names."""
        lines = await behind["orders"].ask("GET", "/order-lines", params={"limit": limit})
        names = await WAYS[catalog_calls](behind["catalog"], lines)
        return [line | {"product": names[line["product_id"]]} for line in lines]

    for method, path, service in FORWARDED:
        app.add_api_route(
            path, _forward(behind[service]), methods=[method], **_described(method, path, service)
        )
    return app


def _forward(neighbour: Neighbour) -> Callable[[Request], Awaitable[Response]]:
    async def forward(request: Request) -> Response:
        path = request.scope["raw_path"].decode().removeprefix(request.scope["root_path"])
        url = httpx.URL(path=path, query=request.url.query.encode())
        answer = await neighbour.send(
            request.method, str(url), content=await request.body(), headers=_kept(request.headers, ASKED)
        )
        return Response(answer.content, answer.status_code, _kept(answer.headers, ANSWERED))

    return forward


def _kept(headers: Any, names: tuple[str, ...]) -> dict[str, str]:
    return {name: headers[name] for name in names if name in headers}


def _described(method: str, path: str, service: str) -> dict[str, Any]:
    """What the gateway's own documents say of a route that is described where it ends."""
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in re.findall(r"{(\w+)}", path)
    ]
    return {
        "name": f"{method.lower()} {path}",
        "description": f"Answered by the {service} service, whose documents say more.",
        "openapi_extra": {"parameters": parameters} if parameters else None,
        "tags": [service],
    }
