"""The judge of lab 4.1, outside the sandbox: a crowd whose loads it holds, a race that it paces, a curve.

crowd --load()--> PostgreSQL: counted there, held by the judge's lock     race --gate--> trip after trip
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import psycopg
import redis

from backlab.check import Verdict
from backlab.grading.exactly import exactly
from backlab.grading.hidden import Draw
from backlab.grading.redis_user import SETTINGS, RedisUser
from backlab.grading.roles import GuestRole
from backlab.grading.room import Room
from datasets.traffic import visits
from labs.m4_performance.caching import crowd_judge, exact, race_judge
from labs.m4_performance.caching.loads_judge import Loads
from labs.m4_performance.caching.paced_judge import TABLE, Actor, Prices, Race

CONNECTIONS = 48  # the larger crowd, each with a load of its own, and the race
ANSWERS = {
    "labs.m4_performance.caching.strategies": ["*"],
    "labs.m4_performance.caching.exact": ["*"],
}
ACTORS = 5  # a witness, two readers, two writers


@dataclass
class Scene:
    """What the judge holds in its hands: the servers with all rights, and the actors of the race."""

    loads: Loads
    admin: redis.Redis
    race: Race


def hidden(draw: Draw) -> dict[str, Any]:
    """Other values for the names of the `parameters` cell; `unit` is not the checks' business."""
    return {
        "data_seed": draw.integer("data_seed", 100, 10**6),
        "products": draw.integer("products", 4_000, 30_000),
        "clients": (draw.integer("clients 0", 9, 14), draw.integer("clients 1", 19, 28)),
        "curve_requests": draw.integer("curve_requests", 2_000, 3_500),
    }


def scene(room: Room) -> Scene:
    """Databases for loads and prices, a Redis that is the guest's alone, a role that may hardly act."""
    server = room.up("postgres").postgres
    cache = room.up("redis", settings={"redis": SETTINGS}).redis
    role = GuestRole(server, CONNECTIONS)
    room.undo.callback(role.close)
    user = RedisUser(cache)
    room.undo.callback(user.close)
    loads_url, prices_url = server.database(), server.database()
    into_loads, into_prices = role.visits(loads_url), role.visits(prices_url)
    room.shared |= {"cache_url": room.admit(user.url), "loads_url": room.admit(into_loads)}
    counting, holding, ours = (
        room.undo.enter_context(psycopg.connect(url, autocommit=True))
        for url in (loads_url, loads_url, prices_url)
    )
    prices = _prices(room, ours, user.admin, role.name)
    actors = [Actor(room, user.url, into_prices, [cache.port, server.port]) for _ in range(ACTORS)]
    for actor in actors:
        room.undo.callback(actor.gate.close)
    race = Race(prices, actors[0], {"read": actors[1:3], "write": actors[3:]})
    return Scene(Loads(counting, holding), user.admin, race)


def _prices(room: Room, connection: psycopg.Connection[Any], admin: redis.Redis, role: str) -> Prices:
    """The table of exercise 2, which the guest may read and change and nothing else."""
    chance = room.draw.stream("prices")
    product, first = chance.randint(10, 7_000), chance.randint(1_000, 9_999)
    connection.execute("SET lock_timeout = '2s'")
    connection.execute(TABLE)
    connection.execute("INSERT INTO prices VALUES (%s, %s)", [product, first])
    connection.execute(f"GRANT SELECT, UPDATE ON prices TO {role}")
    return Prices(connection, admin, product, first)


def _of_crowd(check: Any, verdict: Verdict, room: Room, scene: Scene) -> None:
    check(verdict, room, partial(crowd_judge.Crowd, room, scene.loads, scene.admin))


def never_stale(verdict: Verdict, room: Room, scene: Scene) -> None:
    """4.1.d: the race."""
    race_judge.never_stale(verdict, room, scene.race)


def exact_curve(verdict: Verdict, room: Room, scene: Scene) -> None:
    """4.1.e: the curves of traces that nobody has seen, at every size."""
    chance = room.draw.stream("traces")
    seed, products, requests = (room.hidden[name] for name in ("data_seed", "products", "curve_requests"))
    small = [[], [5] * chance.randint(2, 9), [chance.randint(0, 9) for _ in range(chance.randint(40, 90))]]
    for trace in (*small, visits(seed, "judge", products, requests).tolist()):
        said, right = room.call("curve", trace=trace), exact.misses_by_size(trace)
        of = f"the curve of {len(trace)} requests for {len(right) - 1} keys"
        if not verdict.true(type(said) is list and len(said) == len(right), f"{of} has another length",
                            look="at the sizes 0 to all keys"):  # fmt: skip
            return
        wrong = sum(not exactly(one, other) for one, other in zip(said, right, strict=True))
        if not verdict.equals(
            wrong, 0, f"sizes at which {of} is wrong", look="at what a request's distance counts"
        ):
            return


CHECKS = {
    "4.1.a": partial(_of_crowd, crowd_judge.one_load_at_a_time),
    "4.1.b": partial(_of_crowd, crowd_judge.nobody_waits),
    "4.1.c": partial(_of_crowd, crowd_judge.absent_and_failing),
    "4.1.d": never_stale,
    "4.1.e": exact_curve,
}
