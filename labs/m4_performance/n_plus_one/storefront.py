"""Experiment D: gateway, orders and catalog as three processes; the catalog counts who asks it."""

from __future__ import annotations

from services import web
from services.shop.topology import Shop


class Storefront(Shop):
    """The shop's front on `database_url`; `page()` tells what a page asks of the catalog."""

    def __init__(self, database_url: str) -> None:
        super().__init__(["catalog", "orders", "gateway"], database_url=database_url)

    def page(self, catalog_calls: str, limit: int = 50) -> dict[str, int]:
        """One page of `limit` orders, the catalog asked "per-line" or "per-page": its requests."""
        catalog = self.processes["catalog"]
        before = catalog.requests()
        query = {"limit": limit, "catalog_calls": catalog_calls}
        web.get(f"{self.url}/page", params=query, timeout_s=30).raise_for_status()
        return {"requests": catalog.requests() - before}
