"""Plain `locust`: its web UI, its master and workers, what it refuses, and what is left when it is killed."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil
import pytest

from backlab.stress.load import SCENARIOS
from services import ports, ready

BIN = Path(sys.executable).parent


def free_port() -> int:
    """A port that nobody has right now."""
    reserved = ports.reserve()
    reserved.close()
    return reserved.port


@contextmanager
def locust(scenario: str, *words: str, cwd: Path, **env: str) -> Iterator[subprocess.Popen[str]]:
    """Locust as a shell starts it; ended politely with the block."""
    argv = [str(BIN / "locust"), "-f", str(SCENARIOS / f"{scenario}.py"), *words]
    run = subprocess.Popen(
        argv,
        cwd=cwd,
        env={**os.environ, **env},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        text=True,
    )
    try:
        yield run
    finally:
        run.terminate()
        run.communicate(timeout=30)


def ended(run: subprocess.Popen[str]) -> tuple[int, str]:
    """Its exit code and everything it said."""
    out, err = run.communicate(timeout=90)
    return run.returncode, out + err


def test_the_web_ui_opens_against_a_shop_of_its_own_and_swarms(tmp_path: Path) -> None:
    """The page is there, a swarm starts by its API, requests are counted, and no shop is left."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    words = ["--web-host", "127.0.0.1", "--web-port", str(port), "--shop"]
    with locust("checkout", *words, cwd=tmp_path) as run:
        page = ready.until(lambda: httpx.get(url, timeout=30), within_s=60, not_yet=(httpx.TransportError,))
        assert "Locust" in page.text
        shop = json.loads(httpx.get(f"{url}/stats/requests", timeout=30).text)
        assert shop["state"] == "ready"
        started = httpx.post(f"{url}/swarm", data={"user_count": 2, "spawn_rate": 2}, timeout=30).json()
        assert started["success"], started
        address = started["host"]
        assert address.startswith("http://127.0.0.1:")

        def served() -> None:
            if httpx.get(f"{url}/stats/requests", timeout=30).json()["stats"][-1]["num_requests"] < 5:
                raise ready.Again("not yet")

        ready.until(served, within_s=30, every_s=0.2)
        run.send_signal(signal.SIGINT)
        code, said = ended(run)
    assert code == 0, said
    assert "orders placed: " in said
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", int(address.rsplit(":", 1)[1])), timeout=5)


def test_a_master_and_two_workers_load_one_shop(tmp_path: Path) -> None:
    """Started by the master alone; both workers bring users, and their rows are in the master's record."""
    port, record = str(free_port()), tmp_path / "record.json"
    here = ["--master-host", "127.0.0.1", "--master-port", port]
    lead = [
        "--master",
        "--expect-workers",
        "2",
        "--master-bind-host",
        "127.0.0.1",
        "--master-bind-port",
        port,
    ]
    lead += ["--headless", "-u", "4", "-r", "4", "-t", "6s"]
    with (
        locust("back_office", *lead, cwd=tmp_path, BACKLAB_RECORD=str(record)) as master,
        locust("back_office", "--worker", *here, cwd=tmp_path) as one,
        locust("back_office", "--worker", *here, cwd=tmp_path) as two,
    ):
        code, said = ended(master)
        workers = [ended(worker) for worker in (one, two)]
    assert code == 0, said
    assert said.count("the shop: ") == 1
    assert all(told.count("the shop: ") == 0 for _, told in workers)
    assert "repaired: " in said
    assert " 3.0 statements a page" in said
    rows = json.loads(record.read_text())["rows"]
    assert {row["arm"] for row in rows} == {"naive", "repaired"}
    assert {row["outcome"] for row in rows} == {"ok"}
    assert f"naive: {sum(row['arm'] == 'naive' for row in rows)} pages" in said


def test_processes_share_the_work_and_the_shop(tmp_path: Path) -> None:
    """`--processes 2` forks two workers; the shop is started once, and its answers are counted together."""
    record = tmp_path / "record.json"
    words = ["--headless", "--processes", "2", "-u", "6", "-r", "6", "-t", "5s"]
    with locust("browse", *words, cwd=tmp_path, BACKLAB_RECORD=str(record)) as run:
        code, said = ended(run)
    assert code == 0, said
    assert said.count("the shop: ") == 1
    kept = json.loads(record.read_text())
    assert len(kept["rows"]) > 6
    assert max(count for _, count in kept["users"]) == 6


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--host", "http://192.0.2.1"], "refused: http://192.0.2.1 is not this machine"),
        (["--host", "http://127.0.0.1:9"], "nothing answers at http://127.0.0.1:9 (Connection refused)"),
        (["--host", "http://127.0.0.1:9", "--shop"], "--shop starts a shop and --host names one"),
        (["--shape", "zigzag"], "invalid choice: 'zigzag'"),
        (["--shop", "many"], "invalid choice: 'many'"),
    ],
)
def test_what_cannot_be_loaded_is_told_before_anything_is_sent(
    words: list[str], said: str, tmp_path: Path
) -> None:
    """Exit code 2 and a sentence; nothing hangs and no shop is started."""
    with locust("checkout", "--headless", "-t", "5s", *words, cwd=tmp_path) as run:
        code, told = ended(run)
    assert code == 2
    assert said in told
    assert "the shop: " not in told


def test_a_foreign_host_that_is_typed_into_the_web_ui_ends_locust(tmp_path: Path) -> None:
    """The form is no back door: nothing is sent, the process ends with 2."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with locust("browse", "--web-host", "127.0.0.1", "--web-port", str(port), cwd=tmp_path) as run:
        ready.until(lambda: httpx.get(url, timeout=30), within_s=60, not_yet=(httpx.TransportError,))
        form = {"user_count": 1, "spawn_rate": 1, "host": "http://192.0.2.1"}
        with contextlib.suppress(httpx.TransportError):  # it may end before it has answered
            httpx.post(f"{url}/swarm", data=form, timeout=30)
        code, told = ended(run)
    assert code == 2
    assert "refused: http://192.0.2.1 is not this machine" in told


def test_a_killed_locust_leaves_no_shop(tmp_path: Path) -> None:
    """SIGKILL in the middle: the stage, its services and its database go by themselves."""
    with locust("browse", "--headless", "-u", "2", "-t", "60s", cwd=tmp_path) as run:
        assert run.stderr is not None
        while "the shop: " not in run.stderr.readline():
            pass
        family = psutil.Process(run.pid).children(recursive=True)
        assert len(family) >= 3
        run.kill()
        assert ready.true(lambda: not any(alive(process) for process in family), within_s=20, every_s=0.1)


def alive(process: psutil.Process) -> bool:
    """Whether it still runs."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
