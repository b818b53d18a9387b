"""The invalidation race: readers and writers on real servers, one round trip at a time, in every order.

read(cache, database, id)  ──clients of its own, which pause before each round trip──▶ servers
interleave: every order of those round trips -> does a reader afterwards get what the database holds?
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from types import SimpleNamespace
from typing import Any

import psycopg
import redis
from greenlet import getcurrent, greenlet

import backlab
from backlab.interleaving.schedules import Schedules

TABLE = """
    CREATE TABLE IF NOT EXISTS prices (
        product_id integer PRIMARY KEY, price_cents integer NOT NULL, version integer NOT NULL DEFAULT 1)
"""
RESET = "UPDATE prices SET price_cents = 100, version = 1 WHERE product_id = 7 AND version <> 1"
ASK = "SELECT price_cents FROM prices WHERE product_id = 7"
PRODUCT, UNKNOWN = 7, 8_000
Read = Callable[[redis.Redis, psycopg.Connection, int], Any]
Write = Callable[[redis.Redis, psycopg.Connection, int, int], Any]


class Actor(greenlet):
    """A reader or writer in the middle of its work; it stands still before each round trip."""

    trips: list[str]


def _pause(what: str) -> None:
    """Called before each round trip: hand control back until our next step; nothing outside of an actor."""
    actor = getcurrent()
    if isinstance(actor, Actor) and actor.parent is not None:
        actor.trips.append(what)
        actor.parent.switch()


class _Connection(redis.Connection):
    def send_packed_command(self, command: Any, check_health: bool = True) -> None:
        words = b"".join(command).split(b"\r\n")
        _pause(words[2].decode().lower() if len(words) > 2 else "command")
        super().send_packed_command(command, check_health)


class _Cursor(psycopg.Cursor[Any]):
    def execute(self, query: Any, *rest: Any, **more: Any) -> Any:
        _pause(str(query).split()[0].lower())
        return super().execute(query, *rest, **more)


@dataclass
class Pair:
    """An actor's own clients: a cache and a database that count and pause."""

    cache: redis.Redis
    database: psycopg.Connection[Any]


@dataclass
class World:
    """What all actors share while one schedule runs."""

    failed: list[str] = field(default_factory=list)


class Shop:
    """Real Redis and real PostgreSQL with one product, and a pair of clients for each actor."""

    def __init__(self, redis_url: str, database_url: str, most_actors: int = 3) -> None:
        self._open = ExitStack()
        self.pairs = [self._pair(redis_url, database_url) for _ in range(most_actors + 1)]
        self.witness = self.pairs[-1]
        self.witness.database.execute(TABLE)
        self.witness.database.execute("INSERT INTO prices VALUES (7, 100) ON CONFLICT DO NOTHING")
        self.fresh()

    def _pair(self, redis_url: str, database_url: str) -> Pair:
        pool = redis.ConnectionPool.from_url(
            redis_url, connection_class=_Connection, decode_responses=True, db=1, socket_timeout=5
        )
        cache = redis.Redis(connection_pool=pool)
        self._open.callback(pool.disconnect)
        cache.ping()  # connect now: a handshake is no round trip of an actor
        options = "-c lock_timeout=500"
        database = psycopg.connect(database_url, autocommit=True, cursor_factory=_Cursor, options=options)
        self._open.callback(database.close)
        return Pair(cache, database)

    def fresh(self) -> World:
        """An empty cache, and the first price in the database."""
        self.witness.cache.flushdb()
        self.witness.database.execute(RESET)
        return World()

    def price(self) -> int:
        """What the database holds."""
        return int(self.witness.database.execute(ASK).fetchone()[0])  # type: ignore[index]

    def trips(self, work: Callable[[Pair], Any]) -> list[str]:
        """The round trips of one call, alone and with an empty cache."""
        self.fresh()
        return self.trips_warm(work)

    def trips_warm(self, work: Callable[[Pair], Any]) -> list[str]:
        """The round trips of one call, alone, with the cache as it is; those until it raised, if it does."""
        trips: list[str] = []
        with suppress(Exception):  # in a schedule it is noted as its ending
            actor = _start(work, self.pairs[0], trips)
            while not actor.dead:
                actor.switch()
        return trips

    def every_schedule(self, read: Read, write: Write, readers: int, writers: int) -> Schedules:
        """Every order of the round trips of so many readers and writers, started with an empty cache."""
        work = {f"reader {n}": lambda pair: read(pair.cache, pair.database, PRODUCT) for n in _upto(readers)}
        for n in _upto(writers):
            work[f"writer {n}"] = _writing(write, 100 * n + 11)
        steps = {}
        for pair, (name, doing) in zip(self.pairs, work.items(), strict=False):
            self.trips(doing)  # the first call may load a script; what counts is the second
            steps[name] = _steps(doing, pair, self.trips(doing))
        judge = partial(self._judge, read)
        return backlab.interleave(steps, fresh=self.fresh, judge=judge, keep=1)

    def _judge(self, read: Read, world: World) -> str | None:
        """Whoever comes later reads what the database holds, or the cache is stale."""
        if world.failed:
            return world.failed[0]
        seen = read(self.witness.cache, self.witness.database, PRODUCT)
        return None if seen == self.price() else "stale cache"

    def close(self) -> None:
        """Give every connection back."""
        self._open.close()


def _upto(count: int) -> Iterator[int]:
    return iter(range(1, count + 1))


def _writing(write: Write, price_cents: int) -> Callable[[Pair], Any]:
    return lambda pair: write(pair.cache, pair.database, PRODUCT, price_cents)


def _start(work: Callable[[Pair], Any], pair: Pair, trips: list[str]) -> Actor:
    """An actor that stands before its first round trip, and notes each in `trips`."""
    actor = Actor(work)
    actor.trips = trips
    actor.switch(pair)
    return actor


def _steps(work: Callable[[Pair], Any], pair: Pair, trips: Sequence[str]) -> list[Callable[..., None]]:
    """One step per round trip, named after it; the last one also does whatever may follow."""

    def made(place: int, name: str) -> Callable[..., None]:
        def step(world: World, me: SimpleNamespace) -> None:
            try:
                if place == 0:
                    me.actor = _start(work, pair, [])
                while not me.actor.dead:
                    me.actor.switch()
                    if place < len(trips) - 1:
                        break
            except Exception as error:
                world.failed.append(f"{type(error).__name__} in {name}")
                raise

        step.__name__ = name
        return step

    return [made(place, name) for place, name in enumerate(trips)]


@contextmanager
def shop(redis_url: str, database_url: str) -> Iterator[Shop]:
    """A shop for one block."""
    made = Shop(redis_url, database_url)
    try:
        yield made
    finally:
        made.close()
