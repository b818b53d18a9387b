"""A stage for experiments and load: the back office twice, lazy and repaired, on one database.

    screens ─▶ orders (naive)    ─▶ wire "naive"    ─┐
            └▶ orders (repaired) ─▶ wire "repaired" ─┴▶ PostgreSQL

Each copy has its own pool and its own wire, so that both meet the same fault in the same seconds and
their statements are counted apart. `python -m chaos.back_office` sets it up, prints its addresses as
one line of JSON, and when its standard input ends, a second line with the statements that each has sent.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from typing import Any

from chaos.callers.caller import Caller
from chaos.callers.page import Page
from chaos.client import ProxyServer, Wire
from chaos.spoken import Knows, parser, perform
from services.postgres import Postgres
from services.shop.load import template
from services.shop.service import ShopService
from services.shop.settings import Settings
from services.together import Block, together
from services.urls import sqlalchemy_url

LOADERS = ("naive", "repaired")
DATA_SEED = 42


class BackOffice(Block):
    """The running stage: `url(arm)` is a copy's address, `wires[arm]` lies between it and the database."""

    def __init__(self, pool_size: int = 5, pool_timeout_s: float = 1.0) -> None:
        super().__init__()
        self.pool_size, self.pool_timeout_s = pool_size, pool_timeout_s
        self.wires: dict[str, Wire] = {}
        self.services: dict[str, ShopService] = {}
        self.postgres: Postgres

    def _start(self) -> None:
        postgres = self.postgres = self._open.enter_context(Postgres(template=template("S", DATA_SEED)))
        proxy = self._open.enter_context(ProxyServer())
        database = sqlalchemy_url(postgres.database())
        for arm in LOADERS:
            self.wires[arm] = proxy.proxy(
                arm, upstream=f"{postgres.host}:{postgres.port}", protocol="postgres"
            )
            self.services[arm] = ShopService("orders", self._settings(arm, database))
        self._open.enter_context(together(self.services.values()))

    def _settings(self, arm: str, database: str) -> Settings:
        return Settings(
            database_url=self.wires[arm].through(database),
            loader=arm,
            pool_size=self.pool_size,
            pool_timeout_s=self.pool_timeout_s,
        )

    @property
    def servers(self) -> dict[str, Any]:
        """What an experiment may break, by name."""
        return {"postgres": self.postgres, **self.services}

    def callers(self, page: str) -> dict[str, Callable[[], Caller]]:
        """What its screens do, by arm: load a page."""
        return {arm: partial(Page, f"{self.url(arm)}{page}") for arm in self.services}

    def url(self, arm: str) -> str:
        """The address of the copy that uses the loader `arm`."""
        return self.services[arm].url

    def statements(self, arm: str) -> int:
        """How many statements the copy has sent so far, counted on its wire."""
        return self.wires[arm].counts().statements


def main() -> None:
    """Set the stage for a load scenario."""
    latency_ms = parser("chaos.back_office", __doc__).parse_args().latency_ms

    def set_stage(stack: ExitStack) -> tuple[dict[str, str], Knows]:
        stage = stack.enter_context(BackOffice())
        for wire in stage.wires.values():
            stack.enter_context(wire.fault("latency", latency_ms=latency_ms))
            wire.reset_counts()
        return {arm: stage.url(arm) for arm in LOADERS}, lambda: {
            "statements": {arm: stage.statements(arm) for arm in LOADERS}
        }

    perform(set_stage)


if __name__ == "__main__":
    main()
