"""A service's connections to PostgreSQL, and how async code runs a transaction on one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Concatenate, ParamSpec, TypeVar

from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool

from services.errors import BacklabError
from services.shop.settings import Settings

P = ParamSpec("P")
T = TypeVar("T")


class Database:
    """`pool_size` connections at most, a wait of `pool_timeout_s` for one, nothing beyond."""

    def __init__(self, settings: Settings) -> None:
        if not settings.database_url:
            raise BacklabError("SHOP_DATABASE_URL is not set", "name the shop's database")
        self.engine = create_engine(
            settings.database_url,
            pool_size=settings.pool_size,
            max_overflow=0,
            pool_timeout=settings.pool_timeout_s,
        )

    async def run(self, work: Callable[Concatenate[Session, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """`work(session, ...)` as one transaction, in a thread, so that no event loop waits for the database.

        No transaction spans a call to a neighbour: a slow one must not hold our rows and connections.
        """

        def transaction() -> T:
            with Session(self.engine, expire_on_commit=False) as session, session.begin():
                return work(session, *args, **kwargs)

        return await run_in_threadpool(transaction)

    def ping(self) -> None:
        """Raise unless the database answers."""
        with self.engine.connect() as connection:
            connection.execute(text("SELECT 1"))
