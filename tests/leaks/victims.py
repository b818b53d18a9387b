"""What can be killed in the middle of its work: a kernel, pytest, a chaos run, `make run`, `backlab prove`.

victim(env, folder) -> its process, once its servers are up
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import psutil
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager

from tests import house, kernels

UP = """import backlab
bench = backlab.up('postgres', 'redis', data='shop-S', quiet=True)
wire = bench.wire('postgres')
"""
UP_WITH_KAFKA = UP.replace("'redis', ", "'redis', 'kafka', ")
BIN = Path(sys.executable).parent
EXPERIMENT = house.ROOT / "chaos" / "experiments" / "4_2_database_moves_zone.yaml"

Victim = Callable[[dict[str, str], Path], AbstractContextManager[psutil.Process]]


@contextmanager
def jupyter(env: dict[str, str]) -> Iterator[tuple[KernelManager, BlockingKernelClient]]:
    """A Jupyter kernel that has a bench up, with its manager, as JupyterLab holds it."""
    with kernels.kernel(env=env) as (manager, client):
        reply = client.execute_interactive(UP_WITH_KAFKA, timeout=60)
        assert reply["content"]["status"] == "ok", reply
        yield manager, client


@contextmanager
def kernel(env: dict[str, str], folder: Path) -> Iterator[psutil.Process]:
    """A Jupyter kernel that has a bench up."""
    with jupyter(env) as (manager, _):
        yield psutil.Process(manager.provisioner.pid)


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
def chaos_run(env: dict[str, str], folder: Path) -> Iterator[psutil.Process]:
    """Plain `chaos run` whose fault is on."""
    # whether pages were quick enough before the fault is not the question here
    run = ["run", "--journal-path", "journal.json", "--hypothesis-strategy", "after-method-only"]
    argv = [str(BIN / "chaos"), *run, str(EXPERIMENT)]
    with started(argv, folder, env, "Action: watch-the-pools-fill") as process:
        yield process


@contextmanager
def make_run(env: dict[str, str], folder: Path) -> Iterator[psutil.Process]:
    """`make run`, which has just started the lab's servers."""
    with started(["make", "run"], house.ROOT, env, "up: postgres") as process:
        yield process


@contextmanager
def prove(env: dict[str, str], folder: Path) -> Iterator[psutil.Process]:
    """`backlab prove` in the middle of the lab's first variant."""
    with started([str(BIN / "backlab"), "prove", "4.2"], house.ROOT, env, "lab 4.2") as process:
        yield process


@contextmanager
def started(argv: list[str], where: Path, env: dict[str, str], sign: str) -> Iterator[psutil.Process]:
    """A process that has printed `sign`."""
    pipe = subprocess.PIPE
    quiet = {"stdin": pipe, "stdout": pipe, "stderr": subprocess.STDOUT}
    with subprocess.Popen(argv, cwd=where, env=env, text=True, **quiet) as process:  # type: ignore[call-overload]
        assert process.stdout is not None
        try:
            assert any(sign in line for line in process.stdout), f"{argv} ended before it said {sign!r}"
            yield psutil.Process(process.pid)
        finally:
            process.kill()
