"""The witnesses: what a page really asked, counted where the page's code can't reach.

load(session, size) --> wire: statements, rows, bytes --> PostgreSQL: buffers (pg_stat_statements)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.orm import Session

from services.shop.pages import Loader, OrderView

if TYPE_CHECKING:
    from chaos.client import Wire

DISTINCT = text("""
    WITH page AS (
        SELECT id, customer_id FROM orders
         WHERE CAST(:before_id AS integer) IS NULL OR id < CAST(:before_id AS integer)
         ORDER BY id DESC LIMIT :size)
    SELECT (SELECT count(*) + count(DISTINCT customer_id) FROM page)
         + (SELECT count(*) + count(DISTINCT product_id) FROM order_lines
             WHERE order_id IN (SELECT id FROM page))
         + (SELECT count(*) FROM payments WHERE order_id IN (SELECT id FROM page))
""")


@dataclass(frozen=True)
class Visit:
    """One page with its price: statements, rows and kilobytes on the wire, buffers in the server."""

    page: list[OrderView]
    statements: int
    rows: int
    kilobytes: float
    buffers: int

    def counts(self) -> dict[str, float]:
        """The price alone, as columns for `measure`."""
        return {
            "statements": self.statements,
            "rows": self.rows,
            "kB": self.kilobytes,
            "buffers": self.buffers,
        }


class Witness:
    """Visits pages through a wire; a second connection, past the wire, reads the server's statistics."""

    def __init__(self, engine: Engine, wire: Wire, server_url: str) -> None:
        self.engine, self.wire = engine, wire
        self.server = create_engine(server_url, isolation_level="AUTOCOMMIT")
        with self.server.connect() as connection:
            connection.execute(text("CREATE EXTENSION IF NOT EXISTS pg_stat_statements"))
        engine.connect().close()  # the first connection asks three questions of its own

    def visit(self, load: Loader, size: int, before_id: int | None = None) -> Visit:
        """Load one page in a new session: an identity map that is still warm would hide questions."""
        with self.server.connect() as connection:
            connection.execute(text("SELECT pg_stat_statements_reset()"))
            self.wire.reset_counts()
            with Session(self.engine) as session:
                page = load(session, size, before_id)
            seen = self.wire.counts()
            touched = connection.execute(text(
                "SELECT sum(shared_blks_hit + shared_blks_read) FROM pg_stat_statements"
                " WHERE dbid = (SELECT oid FROM pg_database WHERE datname = :name)"
            ), {"name": self.engine.url.database}).scalar_one()  # fmt: skip
        kilobytes = (seen.bytes_up + seen.bytes_down) / 1000
        return Visit(page, seen.statements, seen.rows, kilobytes, int(touched or 0))

    def distinct_rows(self, size: int, before_id: int | None = None) -> int:
        """How many different rows the page shows: orders, customers, lines, products, payments."""
        with self.engine.connect() as connection:
            return int(connection.execute(DISTINCT, {"size": size, "before_id": before_id}).scalar_one())

    def close(self) -> None:
        """Close every connection that this witness opened."""
        self.server.dispose()
        self.engine.dispose()


def straight_lines(rows: pd.DataFrame) -> dict[str, tuple[float, float]]:
    """Intercept (ms) and slope (ms per level) of latency against level by arm, by least squares
    through each level's median: one slow visit of three moves no line.

    Raises `ValueError` while an arm has been seen at fewer than two levels.
    """
    found = {}
    for arm, part in rows.groupby("arm"):
        if part["level"].nunique() < 2:
            raise ValueError(f"{arm} has been measured at one level only")
        middle = part.groupby("level")["latency_ms"].median()
        slope, intercept = np.polyfit(middle.index, middle, 1)
        found[str(arm)] = (float(intercept), float(slope))
    return found
