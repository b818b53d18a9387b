"""The shop in a real database: every row as it was made, and pages that cost what arithmetic says."""

from collections.abc import Iterator

import psycopg
import pytest
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from chaos.client import ProxyServer
from datasets.shop import CHOSEN_SEED, PageCost, page_cost, shop
from services.postgres import Postgres
from services.shop import load, pages
from services.shop.models import Base
from services.urls import sqlalchemy_url

SIZES = [1, 10, 50, 200]


@pytest.fixture(scope="module")
def loaded() -> Iterator[Postgres]:
    """A server whose template holds the shop of size S."""
    with Postgres(template=load.template("S", CHOSEN_SEED)) as server:
        yield server


@pytest.fixture(scope="module")
def connection(loaded: Postgres) -> Iterator[psycopg.Connection]:
    """A connection to a clone of the shop."""
    with psycopg.connect(loaded.database(), connect_timeout=10) as made:
        yield made


@pytest.mark.parametrize("name", [model.name for model in Base.metadata.sorted_tables])
def test_every_row_arrives_as_it_was_made(connection, name):
    """All values of all columns, read back as integers, microseconds and text."""
    table = shop("S", CHOSEN_SEED).tables[name]
    wanted = []
    for column, kind in zip(table.columns, Base.metadata.tables[name].columns, strict=True):
        is_time = kind.type.python_type.__name__ == "datetime"
        wanted.append(f"(extract(epoch from {column}) * 1000000)::bigint" if is_time else f"{column}::text")
    columns = ", ".join(wanted)
    rows = connection.execute(f"SELECT {columns} FROM {name} ORDER BY 1::int").fetchall()
    made = zip(*(column.tolist() for column in table.columns.values()), strict=True)
    expected = sorted((tuple(map(as_text, row)) for row in made), key=lambda row: int(row[0]))
    assert sorted((tuple(map(str, row)) for row in rows), key=lambda row: int(row[0])) == expected


def as_text(value: int | bytes) -> str:
    """A value of a column as PostgreSQL casts it to text."""
    return value.decode() if isinstance(value, bytes) else str(value)


def test_keys_and_indexes_are_there_and_statistics_are_fresh(connection):
    """Primary keys on all tables, an index on each foreign key that labs search by, ANALYZE done."""
    indexes = "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'"
    text = " ".join(row[0] for row in connection.execute(indexes))
    for wanted in ("orders", "order_lines", "payments"):
        assert f"{wanted}_pkey" in text
    for wanted in ("(customer_id)", "(order_id)", "(product_id)"):
        assert wanted in text
    assert connection.execute("SELECT reltuples FROM pg_class WHERE relname = 'orders'").fetchone() == (
        50_000,
    )


def test_no_query_pays_for_marking_rows_visible(connection):
    """Rows arrive frozen: the first count of the orders writes no page."""
    plan = connection.execute(
        "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) SELECT count(*) FROM orders"
    ).fetchone()
    assert plan is not None
    assert plan[0][0]["Plan"]["Shared Dirtied Blocks"] == 0


def test_the_lazy_page_costs_on_the_wire_what_arithmetic_says(loaded):
    """1,192 statements for 200 orders: counted from bytes by the proxy, and page_cost() at every size."""
    url = loaded.database()
    with ProxyServer() as proxy:
        wire = proxy.proxy("postgres", upstream=f"{loaded.host}:{loaded.port}", protocol="postgres")
        engine = create_engine(sqlalchemy_url(wire.through(url)))
        with Session(engine) as warm:
            pages.lazily(warm, 1)
        costs: dict[int, PageCost] = {size: page_cost(shop("S", CHOSEN_SEED), size) for size in SIZES}
        for size, cost in costs.items():
            wire.reset_counts()
            with Session(engine) as session:
                pages.lazily(session, size)
            counts = wire.counts()
            assert (counts.statements, counts.rows) == (cost.statements, cost.rows_distinct)
        engine.dispose()
    assert costs[200].statements == 1192
