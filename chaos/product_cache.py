"""A stage for load: four catalogs with a small Redis each, LRU or LFU, with and without a crawler.

    users ─▶ catalog (lru)            ─▶ Redis (allkeys-lru) ┐
          ├▶ catalog (lfu)            ─▶ Redis (allkeys-lfu) ├─ on a miss: wire ─▶ PostgreSQL
          └▶ ... the same two, for shoppers with a crawler   ┘

`python -m chaos.product_cache` prints its addresses as one line of JSON, and when its standard input ends, a
second line with the statements that each catalog has sent.
"""

from __future__ import annotations

from contextlib import ExitStack

import redis

from chaos.client import ProxyServer, Wire
from chaos.spoken import Knows, parser, perform
from services.postgres import Postgres
from services.redis import Redis
from services.shop.load import template
from services.shop.service import ShopService
from services.shop.settings import Settings
from services.together import together
from services.urls import sqlalchemy_url

POLICIES = {"lru": "allkeys-lru", "lfu": "allkeys-lfu"}
ARMS = [*POLICIES, *(f"{policy} with crawler" for policy in POLICIES)]
DATA_SEED = 42
ROOM_BYTES = 150_000  # some hundreds of the 10,000 products


def small(cache: Redis, policy: str) -> None:
    """Let a Redis keep so much beyond what it needs when empty."""
    with redis.Redis.from_url(cache.url) as client:
        empty = int(client.info("memory")["used_memory"])
        client.config_set("maxmemory-policy", policy)
        client.config_set("maxmemory", empty + ROOM_BYTES)


def set_stage(stack: ExitStack, latency_ms: float) -> tuple[dict[str, ShopService], dict[str, Wire]]:
    """Start everything; the catalogs and the wires to their database, by arm."""
    postgres = stack.enter_context(Postgres(template=template("S", DATA_SEED)))
    caches = {arm: Redis() for arm in ARMS}
    stack.enter_context(together(caches.values()))
    proxy = stack.enter_context(ProxyServer())
    database = sqlalchemy_url(postgres.database())
    catalogs, wires = {}, {}
    for arm, cache in caches.items():
        small(cache, POLICIES[arm.split()[0]])
        wires[arm] = proxy.proxy(
            arm.replace(" ", "-"), upstream=f"{postgres.host}:{postgres.port}", protocol="postgres"
        )
        stack.enter_context(wires[arm].fault("latency", latency_ms=latency_ms))
        catalogs[arm] = ShopService(
            "catalog",
            Settings(database_url=wires[arm].through(database), redis_url=cache.url, product_cache="redis"),
        )
    stack.enter_context(together(catalogs.values()))
    return catalogs, wires


def main() -> None:
    """Set the stage for a load scenario."""
    latency_ms = (
        parser("chaos.product_cache", __doc__, "delay between catalog and database").parse_args().latency_ms
    )

    def all_of_it(stack: ExitStack) -> tuple[dict[str, str], Knows]:
        catalogs, wires = set_stage(stack, latency_ms)
        for wire in wires.values():
            wire.reset_counts()
        return {arm: catalog.url for arm, catalog in catalogs.items()}, lambda: {
            "statements": {arm: wire.counts().statements for arm, wire in wires.items()}
        }

    perform(all_of_it)


if __name__ == "__main__":
    main()
