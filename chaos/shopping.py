"""A stage for load: the whole shop on a database of its own, in one process or each service in its own.

    users ─▶ gateway ─▶ ... ─▶ (wire, where there is a delay) ─▶ PostgreSQL

`python -m chaos.shopping` prints its address as one line of JSON, and when its standard input ends, a second
line with what the database knows: orders, charges, and what must never be there.
"""

from __future__ import annotations

import argparse
from contextlib import ExitStack

import httpx
import psycopg

from chaos.client import ProxyServer
from chaos.spoken import Knows, parser, perform
from services.postgres import Postgres
from services.shop.load import template
from services.shop.topology import ONE_EACH, ONE_PROCESS, Shop
from services.urls import sqlalchemy_url

DATA_SEED = 42
TOPOLOGIES = {"one": ONE_PROCESS, "each": ONE_EACH}
EVIDENCE = {
    "orders placed": "SELECT count(*) FROM order_lives",
    "charges": "SELECT count(*) FROM charges",
    "orders charged twice": "SELECT count(*) - count(DISTINCT reference) FROM charges",
    "products sold beyond their shelf": "SELECT count(*) FROM inventory WHERE reserved > on_hand",
}


def arguments() -> argparse.Namespace:
    """What a scenario may want."""
    offered = parser("chaos.shopping", __doc__)
    offered.add_argument("--shop", choices=TOPOLOGIES, default="one", help="in one process, or in seven")
    offered.add_argument("--shelf", help="how many pieces of a product there are: 1=100")
    asked: argparse.Namespace = offered.parse_args()
    return asked


def stock(shop: Shop, shelf: str) -> None:
    """Count a product's shelf anew; what others have reserved comes on top."""
    product, _, pieces = shelf.partition("=")
    url = f"{shop.url_of('inventory')}/stock/{product}"
    reserved = httpx.get(url).raise_for_status().json()["reserved"]
    httpx.put(url, json={"on_hand": int(pieces) + reserved}).raise_for_status()


def evidence(postgres: Postgres, database: str) -> dict[str, int]:
    """What the database knows, whatever users and services believe."""
    with psycopg.connect(database, connect_timeout=10) as connection:
        return {what: connection.execute(sql.encode()).fetchone()[0] for what, sql in EVIDENCE.items()}  # type: ignore[index]


def main() -> None:
    """Set the stage for a load scenario."""
    asked = arguments()

    def set_stage(stack: ExitStack) -> tuple[dict[str, str], Knows]:
        postgres = stack.enter_context(Postgres(template=template("S", DATA_SEED)))
        database = through = postgres.database()
        if asked.latency_ms:
            proxy = stack.enter_context(ProxyServer())
            wire = proxy.proxy("database", upstream=f"{postgres.host}:{postgres.port}", protocol="postgres")
            stack.enter_context(wire.fault("latency", latency_ms=asked.latency_ms))
            through = wire.through(database)
        shop = stack.enter_context(Shop(TOPOLOGIES[asked.shop], database_url=sqlalchemy_url(through)))
        if asked.shelf:
            stock(shop, asked.shelf)
        return {"shop": shop.url}, lambda: {"evidence": evidence(postgres, database)}

    perform(set_stage)


if __name__ == "__main__":
    main()
