"""interleave() with steps that wait for one another: row locks of a real PostgreSQL, and its deadlocks."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import partial

import psycopg
import pytest

from backlab import interleave
from backlab.interleaving import waiting
from backlab.interleaving.waiting import in_postgres
from services.errors import BacklabError
from services.postgres import Postgres

BOTH = ("a", "b")


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    """A PostgreSQL that finds a deadlock after 50 ms instead of a second."""
    with Postgres(backend="native", settings={"deadlock_timeout": "50ms"}) as started:
        with started.connect() as connection:
            connection.execute("CREATE TABLE accounts (id int PRIMARY KEY, balance int NOT NULL)")
            connection.execute("INSERT INTO accounts VALUES (1, 0), (2, 0)")
        yield started


class Bank:
    """Two sessions on two accounts; each fresh world is the same sessions, rolled back, and zeros."""

    def __init__(self, server: Postgres) -> None:
        self.sessions = {name: psycopg.connect(server.url) for name in BOTH}
        self.setting = server.connect()
        self.waits = in_postgres(server, lambda world, actor: world[actor].info.backend_pid, BOTH)

    def fresh(self) -> dict[str, psycopg.Connection]:
        for session in self.sessions.values():
            session.rollback()
        self.setting.execute("UPDATE accounts SET balance = 0")
        return self.sessions

    def balances(self) -> list[int]:
        return [int(str(b)) for (b,) in self.setting.execute("SELECT balance FROM accounts ORDER BY id")]


def add(actor: str, account: int):
    """A step that changes an account, and so takes its row lock."""

    def step(world):
        world[actor].execute("UPDATE accounts SET balance = balance + 1 WHERE id = %s", [account])

    step.__name__ = f"add_to_{account}"
    return step


def commit(actor: str):
    """A step that ends the transaction."""

    def step(world):
        world[actor].commit()

    step.__name__ = "commit"
    return step


@pytest.fixture
def bank(server: Postgres) -> Bank:
    """A world of its own."""
    return Bank(server)


def test_a_step_that_waits_for_a_row_lock_lets_the_others_go_on(bank):
    """Two updates of one row: in 4 of 6 schedules the second must wait, and none is lost."""
    found = interleave(
        {actor: [add(actor, 1), commit(actor)] for actor in BOTH},
        fresh=bank.fresh,
        judge=lambda world: None if bank.balances() == [2, 0] else "lost update",
        waits=bank.waits,
    )
    assert (found.total, found.bad, found.waited) == (6, 0, 4)
    assert repr(found) == "0 of 6 schedules end badly; in 4 a step had to wait"


def test_every_deadlock_is_found_and_told(bank):
    """Locks taken crosswise: every schedule that begins with both first steps ends in one, 12 of 20."""
    found = interleave(
        {"a": [add("a", 1), add("a", 2), commit("a")], "b": [add("b", 2), add("b", 1), commit("b")]},
        fresh=bank.fresh,
        judge=lambda world: None if bank.balances() == [2, 2] else "deadlock",
        keep=1,
        waits=bank.waits,
    )
    assert (found.total, found.bad) == (20, 12)
    [story] = found.counterexamples
    assert "... waits" in story
    assert "goes on" in story
    assert "! DeadlockDetected: deadlock detected" in story


def test_who_never_lets_go_is_named(bank, monkeypatch):
    """A last step without a commit: one sentence instead of waiting for ever."""
    monkeypatch.setattr(waiting, "PATIENCE_S", 0.5)
    explore = partial(interleave, fresh=bank.fresh, judge=lambda world: None, waits=bank.waits)
    with pytest.raises(BacklabError, match="b still wait after all other steps were done; let the last step"):
        explore({"a": [add("a", 1)], "b": [add("b", 1)]})
    bank.sessions["a"].close()


def test_without_waits_a_step_that_hangs_is_told(monkeypatch, capsys):
    """On stderr, with its name and the next step; it goes on when it is let go."""
    monkeypatch.setattr(waiting, "HANGS_S", 0.0)
    let_go = threading.Event()
    threading.Timer(1.5, let_go.set).start()
    found = interleave({"a": [partial(wait_for, let_go)]}, fresh=dict, judge=lambda world: None)
    assert found.total == 1
    assert "the step 'wait for' of a has not returned" in capsys.readouterr().err


def wait_for(event, world):
    """A step that hangs."""
    assert event.wait(10)


def test_async_steps_cannot_wait():
    """They are refused before anything runs."""

    async def step(world):
        pytest.fail("it ran")

    with pytest.raises(BacklabError, match="cannot be async"):
        interleave({"a": [step]}, fresh=dict, judge=lambda world: None, waits=lambda world, actor: False)
