"""The race from outside: readers and writers in sandboxes of their own, each round trip let through by us.

schedule: reader 1, writer 1, reader 1 ... --one round trip each--> Redis, PostgreSQL --> witness reads: true?

Actors share nothing but the two servers, so no variable of a process can tell a reader of a writer.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import psycopg
import redis

from backlab.grading.exactly import exactly
from backlab.grading.gate import ANY, Gate
from backlab.grading.room import GuestError, Room
from backlab.interleaving.schedules import Schedule, Schedules
from backlab.sandbox.caller import SET_UP

DATABASE = 1  # as a gate numbers the two servers: Redis is 0
TABLE = """
    CREATE TABLE prices (
        product_id integer PRIMARY KEY, price_cents integer NOT NULL, version integer NOT NULL DEFAULT 1)
"""
RESET = "UPDATE prices SET price_cents = %s, version = 1 WHERE product_id = %s"
ASK = "SELECT price_cents FROM prices WHERE product_id = %s"


class Actor:
    """One guest that reads or writes; it stands at its gate before each round trip."""

    def __init__(self, room: Room, cache_url: str, database_url: str, servers: list[int]) -> None:
        self.gate = Gate(servers)
        urls = {
            "cache_url": _at(cache_url, self.gate.ports[0]),
            "database_url": _at(database_url, self.gate.ports[1]),
        }
        self._room, self._caller = room, room.another(self.gate.ports, urls)
        self.name, self.done = "", True

    def enter(self) -> None:
        """Let it connect and execute the exercises."""
        self._caller.begin_to_enter()
        self.gate.advance(self._caller, ANY)
        self._caller.answer(SET_UP)

    def begin(self, name: str, **arguments: Any) -> None:
        """Call a function; it stands before its first round trip, or has ended without one."""
        self.gate.quiet()
        self.gate.trips.clear()
        self._caller.begin(name, arguments)
        self.name, self.done = name, False
        self.step(0)

    def step(self, trips: int = 1) -> None:
        """Let so many round trips pass, unless it has ended."""
        self.done = self.done or self.gate.advance(self._caller, trips)

    def end(self) -> Any:
        """Let all else pass and return what it answered."""
        self.step(ANY)
        said = self._caller.answer(self.name)
        self._room.heard.append((self.name, said))
        return said

    def all_of(self, name: str, **arguments: Any) -> Any:
        """A whole call, alone."""
        self.begin(name, **arguments)
        return self.end()


def _at(url: str, port: int) -> str:
    """The same URL at another port of this machine."""
    login, _, rest = url.rpartition("@")
    return f"{login}@127.0.0.1:{port}/{rest.partition('/')[2]}"


@dataclass
class Prices:
    """What the judge itself sees and sets: it asks the servers directly, past every gate."""

    connection: psycopg.Connection[Any]
    admin: redis.Redis
    product: int
    first: int  # price

    def fresh(self) -> None:
        """An empty cache and the first price."""
        self.admin.flushdb()
        try:
            self.connection.execute(RESET, [self.first, self.product])
        except psycopg.errors.LockNotAvailable:
            raise GuestError("a transaction of yours is still open after a call") from None

    def now(self) -> int:
        """What the database holds."""
        return int(self.connection.execute(ASK, [self.product]).fetchone()[0])  # type: ignore[index]


class Race:
    """Actors and a witness, who knows only what the servers tell it."""

    def __init__(self, prices: Prices, witness: Actor, actors: Mapping[str, list[Actor]]) -> None:
        self.prices, self.witness, self.actors = prices, witness, actors

    def enter(self) -> None:
        """Start all of them, and have each call each function once: a script may have to be loaded."""
        for actor in (self.witness, *self.actors["read"], *self.actors["write"]):
            actor.enter()
            self.prices.fresh()
            actor.all_of("read", product_id=self.prices.product)
            actor.all_of("write", product_id=self.prices.product, price_cents=self.prices.first)

    def trips(self, name: str, **arguments: Any) -> list[int]:
        """The servers of one call's round trips, alone and with an empty cache."""
        self.prices.fresh()
        self.witness.all_of(name, product_id=self.prices.product, **arguments)
        return list(self.witness.gate.trips)

    def run(self, schedules: Iterator[Schedule], writes: Mapping[str, int], within_s: float) -> Schedules:
        """Every one of these schedules; `writes` are the writers' prices by name."""
        found, until_s = Schedules(), time.monotonic() + within_s
        for schedule in schedules:
            if time.monotonic() > until_s:
                raise GuestError(f"{found.total} schedules took longer than {within_s:g} s")
            symptom = self._one(schedule, writes)
            found.total += 1
            if symptom:
                found.bad += 1
                found.symptoms[symptom] = found.symptoms.get(symptom, 0) + 1
        return found

    def _one(self, schedule: Schedule, writes: Mapping[str, int]) -> str:
        """How one schedule ends: in a word, which is empty where all is well."""
        self.prices.fresh()
        acting = self._begin(dict.fromkeys(name for name, _ in schedule), writes)
        last = dict(schedule)
        failed = False
        for name, place in schedule:
            acting[name].step(ANY if place == last[name] else 1)
        for actor in acting.values():
            try:
                actor.end()
            except GuestError:
                failed = True
        return "an exception" if failed else self._ending()

    def _begin(self, names: Mapping[str, Any], writes: Mapping[str, int]) -> dict[str, Actor]:
        """Everybody stands before the first round trip."""
        free = {kind: iter(actors) for kind, actors in self.actors.items()}
        acting = {}
        for name in names:
            kind = "write" if name in writes else "read"
            acting[name] = actor = next(free[kind])
            more = {"price_cents": writes[name]} if name in writes else {}
            actor.begin(kind, product_id=self.prices.product, **more)
        return acting

    def _ending(self) -> str:
        """Whoever comes later reads what the database holds, and the one after it from the cache."""
        seen = self.witness.all_of("read", product_id=self.prices.product)
        if not exactly(seen, self.prices.now()):
            return "stale cache"
        again = self.witness.all_of("read", product_id=self.prices.product)
        if DATABASE in self.witness.gate.trips:
            return "nothing cached"
        return "" if exactly(again, seen) else "stale cache"
