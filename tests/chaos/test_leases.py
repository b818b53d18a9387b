"""A fault ends with its holder, however that ends: none is active 2 s after SIGKILL.

Five tries in turn of a plain process, a kernel and a `chaos run`; BACKLAB_LEASE_TRIES=50 is the full figure.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import psycopg
import pytest
import yaml

from backlab.stress.experiment import EXPERIMENTS
from chaos.client import ProxyServer
from chaos.record import Reader
from services import ready
from services.postgres import Postgres
from tests import house, kernels
from tests.chaos.conftest import BACKENDS, Echo
from tests.leaks.belongings import Belongings

TRIES = int(os.environ.get("BACKLAB_LEASE_TRIES", "5"))
WITHIN_S = 2.0
pytestmark = pytest.mark.alone  # it counts seconds, and every container of ours
HOLDER = Path(__file__).parent / "holder.py"
Victim = psutil.Process


class Ground:
    """What a victim breaks that is not its own: a proxy, a table, a directory; and what it leaves there."""

    def __init__(self, proxy: ProxyServer, postgres: Postgres, directory: Path) -> None:
        self.proxy, self.postgres, self.directory = proxy, postgres, directory
        self.arguments = [proxy.api.address, postgres.url, str(directory)]

    def active(self) -> list[str]:
        """Every fault that is on."""
        toxics = self.proxy.api.ask("GET", "/proxies/echo/toxics")
        with self.postgres.connect() as connection:
            locks = connection.execute(
                "SELECT mode FROM pg_locks WHERE relation = 'held'::regclass"
            ).fetchall()
        fillers = [path.name for path in self.directory.glob("backlab-filler-*")]
        return [toxic["name"] for toxic in toxics] + [str(mode) for (mode,) in locks] + fillers


@pytest.fixture(scope="module")
def ground() -> Iterator[Ground]:
    """One proxy, one PostgreSQL and one directory that outlive all victims."""
    echo = Echo()
    with (
        ProxyServer() as proxy,
        Postgres() as postgres,
        tempfile.TemporaryDirectory(dir="/var/tmp", prefix="leases-") as directory,
    ):
        proxy.proxy("echo", upstream=echo.address)
        with postgres.connect() as connection:
            connection.execute("CREATE TABLE held (id int PRIMARY KEY)")
        yield Ground(proxy, postgres, Path(directory))
    echo.listening.close()


@contextmanager
def process(ground: Ground, env: dict[str, str], folder: Path) -> Iterator[Victim]:
    """A plain client."""
    argv = [sys.executable, HOLDER, *ground.arguments]
    pipe = subprocess.PIPE
    with subprocess.Popen(argv, cwd=folder, env=env, stdin=pipe, stdout=pipe, text=True) as running:
        assert running.stdout is not None
        try:
            assert running.stdout.readline() == "holding\n"
            yield Victim(running.pid)
        finally:
            running.kill()


@contextmanager
def kernel(ground: Ground, env: dict[str, str], folder: Path) -> Iterator[Victim]:
    """A notebook's kernel."""
    with kernels.kernel(env=env, cwd=str(house.ROOT)) as (manager, client):
        code = f"from tests.chaos.holder import hold\nheld = hold(*{ground.arguments!r})"
        reply = client.execute_interactive(code, timeout=60)
        assert reply["content"]["status"] == "ok", reply
        yield Victim(manager.provisioner.pid)


@contextmanager
def chaos_run(ground: Ground, env: dict[str, str], folder: Path) -> Iterator[Victim]:
    """Chaos Toolkit in the middle of a method, with servers and wires of its own."""
    body = yaml.safe_load((EXPERIMENTS / "cache_dies.yaml").read_text())
    free_mb = psutil.disk_usage(str(ground.directory)).free / (1 << 20)
    steps = [
        ("add_latency", {"latency_ms": 50}),
        ("hold_lock", {"table": "inventory"}),
        ("fill_disk", {"directory": str(ground.directory), "free_mb": free_mb - 8}),
        ("pause_server", {"server": "redis"}),
        ("watch", {"seconds": 600}),
    ]
    body["method"] = [
        {"name": func, "type": "action", "provider": {"type": "python", "module": "chaos.actions",
                                                      "func": func, "arguments": arguments}}
        for func, arguments in steps
    ]  # fmt: skip
    (folder / "it.yaml").write_text(yaml.safe_dump(body))
    reader = Reader(folder / "record.jsonl")
    argv = [Path(sys.executable).parent / "chaos", "run", "it.yaml"]
    env = {**env, "BACKLAB_RECORD": str(folder / "record.jsonl")}
    with subprocess.Popen(argv, cwd=folder, env=env, stderr=subprocess.DEVNULL) as running:
        try:
            assert ready.true(lambda: len(reader.read().faults) == 4, within_s=60)
            yield Victim(running.pid)
        finally:
            running.kill()


@pytest.mark.parametrize("number", range(TRIES))
@pytest.mark.parametrize("backend", BACKENDS)
def test_no_fault_is_active_two_seconds_after_its_holder_was_killed(backend, number, ground, tmp_path):
    """On a wire, a paused server, a held lock, a full disk: all four were on, then none is."""
    victim = (process, kernel, chaos_run)[number % 3]
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    with victim(ground, {**os.environ, "BACKLAB_BACKEND": backend}, tmp_path) as holder:
        its = Belongings(holder, backend, elsewhere)
        on = ground.active()
        assert len(on) == (1 if victim is chaos_run else 4), on  # its wire and table are its own

        holder.kill()
        assert ready.true(lambda: not (ground.active() or its.left()), within_s=WITHIN_S), its.left()
    assert psycopg.connect(ground.postgres.url).execute("SELECT count(*) FROM held").fetchone() == (0,)
