"""Fill a database with the seeded shop: bare tables, binary COPY, then keys and indexes.

    datasets.shop ──COPY (FORMAT binary)──▶ bare tables ──▶ primary keys, foreign keys, indexes ──▶ ANALYZE

Constraints come after the rows, so that they are checked once instead of once per row. Rows arrive frozen, so
that no later query pays for marking them visible: buffers are the same in the first run and in the tenth.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import psycopg
from psycopg import sql
from sqlalchemy import ForeignKeyConstraint
from sqlalchemy import Table as Model
from sqlalchemy.dialects import postgresql
from sqlalchemy.schema import AddConstraint, CreateIndex, ExecutableDDLElement

from datasets.shop import VERSION, shop
from datasets.table import Table
from services.postgres import Template
from services.shop import copy
from services.shop.models import Base

Progress = Callable[[str, int, int], None]
# ANALYZE samples 300 rows per unit of target: this reads all 50,000 orders of size S, so that the planner's
# estimates for customers and orders are the same on every machine.
STATISTICS_TARGET = 170
DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]


def template(size: str, seed: int, progress: Progress | None = None) -> Template:
    """The shop of `size` ("S" or "M") and `seed` as a template database, made once and kept."""
    return Template(
        name=f"shop_{size.lower()}_{seed}",
        key=f"shop {VERSION} {size} {seed} {' '.join(definitions())}",
        fill=partial(fill, size=size, seed=seed, progress=progress),
    )


def fill(url: str, size: str, seed: int, progress: Progress | None = None) -> None:
    """Create and fill all tables in the empty database at `url`; `progress(table, rows so far, rows)`."""
    made = shop(size, seed)
    with psycopg.connect(url) as connection:
        for model in Base.metadata.sorted_tables:
            connection.execute(bare(model).encode())
            copy_in(connection, model, made.tables[model.name], progress or (lambda *_: None))
        for statement in definitions():
            connection.execute(statement.encode())
        connection.execute(f"SET LOCAL default_statistics_target = {STATISTICS_TARGET}".encode())
        connection.execute(f"ANALYZE {', '.join(made.tables)}".encode())


def copy_in(connection: psycopg.Connection, model: Model, table: Table, progress: Progress) -> None:
    """COPY rows into a table of this transaction; raises `ValueError` if its columns are not the model's."""
    names = list(table.columns)
    if names != [column.name for column in model.columns]:
        raise ValueError(f"the data set's {table.name} has the columns {names}, the model has others")
    statement = sql.SQL("COPY {} FROM STDIN (FORMAT binary, FREEZE)").format(sql.Identifier(table.name))
    pieces = copy.stream(list(table.columns.values()), [column.type for column in model.columns])
    with connection.cursor() as cursor, cursor.copy(statement) as sink:
        for piece, rows in pieces:
            sink.write(piece)
            progress(table.name, rows, len(table))


def bare(model: Model) -> str:
    """CREATE TABLE without any constraint but NOT NULL."""
    columns = ", ".join(f"{c.name} {c.type.compile(DIALECT)} NOT NULL" for c in model.columns)
    return f"CREATE TABLE {model.name} ({columns})"


def definitions() -> list[str]:
    """Primary keys, then foreign keys and indexes, as the models declare them."""
    return [str(element.compile(dialect=DIALECT)) for element in _elements()]


def _elements() -> Iterator[ExecutableDDLElement]:
    tables = Base.metadata.sorted_tables
    yield from (AddConstraint(model.primary_key) for model in tables)
    yield from (
        AddConstraint(key) for model in tables for key in sorted(model.foreign_key_constraints, key=_columns)
    )
    yield from (
        CreateIndex(index) for model in tables for index in sorted(model.indexes, key=lambda i: i.name or "")
    )


def _columns(key: ForeignKeyConstraint) -> list[str]:
    """An order of its own: a set's would differ from process to process, and with it the template's key."""
    return [str(name) for name in key.column_keys]
