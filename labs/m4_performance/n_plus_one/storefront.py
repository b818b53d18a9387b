"""Experiment D: gateway, orders and catalog as three processes; the catalog counts who asks it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import httpx

from services.shop.service import ShopService
from services.shop.settings import Settings


class Storefront:
    """The shop's front on `database_url`; `page()` tells what a page asks of the catalog."""

    def __init__(self, database_url: str) -> None:
        behind = Settings(database_url=database_url)
        self.catalog, self.orders = ShopService("catalog", behind), ShopService("orders", behind)
        self._open = ExitStack()
        try:
            with ThreadPoolExecutor() as starting:
                list(starting.map(self._open.enter_context, (self.catalog, self.orders)))
            front = Settings(orders_url=self.orders.url, catalog_url=self.catalog.url)
            self.gateway = self._open.enter_context(ShopService("gateway", front))
        except BaseException:
            self._open.close()
            raise

    def page(self, catalog_calls: str, limit: int = 50) -> dict[str, int]:
        """One page of `limit` orders, the catalog asked "per-line" or "per-page": its requests."""
        before = self.catalog.requests()
        query = {"limit": limit, "catalog_calls": catalog_calls}
        httpx.get(f"{self.gateway.url}/page", params=query, timeout=30).raise_for_status()
        return {"requests": self.catalog.requests() - before}

    def close(self) -> None:
        """Stop the three services."""
        self._open.close()
