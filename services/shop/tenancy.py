"""Three more columns of customers and orders for labs that divide the shop: bucket, seller_id, region.

customers, orders ──ALTER TABLE──▶ the same rows, each with where it belongs (lab 4.6)

PostgreSQL generates them from the customer's id and the country, so the shop's own code neither knows nor
writes them, and an order that it places has them at once. Only who asks gets them: the pages and buffers of
other labs stay as they are. They are stored, so an index and a publication's row filter may use them; the
publication then needs `publish_generated_columns = stored`, its subscriber plain columns (`DROP EXPRESSION`).
"""

from __future__ import annotations

from functools import partial

import psycopg
from sqlalchemy.engine import make_url

from datasets.shop import VERSION
from datasets.tenants import BUCKET_BITS, FOR_BUCKETS, FOR_SELLERS, REGIONS, seller_bounds
from services.postgres import Template
from services.shop import load

CUSTOMER = {"customers": "id", "orders": "customer_id"}  # each table's column with the customer


def template(size: str, seed: int) -> Template:
    """The seeded shop with these columns as a template database, made once and kept."""
    return Template(
        name=f"tenants_{size.lower()}_{seed}",
        key=f"tenants {VERSION} {size} {seed} {' '.join([*load.definitions(), *definitions()])}",
        fill=partial(_fill, size=size, seed=seed),
    )


def add_columns(url: str) -> None:
    """Give the shop at `url` (libpq's or SQLAlchemy's) what it lacks of them; rewrites both tables once."""
    libpq = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(libpq, autocommit=True) as connection:
        with connection.transaction():
            for statement in definitions():
                connection.execute(statement.encode())
        # rows as after a load: frozen and counted, so that the first query pays for nothing
        connection.execute(b"VACUUM (FREEZE, ANALYZE) customers, orders")


def definitions() -> list[str]:
    """The statements that add them; safe to repeat."""
    statements = []
    for table, customer in CUSTOMER.items():
        columns = ", ".join(
            f"ADD COLUMN IF NOT EXISTS {name} {kind} NOT NULL GENERATED ALWAYS AS ({value}) STORED"
            for name, kind, value in (
                ("bucket", "integer", f"({_spread(customer, FOR_BUCKETS)} >> {32 - BUCKET_BITS})::integer"),
                ("seller_id", "integer", _seller(customer)),
                ("region", "text", _region()),
            )
        )
        statements.append(f"ALTER TABLE {table} {columns}")
        statements.append(f"CREATE INDEX IF NOT EXISTS ix_{table}_bucket ON {table} (bucket)")
    return statements


def _fill(url: str, size: str, seed: int) -> None:
    load.fill(url, size, seed)
    add_columns(url)


def _spread(customer: str, factor: int) -> str:
    return f"(({customer}::bigint * {factor}) & {2**32 - 1})"


def _seller(customer: str) -> str:
    bounds = ",".join(map(str, seller_bounds().tolist()))
    return f"width_bucket({_spread(customer, FOR_SELLERS)}, '{{{bounds}}}'::bigint[]) + 1"


def _region() -> str:
    """NULL for a country without a region, which the column refuses."""
    cases = (
        f"WHEN country IN ({', '.join(map(repr, members))}) THEN '{region}'"
        for region, members in REGIONS.items()
    )
    return f"CASE {' '.join(cases)} END"
