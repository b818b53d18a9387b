"""The checkout in seven builds: all write the same journal, and each patient has its own disease alone."""

from __future__ import annotations

import asyncio
import os
import threading
import zlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path

import httpx
import pytest
from sqlalchemy import Engine, event

from services.errors import BacklabError
from services.shop import database, records, run
from services.shop.builds import choice, healthy, journal, matching, pooling, remembering, signing
from services.shop.database import Database
from services.shop.placing import LineDocument, OrderDocument
from services.shop.settings import Settings

BASKET = {"customer_id": 7, "lines": [{"product_id": 27, "quantity": 1}]}
NOWHERE = "postgresql+psycopg://127.0.0.1:1/x"


def order(number: int, products: int = 12) -> OrderDocument:
    """An order of so many products."""
    lines = [LineDocument(product_id=one, quantity=1, price_cents=100) for one in range(1, products + 1)]
    more = {"status": "placed", "version": 1, "currency": "EUR", "total_cents": 100 * products}
    return OrderDocument(id=number, customer_id=7, placed_at=datetime.now(UTC), lines=lines, **more)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Of a build that is made without a process; nobody connects to the database."""
    return Settings(database_url=NOWHERE, checkout_directory=str(tmp_path))


@pytest.fixture(autouse=True)
def engines(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Connections of services in this process are given back, as those of a process that ends are."""
    made: list[Engine] = []
    create = database.create_engine

    def noted(*arguments: object, **options: object) -> Engine:
        made.append(create(*arguments, **options))
        return made[-1]

    monkeypatch.setattr(database, "create_engine", noted)
    yield
    for engine in made:
        engine.dispose()


def test_a_seed_decides_what_the_letters_mean():
    """Six letters, six steps, the same for a seed and others for others."""
    for seed in range(20):
        assert sorted(choice.patients(seed).values()) == sorted(choice.STEPS)
        assert choice.patients(seed) == choice.patients(seed)
    assert len({tuple(choice.patients(seed).values()) for seed in range(20)}) > 10


def test_an_unknown_letter_is_refused():
    """Before the first request."""
    with pytest.raises(BacklabError, match="SHOP_CHECKOUT_BUILD is 'Z'"):
        run.process(["orders"], Settings(database_url=NOWHERE, checkout_build="Z"))


@pytest.mark.parametrize("build", [matching.Build, signing.Build, journal.Build])
def test_a_slow_step_has_the_same_result(settings, build):
    """A patient is ill, not wrong."""
    ill, well = build(settings, Database(settings)), healthy.Build(settings, Database(settings))
    assert ill.match(order(1)) == well.match(order(1))
    assert len(well.match(order(1))) == 4 * len(healthy.PERCENTS)
    receipt = order(1).model_dump_json().encode()
    assert asyncio.run(ill.sign(receipt)) == asyncio.run(well.sign(receipt))
    assert signing.crc32(receipt) == zlib.crc32(receipt)


def test_one_build_forgets_and_the_other_does_not(settings):
    """After 300 receipts: a hundred, and three hundred."""
    well = healthy.Build(settings, Database(settings))
    ill = remembering.Build(settings, Database(settings))
    for number in range(300):
        well.remember(number, "receipt")
        ill.remember(number, "receipt")
    assert (len(well.recent), len(ill.by_request)) == (100, 300)


def test_one_build_asks_in_the_event_loop_and_the_other_in_a_thread(database_url, tmp_path):
    """While four questions of 20 ms are asked at once, which thread was it?"""
    settings = Settings(database_url=database_url, checkout_directory=str(tmp_path))
    seen: dict[str, set[bool]] = {}
    for name in ("healthy", "asking"):
        pool = Database(settings)
        build = import_module(f"services.shop.builds.{name}").Build(settings, pool)
        threads = seen.setdefault(name, set())

        def told(*_: object, threads: set[bool] = threads) -> None:
            threads.add(threading.current_thread() is threading.main_thread())

        event.listen(pool.engine, "before_cursor_execute", told)
        assert asyncio.run(build.risk(7)) > 0
    assert seen == {"healthy": {False}, "asking": {True}}


def test_one_pool_has_one_connection():
    """Which is all that its build changes."""
    asked = Settings(pool_size=5)
    assert (healthy.Build.adapted(asked).pool_size, pooling.Build.adapted(asked).pool_size) == (5, 1)


def test_one_journal_waits_for_the_disk_and_the_other_does_not(settings, monkeypatch):
    """A line is on the disk at once, or in the buffer."""
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", synced.append)
    file = Path(settings.checkout_directory) / "journal.txt"
    for build, lines, syncs in ((healthy.Build, 0, 0), (journal.Build, 2, 2)):
        file.unlink(missing_ok=True)
        made = build(settings, Database(settings))
        for _ in range(2):
            made.write("a line\n")
        assert (len(file.read_text().splitlines()), len(synced)) == (lines, syncs)
        made.journal.close()


@pytest.fixture(scope="module")
def database_url(fresh_database: Callable[[], str]) -> str:
    """One database below all builds."""
    url = fresh_database()
    records.create(url)
    return url


@pytest.mark.parametrize("letter", [choice.HEALTHY, *choice.LETTERS])
def test_every_build_places_orders_and_says_so_in_its_journal(database_url, tmp_path, letter, monkeypatch):
    """The whole shop in this process, several orders at once."""
    told = {"checkout_build": letter, "checkout_directory": str(tmp_path)}
    written: list[str] = []
    write = healthy.Build.write
    monkeypatch.setattr(
        healthy.Build, "write", lambda build, line: (written.append(line), write(build, line))
    )
    app = run.process(list(run.SERVICES), Settings(database_url=database_url, **told))

    async def four() -> list[httpx.Response]:
        inside = httpx.ASGITransport(app)
        async with httpx.AsyncClient(base_url="http://shop", transport=inside, timeout=60) as client:
            return await asyncio.gather(*(client.post("/orders", json=BASKET) for _ in range(4)))

    answers = asyncio.run(four())
    assert {answer.status_code for answer in answers} == {201}
    assert {int(line.split()[0]) for line in written} == {answer.json()["id"] for answer in answers}
    assert len({line.split()[1] for line in written}) == 1  # they found as many offers
