"""The judge's side of a load: a function in PostgreSQL that counts itself, and waits while we hold it.

load(key): nextval(its counter) -> waits at the gate while `held()` -> the value that the judge has put there

The guest may call the function and nothing else, so every load is counted, whatever connection it came on.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import sql

from backlab.grading.room import GuestError
from services import ready

SCHEMA = """
    CREATE SCHEMA judged;
    CREATE TABLE judged.gate ();
    CREATE TABLE judged.counters (key text PRIMARY KEY, counter regclass NOT NULL);
    CREATE TABLE judged.products (key text PRIMARY KEY, stored text, broken boolean NOT NULL);
    CREATE FUNCTION public.load(wanted text, OUT value text, OUT fails boolean)
        LANGUAGE plpgsql SECURITY DEFINER SET search_path = judged, pg_temp AS $$
    BEGIN
        PERFORM nextval(c.counter) FROM counters c WHERE c.key = wanted;
        LOCK TABLE gate IN ACCESS SHARE MODE;
        SELECT p.stored, p.broken INTO value, fails FROM products p WHERE p.key = wanted;
    END $$;
"""
BEGUN = "SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM judged.{}"
PUT = """
    INSERT INTO judged.products VALUES (%s, %s, %s)
    ON CONFLICT (key) DO UPDATE SET stored = excluded.stored, broken = excluded.broken
"""
COMES_S, STILL_S, LOOK_S = 3.0, 0.2, 0.02


class Loads:
    """Counts loads, holds them back, and decides what they find; `connection` has all rights."""

    def __init__(self, connection: psycopg.Connection[Any], hold: psycopg.Connection[Any]) -> None:
        self._connection, self._hold = connection, hold
        connection.execute(SCHEMA)
        hold.execute("SET lock_timeout = '5s'")
        self._from, self._counter = 0, sql.Identifier("")
        self._numbers = itertools.count()

    def count(self, key: str) -> None:
        """Count the loads of this key from now on, and of no other: a former crowd may still be loading."""
        name = f"begun_{next(self._numbers)}"
        self._counter = sql.Identifier(name)
        self._connection.execute(sql.SQL("CREATE SEQUENCE judged.{}").format(self._counter))
        self._connection.execute("INSERT INTO judged.counters VALUES (%s, %s)", [key, f"judged.{name}"])
        self.reset()

    def put(self, key: str, value: str, *, fails: bool = False) -> None:
        """From now on a load finds this value, or fails and says so by this value."""
        self._connection.execute(PUT, [key, value, fails])

    def reset(self) -> None:
        """Count from zero."""
        self._from = self._ever()

    def begun(self) -> int:
        """Loads that have begun since the last `reset`."""
        return self._ever() - self._from

    def _ever(self) -> int:
        row = self._connection.execute(sql.SQL(BEGUN).format(self._counter)).fetchone()
        return int(row[0]) if row else 0

    @contextmanager
    def held(self) -> Iterator[None]:
        """No load ends in this block."""
        try:
            with self._hold.transaction():
                self._hold.execute("LOCK TABLE judged.gate IN ACCESS EXCLUSIVE MODE")
                yield
        except psycopg.errors.LockNotAvailable:
            raise GuestError("a transaction of yours is still open after a load") from None

    def first(self) -> bool:
        """Wait until a load has begun since the last `reset`; False where none comes within `COMES_S`."""
        return ready.true(lambda: self.begun() > 0, within_s=COMES_S, every_s=LOOK_S)

    def all_that_come(self) -> int:
        """How many loads have begun, once there is one and no more come.

        What is too slow to be seen here is counted in the end: this number can only be too small.
        """
        if not self.first():
            return 0
        ends_s = time.monotonic() + COMES_S
        seen, since_s = 0, time.monotonic()
        while (left_s := since_s + STILL_S - time.monotonic()) > 0 and time.monotonic() < ends_s:
            time.sleep(min(LOOK_S, left_s))
            now = self.begun()
            if now != seen:
                seen, since_s = now, time.monotonic()
        return seen
