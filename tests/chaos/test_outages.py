"""Locks, terminated back ends, full disks and wrong clocks on real servers, on both back ends."""

import shutil
import sys
import time
from pathlib import Path

import psycopg
import pytest

from chaos import actions, probes
from chaos.outages import restarts
from services import ready
from services.errors import BacklabError, ServerError
from services.machine import Native
from services.shop.settings import Settings
from services.shop.worker_server import Worker
from tests.chaos.conftest import last


def test_a_held_table_lock_makes_writers_wait_and_readers_pass(performance):
    """Who waited is counted at the server; the lock ends with lift_faults."""
    actions.hold_lock(table="inventory", mode="EXCLUSIVE")
    assert probes.success_rate("read", 0.5) > 0.9
    window = performance.windows[-1]
    assert ready.true(lambda: any(lock.receipt().touched for lock in window.open.values()))
    actions.lift_faults()
    assert window.receipts[0]["of"] == "statements that waited for it"
    assert probes.sql_value("SELECT count(*) FROM pg_locks WHERE mode = 'ExclusiveLock' AND granted"
                            " AND relation = 'inventory'::regclass") == 0  # fmt: skip


def test_a_row_and_an_advisory_lock_can_be_held(performance):
    """Nobody waits for them here, so they touch nothing."""
    actions.hold_lock(table="customers", row=1)
    actions.hold_lock(advisory_key=42)
    held = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 42"
    assert probes.sql_value(held) == 1
    assert not last(performance).touched
    assert probes.sql_value(held) == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "nothing is named to lock"),
        ({"table": "no_such"}, "could not be taken"),
        ({"table": "customers", "row": 10**9}, "no such row"),
        ({"table": "customers", "mode": "TIGHT"}, "no lock mode"),
    ],
)
def test_a_lock_that_cannot_be_taken_is_one_sentence(performance, arguments, message):
    """And nothing is held."""
    with pytest.raises(BacklabError, match=message):
        actions.hold_lock(**arguments)


def test_terminated_back_ends_are_counted(performance):
    """Those of one application, and only those."""
    url = performance.stage.address("postgres")
    with psycopg.connect(url, application_name="victim") as victim, psycopg.connect(url) as other:
        assert actions.terminate_backends(application="victim") == 1
        with pytest.raises(psycopg.OperationalError):
            victim.execute("SELECT 1")
        other.execute("SELECT 1")
    assert performance.windows[-1].touched


def test_a_server_whose_files_may_not_grow_refuses_to_write(performance):
    """And writes again when the limit is lifted."""
    grow = "CREATE TABLE big AS SELECT repeat('x', 100) FROM generate_series(1, 300000)"
    url = performance.stage.address("postgres")
    actions.limit_files("postgres", 16)
    with psycopg.connect(url, autocommit=True) as connection, pytest.raises(psycopg.Error, match="too large"):
        connection.execute(grow)
    assert last(performance).touched
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(grow)
        connection.execute("DROP TABLE big")


def test_a_disk_is_filled_and_given_back(performance, tmp_path):
    """No more than asked for, and refused where others would suffer."""
    free_mb = free_megabytes(tmp_path)
    actions.fill_disk(str(tmp_path), free_mb=free_mb - 20)
    [filler] = tmp_path.glob("backlab-filler-*/filler")
    assert 10 << 20 < filler.stat().st_size < 40 << 20
    assert last(performance).touched
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(BacklabError, match="more than 1"):
        actions.fill_disk(str(tmp_path), free_mb=0, most_mb=1)


def free_megabytes(path: Path) -> float:
    """What is free where a path lies."""
    return shutil.disk_usage(path).free / (1 << 20)


def test_a_clock_is_skewed_for_one_process_only(performance, backend):
    """Postgres believes it is another day, and knows better after lift_faults."""
    drift = "SELECT abs(extract(epoch FROM now()) - %f)"
    if backend == "container":
        with pytest.raises(BacklabError, match="keeps the environment"):
            actions.skew_clock("postgres", 86_400)
        return
    try:
        restarts.faketime()
    except BacklabError as missing:
        pytest.skip(str(missing))
    actions.skew_clock("postgres", 86_400)
    assert probes.sql_value(drift % (time.time() + 86_400)) < 60
    assert last(performance).touched
    assert probes.sql_value(drift % time.time()) < 60


class Ticking(Worker):
    """A worker with the shop's own steps that does nothing but come to `tick` again and again."""

    SOURCE = """
import sys, time
from services.shop.workers.steps import must_be_one_of, step
must_be_one_of(("tick",))
open(sys.argv[1], "w").close()
while True:
    step("tick")
    time.sleep(0.01)
"""

    def native(self, directory: Path, port: int) -> Native:
        self.ready_file.unlink(missing_ok=True)
        return Native([sys.executable, "-c", self.SOURCE, str(self.ready_file)])


@pytest.mark.parametrize("nth", [1, 30])
def test_a_worker_crashes_at_a_step_and_is_replaced_by_one_that_does_not(nth):
    """Before or after it has said that it is ready."""
    with Ticking("ticking", Settings()) as worker:
        crash = restarts.CrashAt(worker, "tick", nth).start()
        assert crash.wait(10)
        assert crash.stop().count == 1
        assert worker.running


@pytest.mark.parametrize("nth", [1, 30])
def test_a_worker_freezes_at_a_step_and_goes_on_when_it_is_told_to(nth):
    """Before or after it has said that it is ready; its successor does not freeze."""
    with Ticking("ticking", Settings()) as worker:
        pause = restarts.PauseAt(worker, "tick", nth).start()
        assert pause.wait(10)
        assert worker.running
        assert pause.stop().count == 1
        assert worker.running
        assert not worker.frozen


@pytest.mark.parametrize("order", [restarts.CrashAt, restarts.PauseAt])
def test_a_step_that_the_worker_does_not_have_is_refused(order):
    """Nothing would happen; the worker itself knows its steps, and goes on without the order."""
    with Ticking("ticking", Settings()) as worker:
        with pytest.raises(ServerError, match="names no step of this worker"):
            order(worker, "tock").start()
        assert worker.running


def test_a_server_without_steps_is_no_worker(performance):
    """It would ignore the order."""
    with pytest.raises(BacklabError, match="redis is a server and has no steps"):
        actions.pause_worker_at("redis", "commit")
