"""A stage for experiments: orders are placed as events, and a projector makes the table that users look at.

screens ─▶ Kafka, topic orders ─▶ projector ─▶ wire "postgres" ─▶ PostgreSQL, order_views
   ▲───────────────────────────── "can I see my order?" ──────────────┘
"""

from __future__ import annotations

import itertools
import json
import time
import uuid
from collections.abc import Callable
from functools import partial
from typing import Any

import psycopg
from confluent_kafka import Producer

from chaos.callers.caller import Caller
from chaos.client import ProxyServer, Wire
from services.kafka import Kafka
from services.kafka_client import SOON
from services.postgres import Postgres
from services.shop import records
from services.shop.load import template
from services.shop.settings import Settings
from services.shop.worker_server import Worker
from services.shop.workers.events import ORDERS
from services.together import Block, together
from services.urls import sqlalchemy_url

DATA_SEED, PATIENCE_S, LOOK_S = 42, 4.0, 0.02
_orders = itertools.count(10_000_000)  # beyond those of the data set


def placed(order: int, total_cents: int = 1999) -> bytes:
    """The event of a new order, as it travels."""
    return json.dumps({
        "id": str(uuid.uuid4()), "type": "order.placed", "key": order, "sequence": 1,
        "occurred_at": "2026-01-01T00:00:00Z", "schema_version": 1, "data": {"total_cents": total_cents},
    }).encode()  # fmt: skip


class PlaceAndSee:
    """Places an order and waits until it can be seen; "failed" after four seconds: it may come later."""

    def __init__(self, bootstrap: str, database: str) -> None:
        self._producer = Producer({"bootstrap.servers": bootstrap, "linger.ms": 0, **SOON})
        self._database = psycopg.connect(database, autocommit=True, connect_timeout=5)

    def __call__(self) -> str:
        order, began_s = next(_orders), time.monotonic()
        self._producer.produce(ORDERS, placed(order), str(order).encode())
        self._producer.flush(PATIENCE_S)
        asked = "SELECT 1 FROM order_views WHERE order_id = %s"
        while (waited_s := time.monotonic() - began_s) < PATIENCE_S:
            if self._database.execute(asked, [order]).fetchone():
                return "ok"
            time.sleep(max(LOOK_S, waited_s / 20))  # who waits long need not look often
        return "failed"

    def close(self) -> None:
        self._database.close()


class Projection(Block):
    """The running stage."""

    def __init__(self) -> None:
        super().__init__()
        self.servers: dict[str, Any] = {}
        self.wires: dict[str, Wire] = {}
        self._database = ""

    def _start(self) -> None:
        postgres, kafka, proxy = Postgres(template=template("S", DATA_SEED)), Kafka(), ProxyServer()
        self._open.enter_context(together([postgres, kafka, proxy]))
        upstream = f"{postgres.host}:{postgres.port}"
        wire = self.wires["postgres"] = proxy.proxy("postgres", upstream=upstream, protocol="postgres")
        self._database = postgres.database()
        url = sqlalchemy_url(self._database)
        records.create(url)
        settings = Settings(database_url=wire.through(url), kafka_bootstrap=kafka.bootstrap, partitions=3)
        projector = self._open.enter_context(Worker("projector", settings))
        self.servers = {"postgres": postgres, "kafka": kafka, "projector": projector}

    def callers(self, page: str) -> dict[str, Callable[[], Caller]]:
        """What its screens do, by arm; `page` is for stages that have pages."""
        bootstrap = self.servers["kafka"].bootstrap
        return {"orders": partial(PlaceAndSee, bootstrap, self._database)}
