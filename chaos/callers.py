"""What a screen does each time: load a page, look something up, change an order, send a message.

    make_caller(name, stage) ──▶ a function that makes one Caller per screen ──▶ caller() says how it ended

Each goes through the wire in front of its server, where there is one. An outcome is "ok", "failed" or, where
the work may have been done all the same (a timeout), "unknown".
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Mapping
from difflib import get_close_matches
from typing import Any, Protocol

import httpx
import psycopg
import redis

from services.errors import BacklabError

PATIENCE_S = 1.0
LOCK_PATIENCE_MS = 500
TOPIC = "orders"
PRODUCTS = 50  # the ids that lookups ask for, in turn


class Addresses(Protocol):
    """What a caller needs to know of the stage."""

    def address(self, server: str) -> str:
        """The URL of a server, through its wire if it has one."""


class Caller(Protocol):
    """One client with its own connection."""

    def __call__(self) -> str:
        """Call once and say how it ended."""

    def close(self) -> None:
        """Give the connection back."""


class Page:
    """GET of a page; any answer but a success has failed."""

    def __init__(self, url: str) -> None:
        self._url, self._client = url, httpx.Client(timeout=10)

    def __call__(self) -> str:
        try:
            return "ok" if self._client.get(self._url).is_success else "failed"
        except httpx.TimeoutException:
            return "unknown"
        except httpx.HTTPError:
            return "failed"

    def close(self) -> None:
        self._client.close()


class Statement:
    """One statement of PostgreSQL in a transaction of its own; connects again when the connection is lost."""

    def __init__(self, url: str, statement: str) -> None:
        self._url, self._statement = url, statement
        self._ids = itertools.cycle(range(1, PRODUCTS + 1))
        self._connection: psycopg.Connection[Any] | None = None

    def __call__(self) -> str:
        try:
            if self._connection is None:
                options = f"-c lock_timeout={LOCK_PATIENCE_MS}"
                self._connection = psycopg.connect(
                    self._url, autocommit=True, connect_timeout=2, options=options
                )
            self._connection.execute(self._statement, [next(self._ids)])  # type: ignore[call-overload]  # ours
        except psycopg.OperationalError:
            if self._connection is not None and self._connection.broken:
                self._connection = None
            return "failed"
        return "ok"

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()


class Cached:
    """A product by way of the cache; without `source`, a lookup fails when the cache does."""

    def __init__(self, cache_url: str, source: Statement, *, falls_back: bool) -> None:
        self._cache = redis.Redis.from_url(
            cache_url, socket_timeout=PATIENCE_S, socket_connect_timeout=PATIENCE_S, retry=None
        )
        self._source, self._falls_back = source, falls_back
        self._ids = itertools.cycle(range(1, PRODUCTS + 1))

    def __call__(self) -> str:
        key = f"product:{next(self._ids)}"
        try:
            if self._cache.get(key) is not None:
                return "ok"
            outcome = self._source()
            self._cache.set(key, "known", ex=1)
        except redis.RedisError:
            return self._source() if self._falls_back else "failed"
        return outcome

    def close(self) -> None:
        self._cache.close()
        self._source.close()


class DualWrite:
    """Reserves stock, then tells Kafka and waits for its acknowledgement, as one does without an outbox."""

    def __init__(self, brokers: str, order: Statement) -> None:
        from confluent_kafka import Producer

        self._order = order
        self._producer = Producer(
            {
                "bootstrap.servers": brokers,
                "acks": "all",
                "message.timeout.ms": int(PATIENCE_S * 1e3),
                "reconnect.backoff.max.ms": 200,
                "log_level": 2,
            }
        )

    def __call__(self) -> str:
        outcome = self._order()
        if outcome != "ok":
            return outcome
        acknowledged: list[bool] = []
        self._producer.produce(TOPIC, b"reserved", callback=lambda error, _: acknowledged.append(not error))
        self._producer.flush(PATIENCE_S * 2)
        return "ok" if acknowledged == [True] else "unknown"  # it may have arrived all the same

    def close(self) -> None:
        self._order.close()


class Purchase:
    """Places an order at the shop; "sold out" is a proper answer, and after a timeout nobody knows."""

    def __init__(self, shop: str) -> None:
        self._client = httpx.Client(base_url=shop, timeout=10)
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


READ = "SELECT name, price_cents FROM products WHERE id = %s"
WRITE = "UPDATE inventory SET reserved = reserved + 1 WHERE product_id = %s"
STOCK = "SELECT on_hand FROM inventory WHERE product_id = %s"


def _statement(text: str) -> Callable[[Addresses], Caller]:
    return lambda stage: Statement(stage.address("postgres"), text)


def _cached(falls_back: bool) -> Callable[[Addresses], Caller]:
    def make(stage: Addresses) -> Caller:
        source = Statement(stage.address("postgres"), READ)
        return Cached(stage.address("redis"), source, falls_back=falls_back)

    return make


def _dual_write(stage: Addresses) -> Caller:
    return DualWrite(stage.address("kafka"), Statement(stage.address("postgres"), WRITE))


def _product_page(manners: str) -> Callable[[Addresses], Caller]:
    def make(stage: Addresses) -> Caller:
        from chaos.product_page import ProductPage

        return ProductPage(stage, manners)

    return make


# name -> (what makes a caller, the servers that it calls)
KINDS: Mapping[str, tuple[Callable[[Addresses], Caller], tuple[str, ...]]] = {
    "read-product": (_statement(READ), ("postgres",)),
    "reserve-stock": (_statement(WRITE), ("postgres",)),
    "read-stock": (_statement(STOCK), ("postgres",)),
    "reserve-and-send": (_dual_write, ("postgres", "kafka")),
    "place-order": (lambda stage: Purchase(stage.address("shop")), ("shop",)),
    "cache-only": (_cached(False), ("redis", "postgres")),
    "cache-or-database": (_cached(True), ("redis", "postgres")),
    "patient-page": (_product_page("patient"), ("redis", "postgres")),
    "bounded-page": (_product_page("bounded"), ("redis", "postgres")),
}


def maker(name: str, servers: Collection[str]) -> Callable[[Addresses], Caller]:
    """What makes callers of this kind; raises `BacklabError` for an unknown one or one without its server."""
    if name not in KINDS:
        near = get_close_matches(name, KINDS, n=1)
        step = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(KINDS)}"
        raise BacklabError(f"there is no load called {name!r}", step)
    make, needs = KINDS[name]
    missing = [server for server in needs if server not in servers]
    if missing:
        raise BacklabError(
            f"the load {name!r} calls {missing[0]}, which the experiment does not start",
            f"add {missing[0]} to `servers` in its configuration",
        )
    return make
