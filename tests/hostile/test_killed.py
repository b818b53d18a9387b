"""A grader that is killed in the middle leaves nothing: no guest, no server, no directory."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from backlab import course
from backlab.authoring import notebook
from backlab.authoring.source import read
from backlab.sandbox import isolation
from services import ready
from tests.leaks.belongings import Belongings

pytestmark = [pytest.mark.long, pytest.mark.alone]
SPINS = """
def order_page(session, size, before_id=None):
    import os, time
    if os.fork() == 0:
        os.setsid()
        time.sleep(600)
    while True:
        pass
"""


def submission(where: Path) -> Path:
    """The shipped notebook, whose page begins a process of its own and never ends."""
    made = notebook.assemble(read(course.lab("4.2")))
    cell = next(cell for cell in made.cells if notebook.role_of(cell) == "exercise")
    cell.source = SPINS
    path = where / "mallory.ipynb"
    path.write_text(json.dumps(made), encoding="utf-8")
    return path


@pytest.mark.parametrize("level", ["strong", "medium"])
def test_a_killed_grader_leaves_nothing(level: str, open_path: Path) -> None:
    """SIGKILL while a guest runs, which has started another process in a session of its own."""
    if level not in isolation.ORDER[: isolation.ORDER.index(isolation.reached().name) + 1]:
        pytest.skip(f"this machine reaches {isolation.reached()}")
    scratch = open_path / "scratch"
    scratch.mkdir()
    scratch.chmod(0o755)
    env = {**os.environ, "BACKLAB_ISOLATION": level, "BACKLAB_SCRATCH": str(scratch)}
    argv = [
        str(Path(sys.executable).parent / "backlab"),
        "grade",
        str(submission(open_path)),
        "--limit",
        "300",
    ]
    with subprocess.Popen(argv, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as grader:
        process = psutil.Process(grader.pid)
        assert ready.true(lambda: _spins(process), within_s=60), "no guest ran"
        has = Belongings(process, "native", scratch)
        assert any("sandbox" in thing for thing in has.things)
        os.kill(grader.pid, signal.SIGKILL)
        assert ready.true(lambda: not has.left(), within_s=10), has.left()


def _spins(process: psutil.Process) -> bool:
    """Whether the learner's loop is running, beside the process that it started."""
    try:
        below = [" ".join(each.cmdline()) for each in process.children(recursive=True)]
    except psutil.Error:
        return False
    return sum("sandbox.nursery" in line for line in below) >= 3  # the parent, the guest, its child
