"""Where the victims work, and how often they are killed: ten times a back end, or a hundred (make leaks)."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.leaks import victims

BACK_ENDS = ["native", pytest.param("container", marks=pytest.mark.container)]
# on each back end; together 100 kernels, 20 pytests, 20 chaos runs, 20 runs of the lab, 10 proofs
LONG = {"kernel": 50, "pytest_run": 10, "chaos_run": 10, "make_run": 10, "prove": 5}
SHORT = {"kernel": 4, "pytest_run": 2, "chaos_run": 2, "make_run": 1, "prove": 1}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test per killing, so that each is counted and named."""
    if "victim" in metafunc.fixturenames:
        times = LONG if os.environ.get("BACKLAB_LEAKS") == "long" else SHORT
        chosen = [(name, n) for name, often in times.items() for n in range(often)]
        ids = [f"{name}-{n}" for name, n in chosen]
        metafunc.parametrize("victim", [getattr(victims, name) for name, _ in chosen], ids=ids)


@pytest.fixture(params=BACK_ENDS)
def backend(request: pytest.FixtureRequest) -> str:
    """Each back end in turn."""
    return str(request.param)


@pytest.fixture
def scratch() -> Iterator[Path]:
    """Where the victim's servers put their data, and nobody else's; every user may enter it."""
    with tempfile.TemporaryDirectory(dir="/var/tmp", prefix="leaks-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.fixture
def env(backend: str, scratch: Path) -> dict[str, str]:
    """The victim's environment."""
    return {**os.environ, "BACKLAB_BACKEND": backend, "BACKLAB_SCRATCH": str(scratch)}
