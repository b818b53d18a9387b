"""A Postgres role for a guest: owns databases or visits them, owns nothing else, and is no superuser.

A superuser could run programs on our side (COPY TO PROGRAM) and reset the statistics that we judge by.
"""

from __future__ import annotations

import secrets
from urllib.parse import urlsplit, urlunsplit

from psycopg import sql

from services.postgres import Postgres

CONNECTIONS = 16  # at a time, unless a judge lets a crowd in
TABLES = """DO $$ DECLARE t record; BEGIN
  FOR t IN SELECT format('%I.%I', schemaname, tablename) AS name
             FROM pg_tables WHERE schemaname = 'public' LOOP
    EXECUTE 'ALTER TABLE ' || t.name || ' OWNER TO {role}';
  END LOOP; END $$"""


class GuestRole:
    """A role and its databases; `close` drops all of them, whoever is connected."""

    def __init__(self, server: Postgres, connections: int = CONNECTIONS) -> None:
        self.server = server
        self.name, self._password = f"guest_{secrets.token_hex(6)}", secrets.token_urlsafe(18)
        self._databases: list[str] = []
        name, limit = sql.Identifier(self.name), sql.Literal(connections)
        with server.connect() as connection:
            make = sql.SQL("CREATE ROLE {} LOGIN PASSWORD {} CONNECTION LIMIT {}")
            connection.execute(make.format(name, sql.Literal(self._password), limit))
            connection.execute(sql.SQL("ALTER ROLE {} SET temp_file_limit = '256MB'").format(name))
            for other in ("postgres", "template1"):
                revoke = sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC")
                connection.execute(revoke.format(sql.Identifier(other)))

    def owns(self, url: str) -> str:
        """Give the database at `url` to the role and return the URL with which the role enters it."""
        parts = urlsplit(url)
        database = parts.path.lstrip("/")
        self._databases.append(database)
        with self.server.connect() as connection:
            change = sql.SQL("ALTER DATABASE {} OWNER TO {}")
            connection.execute(change.format(sql.Identifier(database), sql.Identifier(self.name)))
            private(connection, database)
        with self.server.connect(database) as connection:
            connection.execute(TABLES.format(role=self.name).encode())
        return self._entry(url)

    def visits(self, url: str) -> str:
        """Let the role into the database at `url`, without a right to anything in it, and return its URL.

        It can make nothing there, so a judge may work in it with all rights; the database goes with the role.
        """
        database = urlsplit(url).path.lstrip("/")
        self._databases.append(database)
        with self.server.connect() as connection:
            private(connection, database)
            let = sql.SQL("GRANT CONNECT ON DATABASE {} TO {}")
            connection.execute(let.format(sql.Identifier(database), sql.Identifier(self.name)))
        return self._entry(url)

    def _entry(self, url: str) -> str:
        parts = urlsplit(url)
        host = parts.netloc.rpartition("@")[2]
        return urlunsplit(parts._replace(netloc=f"{self.name}:{self._password}@{host}"))

    def close(self) -> None:
        """Drop databases and role."""
        owned = "SELECT datname FROM pg_database WHERE datdba = (SELECT oid FROM pg_roles WHERE rolname = %s)"
        with self.server.connect() as connection:
            found = [str(row[0]) for row in connection.execute(owned, [self.name])]
        for database in {*self._databases, *found}:
            self.server.drop(database)
        with self.server.connect() as connection:
            connection.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(sql.Identifier(self.name)))


def private(connection: object, *databases: str) -> None:
    """Let nobody but their owners and superusers into these databases."""
    for database in databases:
        revoke = sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(sql.Identifier(database))
        connection.execute(revoke)  # type: ignore[attr-defined]  # psycopg's connection, of any row type
