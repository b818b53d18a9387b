"""A page by HTTP, and a purchase at the shop."""

from __future__ import annotations

import itertools

import httpx

from chaos.callers.caller import PRODUCTS
from services import web


class Page:
    """GET of a page; any answer but a success has failed."""

    def __init__(self, url: str) -> None:
        self._url, self._client = url, web.client()

    def __call__(self) -> str:
        try:
            return "ok" if self._client.get(self._url).is_success else "failed"
        except httpx.TimeoutException:
            return "unknown"
        except httpx.HTTPError:
            return "failed"

    def close(self) -> None:
        self._client.close()


class Purchase:
    """Places an order at the shop; "sold out" is a proper answer, and after a timeout nobody knows."""

    def __init__(self, shop: str) -> None:
        self._client = web.client(base_url=shop)
        self._ids = itertools.cycle(range(1, PRODUCTS + 1))

    def __call__(self) -> str:
        lines = [{"product_id": next(self._ids), "quantity": 1}]
        try:
            answer = self._client.post("/orders", json={"customer_id": 1, "lines": lines})
        except httpx.TimeoutException:
            return "unknown"
        except httpx.HTTPError:
            return "failed"
        return "ok" if answer.status_code in (201, 409) else "failed"

    def close(self) -> None:
        self._client.close()
