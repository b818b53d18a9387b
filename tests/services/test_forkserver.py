"""A Python server as a fork of a process that has imported its modules: owned and ended as any other."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from services import cache, ready, warden

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a fork is not safe")
WAITS = [sys.executable, "-m", "http.server", "0", "--bind", "127.0.0.1"]
WARM = ("http.server",)
KERNEL = """
import sys, time
from pathlib import Path
from services import warden
for name in ("a", "b"):
    where = Path(sys.argv[1]) / name
    where.mkdir()
    argv = [sys.executable, "-m", "http.server", "0", "--bind", "127.0.0.1"]
    print(warden.spawn(argv, cwd=where, log=where / "log", warm=["http.server"]), flush=True)
time.sleep(60)
"""


@pytest.fixture
def room() -> Iterator[Path]:
    """A directory for a server to work in."""
    made = cache.scratch("forked", cache.OURS)
    yield made
    warden.clear(made)
    cache.remove(made)


def spawn(argv: list[str], room: Path, warm: tuple[str, ...] = WARM, **more: str) -> int:
    return warden.spawn(argv, cwd=room, log=room / "log", warm=warm, env={**os.environ, **more})


def imported_by_another(pid: int) -> bool:
    return "services.forkserver" in words(pid)


def words(pid: int) -> list[str]:
    """The command line of a process; none of one that has ended and was not collected yet."""
    try:
        return list(psutil.Process(pid).cmdline())
    except psutil.ZombieProcess:
        return []


def test_a_server_with_warm_modules_is_a_fork_and_a_child_of_the_warden(room: Path) -> None:
    pid = spawn(WAITS, room)
    assert imported_by_another(pid)
    assert psutil.Process(pid).ppid() == warden.current().pid
    assert os.getsid(pid) == pid
    assert os.readlink(f"/proc/{pid}/cwd") == str(room)


def test_it_has_the_environment_of_its_own_order(room: Path) -> None:
    source = room / "tells.py"
    source.write_text("import os, sys; print(os.environ['WHO'], sys.argv[1:], __name__)")
    for who in ("one", "other"):
        pid = spawn([sys.executable, "-m", "tells", who], room, WHO=who)
        assert ready.true(lambda pid=pid: warden.poll(pid) is not None, within_s=10)
    assert (room / "log").read_text().splitlines() == [
        "one ['one'] __main__",
        "other ['other'] __main__",
    ]


def test_its_signals_are_those_of_a_python_that_was_started(room: Path) -> None:
    (room / "signals.py").write_text("import signal; print([*map(signal.getsignal, range(1, 32))])")
    for warm in (WARM, ()):
        pid = spawn([sys.executable, "-m", "signals"], room, warm)
        assert ready.true(lambda pid=pid: warden.poll(pid) is not None, within_s=10)
    forked, started = (room / "log").read_text().splitlines()
    assert forked == started


@pytest.mark.parametrize(("code", "ends"), [("", 0), ("import sys; sys.exit(3)", 3), ("1 / 0", 1)])
def test_its_return_code_is_known(room: Path, code: str, ends: int) -> None:
    (room / "ending.py").write_text(code)
    pid = spawn([sys.executable, "-m", "ending"], room)
    assert ready.true(lambda: warden.poll(pid) is not None, within_s=10)
    assert warden.poll(pid) == ends
    assert ("ZeroDivisionError" in (room / "log").read_text()) == (ends == 1)


def test_a_directory_that_is_gone_is_told(room: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        warden.spawn(WAITS, cwd=room / "gone", log=room / "log", warm=WARM)


def test_signals_reach_it(room: Path) -> None:
    pid = spawn(WAITS, room)
    assert warden.tell(pid, signal.SIGTERM)
    assert ready.true(lambda: warden.poll(pid) == -signal.SIGTERM, within_s=10)


def test_modules_that_cannot_be_imported_cost_only_the_time(room: Path) -> None:
    pid = spawn(WAITS, room, warm=("no.such.module",))
    assert warden.poll(pid) is None
    assert not imported_by_another(pid)


def test_an_import_that_starts_a_thread_is_not_forked(room: Path) -> None:
    (room / "threaded.py").write_text(
        "import threading, time; threading.Thread(target=time.sleep, args=[9]).start()"
    )
    pid = spawn(WAITS, room, warm=("threaded",), PYTHONPATH=str(room))
    assert warden.poll(pid) is None
    assert not imported_by_another(pid)


def test_a_fork_server_that_is_killed_takes_nobody_with_it(room: Path) -> None:
    pid = spawn(WAITS, room)
    for other in psutil.Process(warden.current().pid).children():
        if other.pid != pid and "http.server" in words(other.pid) and imported_by_another(other.pid):
            other.kill()
    alone = spawn(WAITS, room)
    assert [warden.poll(each) for each in (pid, alone)] == [None, None]
    assert not imported_by_another(alone)
    assert imported_by_another(spawn(WAITS, room))


def test_nothing_is_left_of_forks_when_their_kernel_is_killed(tmp_path: Path) -> None:
    kernel = subprocess.Popen(
        [sys.executable, "-c", KERNEL, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert kernel.stdout is not None
    forks = [psutil.Process(int(kernel.stdout.readline())) for _ in "ab"]
    family = psutil.Process(kernel.pid).children(recursive=True)
    assert set(forks) < set(family)
    assert sum(imported_by_another(each.pid) for each in family) == 3
    kernel.kill()
    kernel.wait()
    _, alive = psutil.wait_procs(family, timeout=10)
    assert not alive
