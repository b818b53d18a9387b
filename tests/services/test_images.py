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
KAFKA = images.RECIPES["kafka"].tag


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
    assert images.build(progress=lines.append) == [recipe.tag for recipe in images.RECIPES.values()]
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


def kafka_says(docker: Docker) -> str:
    """The log of a Kafka that has started."""
    from services import ready

    def probe() -> str:
        done = docker.call("logs", docker.name)
        said = done.stdout + done.stderr
        if "Kafka Server started" not in said:
            raise ready.Again(said)
        return said

    return ready.until(probe, within_s=30, every_s=0.1)


def test_kafka_starts_without_any_setting(docker: Docker) -> None:
    """Controller and broker in one, as an ordinary user, like the official image."""
    assert docker.run("--detach", "--hostname", "localhost", KAFKA).returncode == 0
    assert "nodeId=1" in kafka_says(docker)
    who = docker.call("exec", docker.name, "stat", "-c", "%U", "/proc/1")
    assert who.stdout.strip() == "appuser"


CONFIG = (
    "process.roles=broker,controller\nnode.id=1\ncontroller.listener.names=CONTROLLER\n"
    "listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT"
)
VARIABLES = {
    "CLUSTER_ID": "MkU3OEVBNTcwNTJENDM2Qk",
    "KAFKA_NODE_ID": "7",
    "KAFKA_LISTENERS": "PLAINTEXT://:9092,CONTROLLER://:9093",
    "KAFKA_ADVERTISED_LISTENERS": "PLAINTEXT://localhost:9092",
    "KAFKA_CONTROLLER_QUORUM_VOTERS": "7@localhost:9093",
    "KAFKA_LOG_DIRS": "/var/lib/kafka/data",
    "KAFKA_SOME__NAME___WITH_ALL": "a=b",
    "KAFKA_HEAP_OPTS": "-Xms77m -Xmx377m",
    "KAFKA_LOG4J_LOGGERS": "kafka.server.BrokerServer=WARN",
}
BECOMES = ("some_name-with.all=a=b", "cluster.id=MkU3OEVBNTcwNTJENDM2Qk", "node.id=7", "-Xmx377m")
FILES = ("/opt/kafka/config/server.properties", "/var/lib/kafka/data/meta.properties", "/proc/1/cmdline")


def test_kafka_reads_what_the_official_image_reads(docker: Docker, tmp_path: Path) -> None:
    """A file in /mnt/shared/config, variables on top of it, the cluster's id, and options of Java."""
    tmp_path.chmod(0o755)
    (tmp_path / "server.properties").write_text(CONFIG)
    flags = [word for name, value in VARIABLES.items() for word in ("--env", f"{name}={value}")]
    flags += ["--volume", f"{tmp_path}:/mnt/shared/config:ro", "--hostname", "localhost"]
    assert docker.run("--detach", *flags, KAFKA).returncode == 0
    said = kafka_says(docker)
    assert "nodeId=7" in said
    assert "BrokerServer -" not in said
    read = docker.call("exec", docker.name, "cat", *FILES).stdout
    assert [line for line in BECOMES if line not in read] == []
    assert "heap.opts" not in read
    assert docker.call("restart", "--time", "10", docker.name).returncode == 0
    assert "cluster.id=MkU3" in docker.call("exec", docker.name, "cat", FILES[1]).stdout
