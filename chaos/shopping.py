"""A stage for load: the whole shop on a database of its own, in one process or each service in its own.

    users ─▶ gateway ─▶ ... ─▶ (wire, where there is a delay) ─▶ PostgreSQL

`python -m chaos.shopping` prints its address as one line of JSON, and when its standard input ends, a second
line with what the database knows: orders, charges, and what must never be there.
"""

from __future__ import annotations

import argparse
import json
import sys
from contextlib import ExitStack

import httpx
import psycopg

from chaos.client import ProxyServer
from services.errors import BacklabError
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
    parser = argparse.ArgumentParser(
        prog="python -m chaos.shopping", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("--shop", choices=TOPOLOGIES, default="one", help="in one process, or in seven")
    parser.add_argument("--latency-ms", type=float, default=0.0, help="delay between services and database")
    parser.add_argument("--shelf", help="how many pieces of a product there are: 1=100")
    return parser.parse_args()


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
    """Set the stage, say where it is, and leave when standard input ends, saying what has happened."""
    asked = arguments()
    try:
        with ExitStack() as stack:
            postgres = stack.enter_context(Postgres(template=template("S", DATA_SEED)))
            database = through = postgres.database()
            if asked.latency_ms:
                proxy = stack.enter_context(ProxyServer())
                wire = proxy.proxy(
                    "database", upstream=f"{postgres.host}:{postgres.port}", protocol="postgres"
                )
                stack.enter_context(wire.fault("latency", latency_ms=asked.latency_ms))
                through = wire.through(database)
            url = sqlalchemy_url(through)
            shop = stack.enter_context(Shop(TOPOLOGIES[asked.shop], database_url=url))
            if asked.shelf:
                stock(shop, asked.shelf)
            print(json.dumps({"shop": shop.url}), flush=True)
            sys.stdin.read()
            print(json.dumps({"evidence": evidence(postgres, database)}), flush=True)
    except BacklabError as why:
        print(why, file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
