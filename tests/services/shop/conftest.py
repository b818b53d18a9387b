"""One PostgreSQL with the seeded shop for all tests of this folder, fresh databases and shops on demand."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import httpx
import pytest

from services.postgres import Postgres
from services.shop.load import template
from services.shop.topology import Shop
from services.urls import sqlalchemy_url

Start = Callable[..., Shop]


@pytest.fixture(scope="session")
def database_server() -> Iterator[Postgres]:
    """The server whose databases are copies of the seeded shop."""
    with Postgres(template=template("S", 42)) as server:
        yield server


@pytest.fixture(scope="session")
def fresh_database(database_server: Postgres) -> Callable[[], str]:
    """Makes a fresh database with the seeded shop; its SQLAlchemy URL."""
    return lambda: sqlalchemy_url(database_server.database())


@pytest.fixture
def start(fresh_database: Callable[[], str]) -> Iterator[Start]:
    """Starts a shop of the test's own, on a fresh database unless it names one."""
    with ExitStack() as stack:

        def started(*arguments: object, **options: object) -> Shop:
            options.setdefault("database_url", fresh_database())
            return stack.enter_context(Shop(*arguments, **options))  # type: ignore[arg-type]

        yield started


@pytest.fixture(scope="module")
def shop(fresh_database: Callable[[], str]) -> Iterator[Shop]:
    """A shop in one process for the tests of one file."""
    with Shop(database_url=fresh_database()) as running:
        yield running


@pytest.fixture
def client(shop: Shop) -> Iterator[httpx.Client]:
    """A client of that shop."""
    with httpx.Client(base_url=shop.url, timeout=30) as made:
        yield made
