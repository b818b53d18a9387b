"""The replica for the lab on autoscaling: slots, queue, counters that differences can be taken of, drain."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from services import ready
from services.errors import BacklabError
from services.postgres import Postgres
from services.shop import replica
from services.shop.replica_server import ReplicaServer
from services.shop.settings import Settings
from tests import house

FRAMEWORKS = {"fastapi", "starlette", "pydantic", "sqlalchemy", "redis", "httpx", "numpy"}
DONE = 'replica_jobs_total{outcome="done"}'
FAILED = 'replica_jobs_total{outcome="failed"}'


@pytest.fixture
def server(database_server: Postgres) -> Iterator[ReplicaServer]:
    """A replica with two slots; a job takes 20 ms unless it says otherwise."""
    settings = Settings(database_url=database_server.sqlalchemy_url, replica_work_ms=20.0)
    with ReplicaServer(settings) as running:
        yield running


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    """Threads for requests that are left waiting."""
    with ThreadPoolExecutor(16) as made:
        yield made


def work(server: ReplicaServer, wait_ms: int) -> httpx.Response:
    """One job."""
    return httpx.get(f"{server.url}/work", params={"ms": wait_ms}, timeout=60)


def until(server: ReplicaServer, **wanted: int) -> None:
    """Wait for gauges to have these values."""
    wish = {f"replica_{name}": float(value) for name, value in wanted.items()}
    assert ready.true(lambda: wish.items() <= server.metrics().items(), within_s=30), server.metrics()


def test_two_jobs_run_and_the_others_wait(server, pool):
    """Capacity is slots: of five jobs two are in flight and three queued, and all are done."""
    answers = [pool.submit(work, server, 1500) for _ in range(5)]
    until(server, in_flight=2, queued=3)
    assert {answer.result().status_code for answer in answers} == {200}
    assert server.metrics()[DONE] == 5
    until(server, in_flight=0, queued=0)


def test_busy_seconds_grow_while_a_job_runs_and_never_shrink(server, pool):
    """Of a job that has not ended, a difference of two looks shows the part between them."""
    answer = pool.submit(work, server, 1500)
    until(server, in_flight=1)
    seen = []
    while not answer.done():
        seen.append(server.metrics()["replica_busy_seconds_total"])
    assert len(set(seen)) > 2
    assert seen == sorted(seen)
    until(server, in_flight=0)
    end = server.metrics()["replica_busy_seconds_total"]
    assert end >= 1.5
    assert server.metrics()["replica_busy_seconds_total"] == end


def test_a_drained_replica_is_not_ready_and_has_lost_nothing(server, pool):
    """Queued and running jobs end well, and so does one that comes after the drain began."""
    answers = [pool.submit(work, server, 700) for _ in range(4)]
    until(server, in_flight=2, queued=2)
    assert httpx.get(f"{server.url}/ready").status_code == 200
    left = httpx.post(f"{server.url}/drain")
    assert (left.status_code, left.json()["in_flight"], left.json()["queued"]) == (202, 2, 2)
    assert httpx.get(f"{server.url}/ready").status_code == 503
    late = pool.submit(work, server, 0)
    server.drain()
    assert [one.result().status_code for one in [*answers, late]] == [200] * 5
    assert server.metrics()[FAILED] == 0


def test_a_job_that_the_database_ends_is_counted_as_failed(server, database_server, pool):
    """503 for its caller; both slots still work."""
    answer = pool.submit(work, server, 20_000)
    until(server, in_flight=1)
    end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep%'"
    with database_server.connect() as connection:
        connection.execute(end)
    assert answer.result().status_code == 503
    assert server.metrics()[FAILED] == 1
    assert [work(server, 0).status_code for _ in range(4)] == [200] * 4


@pytest.mark.parametrize("wait", ["-1", "soon", "nan", "60001"])
def test_a_wait_that_is_none_is_refused(server, wait):
    """422, and no slot is taken."""
    assert httpx.get(f"{server.url}/work", params={"ms": wait}).status_code == 422
    assert httpx.get(f"{server.url}/nothing").status_code == 404


@pytest.mark.parametrize("settings", [{}, {"database_url": "postgresql://127.0.0.1:1/x", "replica_slots": 0}])
def test_a_replica_that_could_never_work_is_refused(settings):
    """Without a database or a slot, a job would wait for ever."""
    with pytest.raises(BacklabError):
        replica.Replica(Settings(**settings))


def test_it_brings_no_framework():
    """A replica is added while load waits, so its start must cost little."""
    assert not house.imports(Path(replica.__file__)) & FRAMEWORKS
