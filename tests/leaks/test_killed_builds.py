"""A killed `backlab images build` leaves nothing half made, whether debootstrap runs or the engine builds."""

from __future__ import annotations

import os
import secrets
import signal
import sys
from pathlib import Path

import psutil
import pytest

from services import ready
from services.engine import Engine
from tests.leaks.belongings import Belongings
from tests.leaks.victims import started

pytestmark = pytest.mark.container
ENDS_S = 10.0
# /proc is mounted in the tree from "configuring" on, half a minute after the start: `make leaks` waits for it
PHASE = "configuring" if os.environ.get("BACKLAB_LEAKS") == "long" else "unpacking"
IMPORTS_BASE = "from services import images; images._import_base(lambda line: print(line, flush=True))"
BUILDS_OURS = """
from services import images
from services.images.recipes import Recipe
images.RECIPES = {"ours": Recipe("FOLDER", "backlab/killed:NAME")}
images.build(progress=lambda line: print(line, flush=True))
"""
DOCKERFILE = "FROM backlab/base:trixie\nENV KILLED=NAME\nRUN sleep 120\n"


@pytest.fixture
def env(scratch: Path) -> dict[str, str]:
    """The victim's environment."""
    return {**os.environ, "BACKLAB_SCRATCH": str(scratch)}


def works(process: psutil.Process, scratch: Path) -> bool:
    """Has it made the directory in which it works?"""
    return bool(process.children()) and any(scratch.iterdir())


def containers_of(name: str) -> list[str]:
    """Containers whose environment holds the name: the step that the engine was at."""
    engine = Engine.connect()
    _, running = engine.ask("GET", "/containers/json")
    found = [engine.ask("GET", f"/containers/{one['Id']}/json") for one in running]
    settings = {said["Id"]: said["Config"]["Env"] or [] for status, said in found if status == 200}
    return [one for one, env in settings.items() if f"KILLED={name}" in env]


@pytest.mark.skipif(os.getuid() != 0, reason="debootstrap needs root")
def test_a_killed_debootstrap_leaves_neither_processes_nor_a_tree(
    env: dict[str, str], tmp_path: Path, scratch: Path
) -> None:
    """It mounts /proc in its tree, which nobody could delete then; its mounts end with it."""
    with started([sys.executable, "-c", IMPORTS_BASE], tmp_path, env, PHASE) as process:
        assert ready.true(lambda: works(process, scratch), within_s=30)
        has = Belongings(process, "native", scratch)
        os.kill(process.pid, signal.SIGKILL)
        assert ready.true(lambda: not has.left(), within_s=ENDS_S), has.left()
    assert str(scratch) not in Path("/proc/mounts").read_text()


def test_a_killed_build_leaves_neither_a_container_nor_an_image(
    env: dict[str, str], tmp_path: Path, scratch: Path
) -> None:
    """The engine ends the step when its client is gone; finished steps stay in its cache, without a name."""
    name = secrets.token_hex(4)
    (tmp_path / "Dockerfile").write_text(DOCKERFILE.replace("NAME", name))
    code = BUILDS_OURS.replace("FOLDER", str(tmp_path)).replace("NAME", name)
    with started([sys.executable, "-c", code], tmp_path, env, "RUN sleep") as process:
        assert ready.true(lambda: bool(containers_of(name)), within_s=20)
        has = Belongings(process, "native", scratch)
        os.kill(process.pid, signal.SIGKILL)
        assert ready.true(lambda: not containers_of(name) and not has.left(), within_s=ENDS_S), has.left()
    assert Engine.connect().image(f"backlab/killed:{name}") is None
