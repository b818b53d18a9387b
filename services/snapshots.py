"""Prepared PostgreSQL data, made once per key and kept: a directory (native) or an image (container).

Blank (initdb) ──extension──▶ base snapshot        origin.start ▶ furnish ▶ known password ▶ halt ▶ keep
base ──Template.fill, vacuum──▶ template snapshot  (the same steps)
"""

from __future__ import annotations

import hashlib
import json
import secrets
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
from psycopg import sql

from services import cache, postgres_data
from services.errors import BacklabError
from services.user import server_user

if TYPE_CHECKING:
    from services.postgres import Postgres

FORMAT = "4"  # raise it when what a snapshot holds changes


@dataclass(frozen=True)
class Template:
    """A database made once and cloned often: `fill(url)` is called with an empty database, then all is kept.

    `key` names everything that `fill` depends on (dataset version, size, seed); a new key fills anew.
    """

    name: str
    key: str
    fill: Callable[[str], None]


@dataclass(frozen=True)
class Snapshot:
    """Where the prepared data is, and the superuser's password in it (changed at each start)."""

    secret: str
    path: Path | None = None
    size_bytes: int = 0
    image: str | None = None


def ensure(server: Postgres, origin: Callable[[], Postgres]) -> Snapshot:
    """The snapshot that `server` starts from, made from `origin()` if missing; others wait for it."""
    if server.backend == "container":
        from services import prepared_images  # takes 0.3 s to import, native users need not wait

        name = key(server, prepared_images.identity(server.image, server.progress))
        return prepared_images.snapshot(name, lambda keep: _take(server, origin(), keep))

    def make(draft: Path) -> None:
        _take(server, origin(), lambda source, secret: _keep_directory(source, secret, draft))

    path = cache.prepared(key(server, server.installation.identity()), make, server_user())
    known = json.loads((path / "known.json").read_text())
    return Snapshot(known["secret"], path, known["size_bytes"])


def forget(server: Postgres) -> None:
    """Remove the snapshot that `server` starts from; the next start makes it anew."""
    if server.backend == "container":
        from services import prepared_images

        prepared_images.forget(key(server, prepared_images.identity(server.image, server.progress)))
    else:
        shutil.rmtree(
            cache.directory() / "prepared" / key(server, server.installation.identity()), ignore_errors=True
        )


def key(server: Postgres, identity: str) -> str:
    """What the snapshot depends on, as a short name. Settings are not in it: they go to the command line."""
    parts = [FORMAT, identity, *postgres_data.LOCALE]
    if server.template is not None:
        parts += [server.template.name, server.template.key]
    label = server.template.name if server.template else "base"
    return f"postgres-{label}-{hashlib.sha256(repr(parts).encode()).hexdigest()[:12]}"


def _take(server: Postgres, origin: Postgres, keep: Callable[[Postgres, str], None]) -> None:
    """Start `origin`, put in what the snapshot holds, stop it cleanly, and `keep(origin, secret)`."""
    secret = secrets.token_urlsafe(18)
    server.progress(f"preparing postgres{' with ' + server.template.name if server.template else ''}")
    with origin:
        if server.template is None:
            _add_extension(origin)
        else:
            _fill(origin, server.template)
        with origin.connect() as connection:
            connection.execute("SELECT pg_stat_statements_reset()")
            origin.set_password(connection, secret)
        origin.halt()
        keep(origin, secret)


def _add_extension(origin: Postgres) -> None:
    for database in ("template1", "postgres"):
        with origin.connect(database) as connection:
            connection.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
    if origin.backend == "container":  # initdb lets replicas in from the loopback address only
        with origin.connect() as connection:
            line = "host replication all samenet scram-sha-256"
            place = connection.execute("SHOW hba_file").fetchone()
            connection.execute(
                f"COPY (SELECT '{line}') TO PROGRAM 'cat >> {place[0] if place else ''}'".encode()
            )


def _fill(origin: Postgres, template: Template) -> None:
    """Fill the template, vacuum it (so that no later reader pays for hint bits), close it to visitors."""
    if template.name in ("postgres", "template0", "template1"):
        raise BacklabError(f"a template cannot be called {template.name}", "give it a name of its own")
    try:
        template.fill(origin.database(template.name, template="template1"))
        with origin.connect(template.name) as connection:
            connection.execute("VACUUM (FREEZE, ANALYZE)")
    except psycopg.errors.DiskFull as full:
        raise BacklabError(
            f"no room for the data of {template.name}: {full.diag.message_primary}",
            "free some space, or set BACKLAB_SCRATCH to a directory with room",
        ) from full
    closed = sql.SQL("ALTER DATABASE {} WITH IS_TEMPLATE true ALLOW_CONNECTIONS false")
    with origin.connect() as connection:
        connection.execute(closed.format(sql.Identifier(template.name)))


def _keep_directory(source: Postgres, secret: str, draft: Path) -> None:
    data = draft / "data"
    data.mkdir(mode=0o700)
    server_user().owns(data)
    cache.copy_tree(source.directory / "data", data, server_user())
    (data / "postmaster.opts").unlink(missing_ok=True)
    known = draft / "known.json"
    known.touch(mode=0o600)
    server_user().owns(known)  # in a grader's sandbox too; each start changes the password
    known.write_text(json.dumps({"secret": secret, "size_bytes": cache.size_bytes(data)}))
