"""Where user namespaces are closed, Landlock keeps a submission from files, ports and processes."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from backlab import course
from backlab.authoring import notebook
from backlab.authoring.source import read
from backlab.grading.grade import Grader
from backlab.sandbox import isolation, landlock
from backlab.sandbox.limits import Limits
from tests.hostile.attempt import HONEST, LAZY
from tests.hostile.machine import ATTEMPTS

LIMIT_S = 6.0
pytestmark = [
    pytest.mark.long,
    pytest.mark.alone,  # it starts servers and counts processes
    pytest.mark.skipif(not landlock.works(), reason="needs Landlock with signals: Linux 6.12 or later"),
]
REACHED = """
class Reached(Exception):
    pass
def reached(what, *errors):
    try:
        what()
    except (OSError, *errors):
        return
    raise Reached
"""
CELLS = {
    "reads judges, sources, solutions, answers, the key and the machine's secrets": """
import labs, services, pathlib
LABS, SHOP = pathlib.Path(labs.__file__).parent, pathlib.Path(services.__file__).parent / 'shop'
MINE = LABS / 'm4_performance/n_plus_one'
for place in (MINE / 'judge.py', MINE / 'strategies.py', LABS / 'source/m4_performance/02_n_plus_one.md',
              SHOP / 'pages.py', '/etc/passwd', '/etc/shadow', KEY_FILE, '/proc/self/status',
              LABS.parent / 'README.md', LABS.parent / 'pyproject.toml'):
    reached(lambda: open(place).read())
for place in (*MINE.glob('__pycache__/judge*.pyc'), *MINE.glob('__pycache__/strategies*.pyc')):
    reached(lambda: open(place, 'rb').read())
for place in (HOME, '/tmp', '/dev/shm', '/var'):
    reached(lambda: list(pathlib.Path(place).iterdir()))
""",
    "reads environment, arguments and memory of other processes": """
import os
for pid in (os.getppid(), 1, 'self', GRADER):
    for what in ('environ', 'cmdline', 'mem', 'root/etc/passwd'):
        reached(lambda: open(f'/proc/{pid}/{what}', 'rb').read(1))
""",
    "signals and traces the grader and its own parent": """
import ctypes, os
for pid in (os.getppid(), 1, GRADER):
    reached(lambda: os.kill(pid, 0))
    if ctypes.CDLL(None).ptrace(16, pid, 0, 0) == 0:
        raise Reached
""",
    "connects to a port of this machine that is none of its servers', and listens itself": """
import socket
reached(lambda: socket.create_connection(('127.0.0.1', PORT), 2))
reached(lambda: socket.create_server(('127.0.0.1', 0)))
""",
    "writes where others would read": """
import backlab, pathlib
for place in ('/tmp', '/dev/shm', '/var/tmp', pathlib.Path(backlab.__file__).parent):
    reached(lambda: pathlib.Path(place, 'backlab-was-here').write_text('x'))
""",
    "becomes root again, or somebody else": """
import os
if os.getuid() != 0:
    reached(lambda: os.setuid(0))
reached(lambda: os.chroot('/tmp'))
reached(lambda: os.open('/proc/1/root', os.O_RDONLY))
""",
}


@pytest.fixture(scope="module")
def grader() -> Iterator[Grader]:
    """One that reaches the medium level, as on a machine with closed user namespaces."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BACKLAB_ISOLATION", "medium")
        isolation.reached.cache_clear()
        with Grader(course.lab("4.2"), b"the key of the hostile course", Limits(seconds=LIMIT_S)) as made:
            yield made
    isolation.reached.cache_clear()


def submitted(grader: Grader, page: str) -> dict[int, str]:
    """The shipped exercises with another page."""
    shipped = {i: cell.source for i, cell in enumerate(grader.lab.cells) if cell.role == "exercise"}
    return {**shipped, min(shipped): page}


@pytest.mark.parametrize("tries", CELLS)
def test_nothing_is_reached(grader: Grader, tries: str, open_path: Path) -> None:
    """A cell that reached anything would raise; one that reached nothing has its page judged."""
    key = open_path / "course.key"
    key.write_text("the key of the hostile course")
    key.chmod(0o644)
    with socket.create_server(("127.0.0.1", 0)) as other:
        known = (
            f"KEY_FILE, HOME, GRADER = {str(key)!r}, {str(Path.home())!r}, {os.getpid()}\n"
            f"PORT = {other.getsockname()[1]}\n"
        )
        cell = REACHED + known + CELLS[tries] + LAZY
        report = grader.judge_cells(submitted(grader, cell), "mallory")
    assert {check.id for check in report.checks if check.verdict == "PASS"} == HONEST, report.checks
    assert report.isolation.startswith("medium (Landlock")


@pytest.mark.parametrize(
    "tries", ["forks without end", "takes all memory", "leaves a daemon behind that ignores the end"]
)
def test_the_machine_stays_usable(grader: Grader, tries: str) -> None:
    """In time, with a report, and nobody of that user is left."""
    page = next(attempt.page for attempt in ATTEMPTS if attempt.tries == tries)
    began = time.monotonic()
    report = grader.judge_cells(submitted(grader, page), "mallory")
    assert {check.id for check in report.checks if check.verdict == "PASS"} <= {"4.2.e"}
    assert time.monotonic() - began < 60
    assert not guests(grader), "somebody is left"


def guests(grader: Grader) -> list[int]:
    """Processes below the preloaded parent."""
    import psutil

    parent = psutil.Process(grader._nursery._process.pid)  # type: ignore[union-attr]  # it has graded
    return [each.pid for each in parent.children(recursive=True) if each.status() != psutil.STATUS_ZOMBIE]


def test_an_honest_submission_gets_its_points(grader: Grader) -> None:
    """Also from nbval, whose servers run behind Landlock."""
    report = grader.grade_cells(dict(grader.lab.solutions), "ada")
    assert [check.verdict for check in report.checks] == ["PASS"] * 5, report.checks


def test_an_exam_that_requires_more_is_refused(tmp_path: Path) -> None:
    """Exit code 2, one sentence, and nothing was graded."""
    path = tmp_path / "ada.ipynb"
    path.write_text(json.dumps(notebook.assemble(read(course.lab("4.2")))), encoding="utf-8")
    argv = [str(Path(sys.executable).parent / "backlab"), "grade", str(path), "--require-isolation", "strong"]
    env = {**os.environ, "BACKLAB_ISOLATION": "medium"}
    refused = subprocess.run(argv, env=env, capture_output=True, text=True, timeout=60)
    assert refused.returncode == 2
    assert "isolation strong is required, and this machine reaches medium (Landlock" in refused.stderr
    assert not refused.stdout
