"""PostgreSQL 18: a prepared data directory, a fresh password per start, databases cloned from a template.

initdb ▶ base snapshot ──start, Template.fill, stop──▶ template snapshot      (once, kept)
snapshot ──copied / its image started──▶ running server ──new password──▶ yours      (each start)
template database ──CREATE DATABASE … STRATEGY FILE_COPY──▶ database()      (each clone)
"""

from __future__ import annotations

import itertools
import secrets
import signal
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import psycopg
from psycopg import sql

from services import cache, postgres_data, snapshots
from services.errors import BacklabError
from services.server import Image, Native, Server
from services.snapshots import Template
from services.user import User

__all__ = ["Postgres", "Template"]

PRELOADED = ("pg_stat_statements", "auto_explain")
# Shared memory as files in our directory goes with it; "posix" leaves /dev/shm/PostgreSQL.* after a kill.
SETTINGS = {"timezone": "UTC", "log_timezone": "UTC", "dynamic_shared_memory_type": "mmap"}
DATA_IN_IMAGE = "/var/lib/backlab/data"  # not below the official image's volume, which a commit leaves out


class Postgres(Server):
    """A dedicated PostgreSQL; `settings` go to its command line, `durable` means fsync and a real disk."""

    name = "postgres"
    image = "postgres:18"
    not_yet = (psycopg.OperationalError,)

    def __init__(
        self,
        *,
        settings: Mapping[str, str] | None = None,
        template: Template | None = None,
        backend: str | None = None,
        durable: bool = False,
        port: int | None = None,
        progress: Callable[[str], None] | None = None,
    ) -> None:
        super().__init__(backend=backend, port=port, progress=progress)
        self.settings = dict(settings or {})
        self.template = template
        self.durable = durable
        self._snapshot: snapshots.Snapshot | None = None
        self._password = ""
        self._fresh = True  # the snapshot's password still holds
        self._numbers = itertools.count(1)

    @property
    def url(self) -> str:
        """Address of the database `postgres`, as libpq takes it."""
        return self._url("postgres")

    @property
    def sqlalchemy_url(self) -> str:
        """The same for SQLAlchemy."""
        return self.url.replace("postgresql://", "postgresql+psycopg://", 1)

    def _url(self, database: str) -> str:
        return f"postgresql://postgres:{self._password}@{self.host}:{self.port}/{quote(database, safe='')}"

    def prepare(self) -> None:
        kind = Postgres if self.template else _Blank
        settings = {"wal_recycle": "off"}  # or the snapshot carries a gigabyte of old log segments
        self._snapshot = snapshots.ensure(self, lambda: kind(backend=self.backend, settings=settings))
        self._password, self._fresh = self._snapshot.secret, True

    def need_bytes(self) -> int:
        return self._snapshot.size_bytes if self._snapshot else 64 << 20

    def fill(self, directory: Path, owner: User) -> None:
        assert self._snapshot is not None
        assert self._snapshot.path is not None
        data = directory / "data"
        data.mkdir(mode=0o700)
        owner.owns(data)
        cache.copy_tree(self._snapshot.path / "data", data, owner)

    def native(self, directory: Path, port: int) -> Native:
        program = postgres_data.program("postgres")
        own = {"listen_addresses": self.host, "port": str(port), "unix_socket_directories": ""}
        argv = [str(program), "-D", str(directory / "data"), *self._flags(own)]
        return Native(argv, polite=signal.SIGINT, urgent=signal.SIGQUIT)

    def container(self) -> Image:
        image = self._snapshot.image if self._snapshot and self._snapshot.image else self.image
        command = ["postgres", *self._flags({"listen_addresses": "*"})]
        return Image(image, 5432, command, {"PGDATA": DATA_IN_IMAGE})

    def _flags(self, own: dict[str, str]) -> list[str]:
        """Command line settings: ours, then the caller's; libraries to preload add up."""
        chosen = {**SETTINGS, "fsync": "on" if self.durable else "off", **self.settings, **own}
        asked = self.settings.get("shared_preload_libraries", "").split(",")
        chosen["shared_preload_libraries"] = ",".join([*PRELOADED, *filter(None, map(str.strip, asked))])
        return [word for name, value in chosen.items() for word in ("-c", f"{name}={value}")]

    def answer(self) -> str:
        """Connect; the first time also replace the snapshot's password by one that only this object knows."""
        with self.connect() as connection:
            if self._fresh:
                self._password = self.set_password(connection, secrets.token_urlsafe(18))
                self._fresh = False
            return (connection.info.parameter_status("server_version") or "").split()[0]

    def connect(self, database: str = "postgres") -> psycopg.Connection[tuple[object, ...]]:
        """An autocommit connection of ours, whose statements pg_stat_statements does not see."""
        options = "-c pg_stat_statements.track=none"
        return psycopg.connect(self._url(database), autocommit=True, connect_timeout=5, options=options)

    def set_password(self, connection: psycopg.Connection[tuple[object, ...]], password: str) -> str:
        """Set the superuser's password; only its SCRAM verifier reaches the server and its log."""
        verifier = connection.pgconn.encrypt_password(password.encode(), b"postgres", b"scram-sha-256")
        connection.execute(sql.SQL("ALTER ROLE postgres PASSWORD {}").format(sql.Literal(verifier.decode())))
        return password

    def database(self, name: str | None = None, template: str | None = None) -> str:
        """Make a database as a copy of `template` (default: ours, else an empty one) and return its URL."""
        source = template or (self.template.name if self.template else "template1")
        name = name or f"{source if source != 'template1' else 'lab'}_{next(self._numbers)}"
        make = sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY FILE_COPY")
        try:
            with self.connect() as connection:
                connection.execute(make.format(sql.Identifier(name), sql.Identifier(source)))
        except (psycopg.errors.DuplicateDatabase, psycopg.errors.InvalidCatalogName) as error:
            raise BacklabError(
                f"cannot make database {name} from {source}: {error.diag.message_primary}",
                "use another name, or a template that exists",
            ) from error
        return self._url(name)

    def drop(self, name: str) -> None:
        """Drop a database and whoever is connected to it; nothing happens when there is none."""
        drop = sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)")
        with self.connect() as connection:
            connection.execute(drop.format(sql.Identifier(name)))


class _Blank(Postgres):
    """Right after initdb: what the base snapshot is made from."""

    def prepare(self) -> None:
        self._password, self._fresh = secrets.token_urlsafe(18), False

    def fill(self, directory: Path, owner: User) -> None:
        postgres_data.initdb(directory, owner, self._password)

    def container(self) -> Image:
        how = super().container()
        first = {"POSTGRES_PASSWORD": self._password, "POSTGRES_INITDB_ARGS": " ".join(postgres_data.LOCALE)}
        return replace(how, env={**how.env, **first})
