"""How fast rows get in: binary COPY against the ORM, a clone of a million rows against Postgres' default."""

from __future__ import annotations

import statistics
from collections.abc import Iterator

import psycopg
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from datasets.shop import shop
from datasets.table import Table
from services.postgres import Postgres, Template
from services.shop import load
from services.shop.models import OrderLine
from services.urls import sqlalchemy_url
from tests.bench.figure import Figure, interleaved, seconds

ROUNDS = 10
ORM_ROWS = 5_000
MILLION = Template(
    name="million",
    key="bench: a million rows",
    fill=lambda url: fill_million(url),
)


def fill_million(url: str) -> None:
    """A million rows of a number and a text."""
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TABLE numbers (id int PRIMARY KEY, text text NOT NULL)")
        connection.execute("INSERT INTO numbers SELECT n, md5(n::text) FROM generate_series(1, 1000000) n")


def copied(url: str, lines: Table) -> float:
    """Rows a second through our COPY, into a bare table."""
    with psycopg.connect(url) as connection:
        connection.execute("DROP TABLE IF EXISTS order_lines")
        connection.execute(load.bare(OrderLine.__table__).encode())  # type: ignore[arg-type]
        return len(lines) / seconds(
            lambda: load.copy_in(connection, OrderLine.__table__, lines, lambda *_: None)
        )


def by_orm(url: str, lines: Table) -> float:
    """Rows a second through `session.add_all` and one commit, into the same bare table."""
    names = list(lines.columns)
    columns = [lines.columns[name][:ORM_ROWS].tolist() for name in names]
    rows = [OrderLine(**dict(zip(names, row, strict=True))) for row in zip(*columns, strict=True)]
    engine = create_engine(sqlalchemy_url(url))
    try:
        with engine.begin() as connection:
            connection.exec_driver_sql("TRUNCATE order_lines")
        with Session(engine) as session:

            def insert() -> None:
                session.add_all(rows)
                session.commit()

            return ORM_ROWS / seconds(insert)
    finally:
        engine.dispose()


def figures() -> Iterator[Figure]:
    """On one native server: COPY and ORM in turn, then clones both ways in turn."""
    lines = shop("M", seed=42).tables["order_lines"]
    with Postgres(backend="native", template=MILLION) as server:
        url = server.database("rows", template="template1")
        arms = {"copy": lambda: copied(url, lines), "orm": lambda: by_orm(url, lines)}
        taken = interleaved(arms, ROUNDS)
        yield Figure("COPY", "rows/s", taken["copy"], 500_000, "ORM inserts", taken["orm"], 20, True)
        clones = {"ours": lambda: cloned(server, "FILE_COPY"), "default": lambda: cloned(server, "WAL_LOG")}
        taken = interleaved(clones, ROUNDS)
        yield Figure("clone of 1 M rows", "s", taken["ours"], 0.2, "Postgres' default", taken["default"], 1.3)
    yield Figure("clone of a lab's data", "s", lab_clone(), 0.06)


def lab_clone() -> float:
    """Seconds for a database with the data of a lab, 50,000 orders, on a server that runs already."""
    with Postgres(backend="native", template=load.template("S", 42)) as server:
        server.database()
        return statistics.median(seconds(server.database) for _ in range(ROUNDS))


def cloned(server: Postgres, strategy: str) -> float:
    """Seconds for a database from the template; ours is `server.database`, which says FILE_COPY itself."""
    try:
        if strategy == "FILE_COPY":
            return seconds(lambda: server.database("clone"))
        with server.connect() as connection:
            make = "CREATE DATABASE clone TEMPLATE million STRATEGY WAL_LOG"
            return seconds(lambda: connection.execute(make))
    finally:
        server.drop("clone")
