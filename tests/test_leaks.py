"""What is killed leaves nothing: the kernel, pytest and `make run`, by SIGKILL and in the middle of work."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from jupyter_client.manager import KernelManager

from services import ready
from services.engine import Engine
from tests import house

WITHIN_S = {"native": 1.0, "container": 2.0}
TIMES = 20  # on each back end
UP = """import backlab
bench = backlab.up('postgres', data='shop-S', quiet=True)
wire = bench.wire('postgres')
"""
BACK_ENDS = ["native", pytest.param("container", marks=pytest.mark.container)]


@contextmanager
def kernel(env: dict[str, str], folder: Path) -> Iterator[psutil.Process]:
    """A Jupyter kernel that has a bench up."""
    manager = KernelManager()
    manager.start_kernel(env=env)
    client = manager.blocking_client()
    try:
        client.start_channels()
        client.wait_for_ready(timeout=60)
        reply = client.execute_interactive(UP, timeout=60)
        assert reply["content"]["status"] == "ok", reply
        yield psutil.Process(manager.provisioner.pid)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


@contextmanager
def pytest_run(env: dict[str, str], folder: Path) -> Iterator[psutil.Process]:
    """pytest in a test that has a bench up."""
    body = UP.replace("\n", "\n    ")
    (folder / "test_it.py").write_text(
        f"def test_it():\n    {body}print('it is up', flush=True)\n    input()\n"
    )
    argv = [sys.executable, "-m", "pytest", "-q", "-s", "-p", "no:cacheprovider", "test_it.py"]
    with started(argv, folder, env, "it is up") as process:
        yield process


@contextmanager
def make_run(env: dict[str, str], folder: Path) -> Iterator[psutil.Process]:
    """`make run`, which has just started the lab's servers."""
    with started(["make", "run"], house.ROOT, env, "up: postgres") as process:
        yield process


@contextmanager
def started(argv: list[str], where: Path, env: dict[str, str], sign: str) -> Iterator[psutil.Process]:
    """A process that has printed `sign`."""
    pipe = subprocess.PIPE
    with subprocess.Popen(argv, cwd=where, env=env, stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdout is not None
        try:
            assert any(sign in line for line in process.stdout), f"{argv} ended before it said {sign!r}"
            yield psutil.Process(process.pid)
        finally:
            process.kill()


@pytest.fixture
def scratch() -> Iterator[Path]:
    """Where the victim's servers put their data, and nobody else's; every user may enter it."""
    with tempfile.TemporaryDirectory(dir="/var/tmp", prefix="leaks-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def things(backend: str, scratch: Path) -> set[str]:
    """Every directory of the victim's, and in containers every Postgres of ours."""
    directories = {str(path) for path in scratch.iterdir()}
    return directories | containers() if backend == "container" else directories


def containers() -> set[str]:
    status, said = Engine.connect().ask("GET", "/containers/json?all=1")
    assert status == 200, said
    return {name for one in said for name in one["Names"] if name.startswith("/backlab-postgres-")}


def runs(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.mark.parametrize("time", range(TIMES))
@pytest.mark.parametrize("backend", BACK_ENDS)
def test_nothing_is_left_of_what_was_killed(backend: str, time: int, tmp_path: Path, scratch: Path) -> None:
    """Processes, ports, containers and directories are gone within 1 s natively, 2 s in containers."""
    victim = (kernel, pytest_run, make_run)[time % 3]
    env = {**os.environ, "BACKLAB_BACKEND": backend, "BACKLAB_SCRATCH": str(scratch)}
    before = things(backend, scratch)
    with victim(env, tmp_path) as process:
        family = [process, *process.children(recursive=True)]
        mine = things(backend, scratch) - before
        assert mine, "it has nothing that could be left"
        os.kill(process.pid, signal.SIGKILL)
        gone = ready.true(lambda: not left(family, mine, backend, scratch), within_s=WITHIN_S[backend])
        assert gone, left(family, mine, backend, scratch)


def left(family: list[psutil.Process], mine: set[str], backend: str, scratch: Path) -> list[str]:
    """What is still there."""
    return [f"process {process.pid}" for process in family if runs(process)] + sorted(
        mine & things(backend, scratch)
    )
