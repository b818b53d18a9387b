"""The shop in any topology, from one process to one process each, on a database of its own.

with Shop() as shop:                               one process
with Shop(ONE_EACH) as shop:                       seven
with Shop(["gateway", "orders,cart", ...]):        one per entry
    shop.url                                       where clients go: the gateway, else the first process
    shop.url_of("orders")                          a service, wherever it lives
    shop.processes["payments"].pause()             its process: a `Server` of the bench
    shop.workers["relay"].kill()                   a worker's, if it was asked for
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from services import ports
from services.kafka import Kafka
from services.postgres import Postgres
from services.redis import Redis
from services.shop import records
from services.shop.load import template
from services.shop.names import SERVICES, chosen, place
from services.shop.service import ShopService
from services.shop.settings import Settings
from services.shop.worker_server import Worker
from services.together import Block, together
from services.urls import sqlalchemy_url

ONE_PROCESS = ("all",)
ONE_EACH = SERVICES

Through = Callable[[str, str], str]


class Shop(Block):
    """The running shop; a context manager.

    `settings` are fields of `Settings` for every process, `each` those for the process of one service.
    `database_url` (SQLAlchemy's) names a database that holds the shop already; else a PostgreSQL with the
    data set of `size` and `seed` is started, and with `redis` a Redis for the carts. `through(service, url)`
    may return another URL for the neighbours of a service, such as that of a wire with faults. `workers`
    names some of relay, projector and invoicer; their Kafka is started unless `kafka_bootstrap` is a setting.
    """

    def __init__(
        self,
        processes: Sequence[str] = ONE_PROCESS,
        *,
        size: str = "S",
        seed: int = 42,
        database_url: str = "",
        redis: bool = False,
        workers: Sequence[str] = (),
        settings: Mapping[str, Any] | None = None,
        each: Mapping[str, Mapping[str, Any]] | None = None,
        through: Through = lambda _service, url: url,
    ) -> None:
        super().__init__()
        self.groups = [chosen(names) for names in processes]
        self.size, self.seed, self.database_url, self.with_redis = size, seed, database_url, redis
        self._asked, self._each, self._through = dict(settings or {}), dict(each or {}), through
        self.settings = Settings()  # of every process, once it is started
        self.processes: dict[str, ShopService] = {}
        self.workers: dict[str, Worker] = {}
        self._wanted_workers = workers
        self.postgres: Postgres | None = None
        self._urls: dict[str, str] = {}

    def url_of(self, service: str) -> str:
        """The address of one service."""
        return self._urls[service]

    @property
    def url(self) -> str:
        """The address for clients."""
        first = next(name for group in self.groups for name in group)
        return self.processes["gateway" if "gateway" in self.processes else first].url

    def _start(self) -> None:
        self.settings = replace(Settings(), **{**self._stores(), **self._asked})
        records.create(self.settings.database_url)
        self.workers = {name: Worker(name, self.settings) for name in self._wanted_workers}
        # no more at a time than there are processors, so that each has its time to start for itself
        everybody = [*self._servers(), *self.workers.values()]
        self._open.enter_context(together(everybody, most=os.cpu_count()))

    def _stores(self) -> dict[str, str]:
        """Where the data lives, the servers started if nobody gave any."""
        found = {"database_url": self.database_url}
        if not self.database_url:
            made = Postgres(template=template(self.size, self.seed))
            self.postgres = self._open.enter_context(made)
            found["database_url"] = sqlalchemy_url(made.database())
        if self.with_redis:
            found |= {"redis_url": self._open.enter_context(Redis()).url, "cart_store": "redis"}
        if self._wanted_workers and "kafka_bootstrap" not in self._asked:
            found["kafka_bootstrap"] = self._open.enter_context(Kafka()).bootstrap
        return found

    def _servers(self) -> list[ShopService]:
        """One server per group, told where the others will be: the ports are ours before anybody starts."""
        reserved = [self._reserve() for _ in self.groups]
        for group, port in zip(self.groups, reserved, strict=True):
            for name in group:
                self._urls[name] = f"http://{ports.LOOPBACK}:{port}" + (place(name) if len(group) > 1 else "")
        told = {
            f"{name}_url": self._through(name, url) for name, url in self._urls.items() if name != "gateway"
        }
        servers = []
        for group, port in zip(self.groups, reserved, strict=True):
            own = {field: value for name in group for field, value in self._each.get(name, {}).items()}
            server = ShopService(",".join(group), replace(self.settings, **{**told, **own}), port=port)
            self.processes |= dict.fromkeys(group, server)
            servers.append(server)
        return servers

    def _reserve(self) -> int:
        reservation = ports.reserve()
        self._open.callback(reservation.close)
        return reservation.port
