"""An engine that cannot be used is one sentence that says why, in bounded time."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from services.engine import Engine
from services.errors import BacklabError

ROOT = os.getuid() == 0


def test_an_engine_that_was_shut_down_is_told(clean_environment: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A socket file that nobody serves any more is refused at once."""
    with socket.socket(socket.AF_UNIX) as closed:
        closed.bind(str(tmp_path / "closed.sock"))
    clean_environment.setenv("DOCKER_HOST", f"unix://{tmp_path}/closed.sock")
    with pytest.raises(BacklabError, match="connection refused"):
        Engine.connect()


def test_an_engine_that_never_answers_is_given_up(
    clean_environment: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """An engine that accepts and stays silent costs a bounded time."""
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(tmp_path / "silent.sock"))
        silent.listen()
        clean_environment.setenv("DOCKER_HOST", f"unix://{tmp_path}/silent.sock")
        with pytest.raises(BacklabError, match="timed out"):
            Engine.connect()


def test_an_engine_that_may_not_be_used_is_told(
    clean_environment: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A socket without permission says which group to join."""
    path = Path("/tmp") / f"backlab-test-{os.getpid()}.sock"
    with socket.socket(socket.AF_UNIX) as closed:
        closed.bind(str(path))
        path.chmod(0)
        closed.listen()
        clean_environment.setenv("DOCKER_HOST", f"unix://{path}")
        if ROOT:
            os.seteuid(65534)
        try:
            with pytest.raises(BacklabError, match=r"you may not use its socket .*; join its group"):
                Engine.connect()
        finally:
            if ROOT:
                os.seteuid(0)
            path.unlink()


def test_an_engine_on_another_machine_is_refused(clean_environment: pytest.MonkeyPatch) -> None:
    """Servers of a lab live on this machine and nowhere else."""
    clean_environment.setenv("DOCKER_HOST", "tcp://192.0.2.1:2375")
    with pytest.raises(BacklabError, match="not on this machine"):
        Engine.connect()
