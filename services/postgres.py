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
from services.certificate import Certificate
from services.errors import BacklabError, ServerError
from services.server import Image, Native, Server
from services.snapshots import Template
from services.urls import sqlalchemy_url
from services.user import User

__all__ = ["Postgres", "Template"]

PRELOADED = ("pg_stat_statements", "auto_explain")
# Shared memory as files in our directory goes with it; "posix" leaves /dev/shm/PostgreSQL.* after a kill.
SETTINGS = {"timezone": "UTC", "log_timezone": "UTC", "dynamic_shared_memory_type": "mmap"}
DROP_SLOT = "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name = %s"
DATA_IN_IMAGE = "/var/lib/backlab/data"  # not below the official image's volume, which a commit leaves out


class Postgres(Server):
    """A dedicated PostgreSQL; `settings` go to its command line, `durable` means fsync and a real disk.

    `replica_of` makes it a hot standby that streams from a running primary on the same back end, through a
    slot called `slot` there; both have the primary's password. Logical decoding and two-phase commit are
    settings: {"wal_level": "logical"}, {"max_prepared_transactions": "10"}. With `tls` the server has a
    certificate, and `url` lets clients insist on it.
    """

    name = "postgres"
    image = "postgres:18"
    programs = postgres_data.PROGRAMS
    not_yet = (psycopg.OperationalError,)

    def __init__(
        self,
        *,
        settings: Mapping[str, str] | None = None,
        template: Template | None = None,
        backend: str | None = None,
        durable: bool = False,
        replica_of: Postgres | None = None,
        tls: bool = False,
        port: int | None = None,
        progress: Callable[[str], None] | None = None,
    ) -> None:
        super().__init__(backend=replica_of.backend if replica_of else backend, port=port, progress=progress)
        self.settings = dict(settings or {})
        self.template = template
        self.durable = durable
        self.replica_of = replica_of
        self.slot = f"backlab_{secrets.token_hex(4)}" if replica_of else ""
        self.certificate = Certificate(self.host, "localhost") if tls else None
        self.installation = postgres_data.WITH_TLS if tls else postgres_data.PLAIN
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
        return sqlalchemy_url(self.url)

    def _url(self, database: str) -> str:
        verified = (
            f"?sslmode=verify-full&sslrootcert={self.certificate.authority}" if self.certificate else ""
        )
        place = f"{self.host}:{self.port}/{quote(database, safe='')}"
        return f"postgresql://postgres:{self._password}@{place}{verified}"

    def prepare(self) -> None:
        if self.certificate is not None:
            self.certificate.issue()
        if self.replica_of is not None:
            if not self.replica_of.running:
                raise ServerError("the primary of this replica does not run", "start the primary first")
            self._password, self._fresh = self.replica_of._password, False
            return
        self._snapshot = snapshots.ensure(self, self._origin)
        self._password, self._fresh = self._snapshot.secret, True

    def _origin(self) -> Postgres:
        """The server that the snapshot is made on."""
        settings = {"wal_recycle": "off"}  # or the snapshot carries a gigabyte of old log segments
        made = (Postgres if self.template else _Blank)(backend=self.backend, settings=settings)
        made.installation = self.installation
        return made

    def need_bytes(self) -> int:
        return self._snapshot.size_bytes if self._snapshot else 64 << 20

    def fill(self, directory: Path, owner: User) -> None:
        if self.certificate is not None:
            self.certificate.give(directory / "tls.pem", owner)
        if self.replica_of is not None:
            self.installation.copy_primary(directory, owner, self._copy_words(), self._password)
            return
        assert self._snapshot is not None
        assert self._snapshot.path is not None
        data = directory / "data"
        data.mkdir(mode=0o700)
        owner.owns(data)
        cache.copy_tree(self._snapshot.path / "data", data, owner)

    def native(self, directory: Path, port: int) -> Native:
        program = self.installation.program("postgres")
        own = {"listen_addresses": self.host, "port": str(port), "unix_socket_directories": ""}
        argv = [str(program), "-D", str(directory / "data"), *self._flags(own, str(directory / "tls.pem"))]
        return Native(argv, polite=signal.SIGINT, urgent=signal.SIGQUIT)

    def container(self) -> Image:
        image = self._snapshot.image if self._snapshot and self._snapshot.image else self.image
        env = {"PGDATA": DATA_IN_IMAGE}
        copy = self._copy_words() if self.replica_of else []
        if copy:
            env["PGPASSWORD"] = self._password
        if self.certificate is not None:
            env["BACKLAB_TLS"] = self.certificate.pem
        flags = self._flags({"listen_addresses": "*"}, postgres_data.TLS_IN_IMAGE)
        command = postgres_data.in_container(self.certificate is not None, copy, flags)
        return Image(image, 5432, command, env, neighbourly=bool(copy))

    def _copy_words(self) -> list[str]:
        assert self.replica_of is not None
        host, _, port = self.replica_of.neighbour().rpartition(":")
        return postgres_data.copy_words(host, port, self.slot)

    def _flags(self, own: dict[str, str], pem: str) -> list[str]:
        """Command line settings: ours, then the caller's; libraries to preload add up."""
        chosen = {**SETTINGS, "fsync": "on" if self.durable else "off", **self.settings, **own}
        if self.certificate is not None:
            chosen |= {"ssl": "on", "ssl_cert_file": pem, "ssl_key_file": pem}
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

    def stop(self, within_s: float = 5.0) -> None:
        """End it and delete its data; a replica's slot goes too, or its primary would keep WAL for nobody."""
        streamed = self.running
        super().stop(within_s)
        if self.certificate is not None:
            self.certificate.revoke()
        primary = self.replica_of
        if streamed and primary is not None and primary.running and not primary.paused:
            with primary.connect() as connection:
                connection.execute(DROP_SLOT, [self.slot])

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
        self.installation.initdb(directory, owner, self._password)

    def container(self) -> Image:
        how = super().container()
        first = {"POSTGRES_PASSWORD": self._password, "POSTGRES_INITDB_ARGS": " ".join(postgres_data.LOCALE)}
        return replace(how, env={**how.env, **first})
