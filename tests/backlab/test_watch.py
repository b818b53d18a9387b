"""`backlab.watch`: what a real server uses and holds while it works, is frozen, and is gone."""

from __future__ import annotations

import threading

import httpx
import pandas as pd
import psycopg
import pytest

from backlab import watch
from services import ready
from services.errors import BacklabError
from services.postgres import Postgres
from services.redis import Redis
from services.shop.topology import Shop

WORK = "SELECT count(*) FROM generate_series(1, 3000000) a WHERE md5(a::text) < '8'"


def looked(rows: pd.DataFrame) -> bool:
    """Whether each of two servers was looked at five times, however slow the engine tells."""
    looks = rows.dropna(subset=["cpu_share"]).groupby("server").size()
    return len(looks) == 2 and looks.min() >= 5


@pytest.mark.parametrize("backend", ["native", pytest.param("container", marks=pytest.mark.container)])
def test_the_server_that_works_is_seen_working_and_its_neighbour_is_not(backend: str) -> None:
    """PostgreSQL counts hashes until each was looked at often, Redis waits; both hold memory."""
    with Postgres(backend=backend) as postgres, Redis(backend=backend) as redis:
        with (
            watch(postgres=postgres, redis=redis, every_s=0.1) as seen,
            psycopg.connect(postgres.url) as link,
        ):
            while not looked(seen.rows):
                link.execute(WORK.encode())
        rows = seen.rows
    shares = rows.groupby("server").cpu_share.mean()
    assert shares["postgres"] > 3 * shares["redis"]
    assert (rows.memory_mb > 1).all()
    assert rows.groupby("server").processes.max()["postgres"] > 3
    assert rows.in_flight.isna().all()
    assert seen.plot().png().startswith(b"\x89PNG")


def test_a_shop_shows_what_is_in_flight_and_what_waits() -> None:
    """Eight slow pages at once, two at work: the others wait, and all are in flight."""
    with Shop(["orders"], settings={"max_concurrent": 2, "loader": "naive"}) as shop:
        orders = shop.processes["orders"]

        def ask() -> None:
            httpx.get(f"{orders.url}/orders?limit=200", timeout=60)

        asking = [threading.Thread(target=ask) for _ in range(8)]
        with watch(orders=orders, every_s=0.05) as seen:
            for thread in asking:
                thread.start()
            for thread in asking:
                thread.join()
    assert seen.rows.in_flight.max() > seen.rows.waiting.max() > 0
    assert seen.rows.in_flight.max() <= 8


def test_a_server_that_is_frozen_or_gone_does_not_end_the_watch() -> None:
    """While it is paused it uses nothing; when it is dead it has no processes; the rows go on."""
    with Redis(backend="native") as redis, watch(redis=redis, every_s=0.05) as seen:
        redis.pause()
        assert ready.true(lambda: len(seen.rows) > 5)
        redis.resume()
        redis.kill()
        assert ready.true(lambda: 0 in set(seen.rows.processes))
    assert seen.rows[seen.rows.processes == 0].memory_mb.isna().all()


def test_what_cannot_be_watched_is_refused() -> None:
    """No server, one that does not run, none at all."""
    with pytest.raises(BacklabError, match="is no server"):
        watch(database="postgresql://127.0.0.1")  # type: ignore[arg-type]
    with pytest.raises(BacklabError, match="does not run"):
        watch(redis=Redis())
    with pytest.raises(BacklabError, match="nothing to look at"):
        watch()
