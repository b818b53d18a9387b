"""One statement of PostgreSQL, again and again, for one product after the other."""

from __future__ import annotations

import itertools
from typing import Any

import psycopg

from chaos.callers.caller import PRODUCTS

LOCK_PATIENCE_MS = 500
READ = "SELECT name, price_cents FROM products WHERE id = %s"
WRITE = "UPDATE inventory SET reserved = reserved + 1 WHERE product_id = %s"
STOCK = "SELECT on_hand FROM inventory WHERE product_id = %s"


class Statement:
    """One statement of PostgreSQL in a transaction of its own; connects again when the connection is lost."""

    def __init__(self, url: str, statement: str) -> None:
        self._url, self._statement = url, statement
        self._ids = itertools.cycle(range(1, PRODUCTS + 1))
        self._connection: psycopg.Connection[Any] | None = None

    def __call__(self) -> str:
        try:
            if self._connection is None:
                options = f"-c lock_timeout={LOCK_PATIENCE_MS}"
                self._connection = psycopg.connect(
                    self._url, autocommit=True, connect_timeout=2, options=options
                )
            self._connection.execute(self._statement, [next(self._ids)])  # type: ignore[call-overload]  # ours
        except psycopg.OperationalError:
            if self._connection is not None and self._connection.broken:
                self._connection = None
            return "failed"
        return "ok"

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
