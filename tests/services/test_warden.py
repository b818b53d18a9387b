"""Nothing is left behind, however a process ends: no process, port, container or directory."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from services import cache, ready, warden
from services.engine import Engine
from services.errors import BacklabError
from services.postgres import Postgres
from services.user import User

VICTIM = Path(__file__).with_name("victim.py")
# the promise is 1 s and 2 s on a quiet machine, which `make leaks` asks for; a busy machine is no leak
WITHIN_S = {"native": 10.0, "container": 10.0}
Told = dict[str, list]


class Victim:
    """A process with servers of its own; `told` says which."""

    def __init__(self, backend: str, *how: str) -> None:
        self.backend = backend
        self.process = subprocess.Popen(
            [sys.executable, str(VICTIM), backend, *how],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, "the victim died before it had told what it has"
        self.told: Told = json.loads(line)
        assert len(left(self.told)) == sum(map(len, self.told.values()))

    def end(self, number: int, to_group: bool = False) -> None:
        """Send the signal that is to end it and wait until it is gone."""
        (os.killpg if to_group else os.kill)(self.process.pid, number)
        self.process.wait(10)

    def leaves_nothing(self) -> bool:
        return ready.true(lambda: not left(self.told), within_s=WITHIN_S[self.backend])


def left(told: Told) -> list[str]:
    """Whatever of the victim's things is still there."""
    return [
        *(f"process {pid}" for pid in told["pids"] if alive(pid)),
        *(f"port {port}" for port in told["ports"] if listens(port)),
        *(f"directory {path}" for path in told["directories"] if Path(path).exists()),
        *(f"container {name}" for name in told["containers"] if has_container(name)),
    ]


def alive(pid: int) -> bool:
    """True while a process runs; a dead one that process 1 has not collected yet does not."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def has_container(name: str) -> bool:
    return Engine.connect().ask("GET", f"/containers/{name}/json")[0] == 200


@pytest.mark.parametrize("time", range(10))
def test_nothing_is_left_after_sigkill(backend: str, time: int) -> None:
    """SIGKILL gives a process no time for anything; the warden does it all."""
    victim = Victim(backend)
    victim.end(signal.SIGKILL)
    assert victim.leaves_nothing(), left(victim.told)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_nothing_is_left_after_a_terminating_signal(backend: str, number: int) -> None:
    """A closed terminal and a polite kill end Python without its clean-up code."""
    victim = Victim(backend)
    victim.end(number)
    assert victim.leaves_nothing(), left(victim.told)


def test_nothing_is_left_after_ctrl_c(backend: str) -> None:
    """Ctrl-C goes to the whole process group; the warden is not in it, and cleans up before the exit."""
    victim = Victim(backend)
    victim.end(signal.SIGINT, to_group=True)
    assert not left(victim.told)


def test_nothing_is_left_when_a_forked_child_lives_on() -> None:
    """A child that was forked (multiprocessing) holds the warden's socket open; it sees through."""
    victim = Victim("native", "fork")
    victim.end(signal.SIGKILL)
    try:
        assert victim.leaves_nothing(), left(victim.told)
    finally:
        os.killpg(victim.process.pid, signal.SIGKILL)  # the forked child


def test_nothing_is_left_of_a_process_below_a_killed_one() -> None:
    """A child with servers of its own ends with its standard input, and its own warden cleans up."""
    victim = Victim("native", "nested")
    victim.end(signal.SIGKILL)
    assert victim.leaves_nothing(), left(victim.told)


def test_a_paused_and_a_busy_server_go_too() -> None:
    """Neither a frozen server nor a backend that computes without end survives its owner."""
    program = (
        "import sys, threading, psycopg; from services.postgres import Postgres\n"
        "one, two = Postgres(backend='native').start(), Postgres(backend='native').start()\n"
        "busy = psycopg.connect(two.url)\n"
        "endless = 'SELECT count(*) FROM generate_series(1, 10000000000)'\n"
        "threading.Thread(target=busy.execute, args=[endless], daemon=True).start()\n"
        "one.pause()\n"
        "print(one.pid, two.pid, one.directory, two.directory, busy.info.backend_pid, flush=True)\n"
        "sys.stdin.read()\n"
    )
    argv = [sys.executable, "-c", program]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as victim:
        assert victim.stdout is not None
        words = victim.stdout.readline().split()
        victim.kill()
    told = {
        "pids": [int(words[i]) for i in (0, 1, 4)],
        "directories": words[2:4],
        "ports": [],
        "containers": [],
    }
    assert ready.true(lambda: not left(told), within_s=WITHIN_S["native"]), left(told)


def test_a_postmaster_killed_by_somebody_else_leaves_no_backends() -> None:
    """`stop()` after a stranger's SIGKILL still finds what the dead process has left."""
    with Postgres(backend="native") as server:
        busy = psycopg.connect(server.url)
        pids = [busy.info.backend_pid]
        assert server.pid is not None
        os.kill(server.pid, signal.SIGKILL)
        assert ready.true(lambda: not server.running)
        segment = (server.directory / "data/postmaster.pid").read_text().splitlines()[6].split()[1]
        directory = server.directory
    busy.close()
    told = {"pids": pids, "directories": [str(directory)], "ports": [], "containers": []}
    assert ready.true(lambda: not left(told), within_s=1), left(told)
    assert segment not in segments()


def segments() -> set[str]:
    """Ids of the System V shared memory on this machine (none are told where there is no /proc)."""
    table = Path("/proc/sysvipc/shm")
    return {line.split()[1] for line in table.read_text().splitlines()[1:]} if table.exists() else set()


@pytest.fixture
def own_warden() -> Iterator[warden.Warden]:
    """A fresh warden for this test, and another one after it."""
    warden.dismiss()
    yield warden.current()
    warden._warden = None


@pytest.mark.skipif(sys.platform != "linux", reason="the parent-death signal exists on Linux only")
def test_servers_end_with_their_warden(own_warden: warden.Warden) -> None:
    """When the warden itself is killed its servers end too, and the next request says so in one sentence."""
    server = Postgres(backend="native").start()
    pid, directory = server.pid, server.directory
    assert pid is not None
    os.kill(own_warden.pid, signal.SIGKILL)
    assert ready.true(lambda: not alive(pid), within_s=1)
    with pytest.raises(BacklabError, match="warden"):
        server.restart()
    cache.shutil.rmtree(directory)


def test_an_interrupt_in_the_middle_of_a_request_confuses_nobody() -> None:
    """A reply that Ctrl-C kept us from reading is not taken for the reply to the next request."""
    one = warden.current()
    one._socket.sendall(b'[-1, "poll", [1]]\n')  # what an interrupted request leaves behind
    with Postgres(backend="native") as server:
        assert server.running
        warden.spawn(["/bin/sleep", "60"], cwd=server.directory, log=server.directory / "log")
        directory = server.directory
    assert not directory.exists()
    assert not [
        each for each in psutil.process_iter(["cmdline"]) if each.info["cmdline"] == ["/bin/sleep", "60"]
    ]


def test_a_directory_that_is_released_is_left_alone() -> None:
    """What was removed or handed over is no longer the warden's."""
    path = cache.scratch("released", User(None))
    warden.release("directory", str(path))
    warden.dismiss()
    assert path.is_dir()
    path.rmdir()


@pytest.mark.parametrize("threads", [0, 7])
def test_what_is_forgotten_listens_no_more(tmp_path: Path, threads: int) -> None:
    """A process beside the main one has ended, too, though 300 MB must be given back before its port is.

    Its first thread is a zombie as soon as that one has ended, and the others may hold the port.
    """
    program = (
        "import os, signal, socket, threading\n"
        "listener = socket.create_server(('127.0.0.1', 0))\n"
        "if not os.fork():\n"
        "    memory = bytearray(os.urandom(1)) * (300 << 20)\n"
        f"    for _ in range({threads}): threading.Thread(target=signal.pause).start()\n"
        "    print(listener.getsockname()[1], flush=True)\n"
        "    signal.pause()\n"
        "listener.close()\n"
        "signal.pause()\n"
    )
    log = tmp_path / "log"
    pid = warden.spawn([sys.executable, "-c", program], cwd=tmp_path, log=log)
    assert ready.true(lambda: log.read_text().endswith("\n"), within_s=30)
    port = int(log.read_text())
    assert listens(port)
    warden.forget(pid)
    assert not listens(port)
