"""A lock in PostgreSQL that somebody holds, and who had to wait for it; and back ends that are terminated.

    HeldLock ──connection of its own──▶ BEGIN; LOCK TABLE … | SELECT … FOR UPDATE | pg_advisory_xact_lock
        └── a second connection looks every 50 ms who waits behind it (pg_blocking_pids)

The lock lives as long as the connection: when its holder dies, the kernel closes that, the server rolls back.
"""

from __future__ import annotations

import math
import threading
from typing import Protocol

import psycopg
from psycopg import sql

from chaos.outages.outage import Outage
from services import ready
from services.errors import BacklabError
from services.postgres import Postgres

LOOK_EVERY_S = 0.05
MODES = (
    "ACCESS SHARE", "ROW SHARE", "ROW EXCLUSIVE", "SHARE UPDATE EXCLUSIVE",
    "SHARE", "SHARE ROW EXCLUSIVE", "EXCLUSIVE", "ACCESS EXCLUSIVE",
)  # fmt: skip
WAITING = """SELECT pid, query_start FROM pg_stat_activity
             WHERE wait_event_type = 'Lock' AND %s = ANY (pg_blocking_pids(pid))"""
Connection = psycopg.Connection[tuple[object, ...]]


class Connects(Protocol):
    """A PostgreSQL, ours or another's."""

    def connect(self, database: str) -> Connection:
        """An autocommit connection."""


class HeldLock(Outage):
    """Holds the table `table` in `mode`, or the row of it whose id is `row`, or the advisory lock `key`."""

    def __init__(
        self,
        server: Connects,
        *,
        database: str = "postgres",
        table: str = "",
        row: int | None = None,
        key: int | None = None,
        mode: str = "ACCESS EXCLUSIVE",
    ) -> None:
        super().__init__()
        self.server, self.database = server, database
        self._take = _statement(table, row, key, mode)
        self._over = threading.Event()
        self._waited: set[tuple[object, ...]] = set()
        self._holder: Connection
        self._looking: threading.Thread

    def break_it(self) -> None:
        self._holder = self.server.connect(self.database)
        try:
            self._holder.execute("BEGIN")
            self._holder.execute("SET LOCAL lock_timeout = '5s'")
            taken = self._holder.execute(self._take)
            if taken.description and not taken.fetchall():
                raise BacklabError("there is no such row to lock", "give the id of a row that exists")
            observer = self.server.connect(self.database)
        except psycopg.Error as refusal:
            self._holder.close()
            raise BacklabError(f"the lock could not be taken: {refusal}", "correct its name") from refusal
        except BaseException:
            self._holder.close()
            raise
        self._looking = threading.Thread(target=self._watch, args=(observer,), daemon=True)
        self._looking.start()

    def _watch(self, observer: Connection) -> None:
        holder = self._holder.info.backend_pid

        def look() -> bool:
            over = self._over.is_set()  # asked first, so that the last look comes after the end
            self._waited |= set(observer.execute(WAITING, [holder]).fetchall())
            return over

        with observer:
            try:
                ready.true(look, within_s=math.inf, every_s=LOOK_EVERY_S)
            except psycopg.OperationalError:  # the server is gone, and with it the lock
                return

    def mend(self) -> None:
        self._over.set()
        self._looking.join()
        self._holder.close()

    def touched(self) -> tuple[int, str]:
        return len(self._waited), "statements that waited for it"


def _statement(table: str, row: int | None, key: int | None, mode: str) -> sql.Composed:
    if key is not None:
        return sql.SQL("SELECT pg_advisory_xact_lock({})").format(sql.Literal(key))
    if not table:
        raise BacklabError("nothing is named to lock", "give a table, a table and a row, or a key")
    name = sql.Identifier(*table.split("."))
    if row is not None:
        return sql.SQL("SELECT 1 FROM {} WHERE id = {} FOR UPDATE").format(name, sql.Literal(row))
    if mode.upper() not in MODES:
        raise BacklabError(f"there is no lock mode {mode!r}", f"use one of {', '.join(MODES)}")
    return sql.SQL("LOCK TABLE {} IN {} MODE").format(name, sql.SQL(mode.upper()))  # type: ignore[arg-type]  # checked above


def terminate(server: Postgres, application: str = "", database: str = "") -> int:
    """End every client's back end, or those of one application or database; returns how many."""
    with server.connect() as connection:
        ended = connection.execute(
            """SELECT count(*) FILTER (WHERE pg_terminate_backend(pid)) FROM pg_stat_activity
               WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()
                 AND %(application)s::text IN ('', application_name)
                 AND %(database)s::text IN ('', datname::text)""",
            {"application": application, "database": database},
        ).fetchone()
    assert ended is not None
    return int(str(ended[0]))
