"""The images we build keep the official images' contract."""

from __future__ import annotations

import secrets
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from services import images, warden
from services.engine import Engine
from services.errors import BacklabError

pytestmark = pytest.mark.container


class Docker:
    """`docker run` with a name that the warden knows."""

    def __init__(self) -> None:
        self.name = f"backlab-test-{secrets.token_hex(4)}"
        self.registered = [Engine.connect().address, self.name]

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        warden.register("container", self.registered)
        return self.call("run", "--name", self.name, "--network", "none", *words)

    def call(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(["docker", *words], capture_output=True, text=True, timeout=60)


@pytest.fixture
def docker() -> Iterator[Docker]:
    """One container of this test, removed afterwards."""
    one = Docker()
    yield one
    one.call("rm", "--force", "--volumes", one.name)
    warden.release("container", one.registered)


def test_a_second_build_finds_everything_up_to_date() -> None:
    """`build` is idempotent, and `list_images` knows what is there."""
    images.build(progress=lambda _line: None)
    lines: list[str] = []
    assert images.build(progress=lines.append) == ["postgres:18", "redis:8"]
    assert all("up to date" in line or "left alone" in line for line in lines)
    assert all(image.present and image.size_bytes > 0 for image in images.list_images())


def test_an_unknown_image_is_refused() -> None:
    """The sentence names what can be built."""
    with pytest.raises(BacklabError, match="no image called mysql; choose from postgres, redis"):
        images.build(["mysql"])


def test_postgres_wants_a_password(docker: Docker) -> None:
    """Without one it refuses to start, unless trust was asked for."""
    done = docker.run("postgres:18")
    assert done.returncode != 0
    assert "POSTGRES_PASSWORD" in done.stderr


def test_postgres_reads_what_the_official_image_reads(docker: Docker, tmp_path: Path) -> None:
    """User, database, initdb's arguments and the scripts of the first start all count."""
    tmp_path.chmod(0o755)
    (tmp_path / "1.sql").write_text("CREATE TABLE made_by_sql (n int);")
    (tmp_path / "2.sh").write_text(
        'psql -U "$POSTGRES_USER" -d "$POSTGRES_DB" -c "CREATE TABLE made_by_sh ()"'
    )
    variables = {
        "POSTGRES_USER": "ada",
        "POSTGRES_PASSWORD": "it's secret",
        "POSTGRES_DB": "engine",
        "POSTGRES_INITDB_ARGS": "--encoding=UTF8 --wal-segsize=1",
        "PGDATA": "/elsewhere/data",
    }
    flags = [word for name, value in variables.items() for word in ("--env", f"{name}={value}")]
    mount = f"{tmp_path}:/docker-entrypoint-initdb.d:ro"
    assert (
        docker.run("--detach", *flags, "--volume", mount, "postgres:18", "-c", "work_mem=1MB").returncode == 0
    )
    psql = ["exec", docker.name, "psql", "-h", "127.0.0.1", "-U", "ada", "-d", "engine", "-Atc"]
    said = wait_for(docker, [*psql, "SHOW work_mem; SHOW wal_segment_size; SHOW data_directory"])
    assert said.split() == ["1MB", "1MB", "/elsewhere/data"]
    tables = docker.call(*psql, "SELECT tablename FROM pg_tables WHERE tablename ~ 'made' ORDER BY 1")
    assert tables.stdout.split() == ["made_by_sh", "made_by_sql"]
    who = docker.call("exec", docker.name, "stat", "-c", "%U", "/proc/1")
    assert who.stdout.strip() == "postgres"


def wait_for(docker: Docker, command: list[str]) -> str:
    """The output of a command in the container, once it succeeds."""
    from services import ready

    def probe() -> str:
        done = docker.call(*command)
        if done.returncode != 0:
            raise ready.Again(done.stderr)
        return done.stdout

    return ready.until(probe, within_s=20, every_s=0.1)


def test_redis_runs_as_its_own_user(docker: Docker) -> None:
    """Options alone are options of the server, and root's rights are given up."""
    assert docker.run("--detach", "redis:8", "--requirepass", "x").returncode == 0
    assert wait_for(docker, ["exec", docker.name, "stat", "-c", "%U", "/proc/1"]).strip() == "redis"
