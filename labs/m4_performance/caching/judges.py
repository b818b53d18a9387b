"""The judges behind checks 4.1.a to 4.1.e; each takes the learner's code and says what it counted."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import redis.asyncio

from backlab.check import Verdict
from backlab.loop import in_a_loop
from datasets.seed import below, stream
from datasets.traffic import visits
from labs.m4_performance.caching import exact
from labs.m4_performance.caching.crowd import Crowd, Unreachable
from labs.m4_performance.caching.race import PRODUCT, UNKNOWN, Read, Shop, Write, shop

MakeCache = Callable[..., Any]
MOST_TRIPS = 3  # a reader on a miss, or a writer
SIZES = 5


def _judged(
    redis_url: str, clients: int, make: MakeCache, work: Callable[[Crowd], Awaitable[None]], **more: float
) -> None:
    """Run one judge's questions in a loop of its own, with an empty Redis."""

    async def body() -> None:
        client = redis.asyncio.Redis.from_url(redis_url, db=2, max_connections=4 * clients)
        try:
            await client.flushdb()
            await work(Crowd(client, make, clients, **more))
        finally:
            await client.aclose()

    in_a_loop(body)


def one_load_at_a_time(verdict: Verdict, make: MakeCache, redis_url: str, clients: Sequence[int]) -> None:
    """4.1.a: a crowd that comes to a cold key, or to one that has expired, causes one load at a time."""

    async def ask(crowd: Crowd) -> None:
        look = "at what the second client does while the first one loads"
        await crowd.come()
        what = f"loads at once for {crowd.clients} clients and a cold key"
        verdict.at_most(crowd.most_at_once, 1, what, look=look)
        without = sum(not isinstance(answer, str) for answer in crowd.answers)
        verdict.equals(without, 0, "clients that got no value", look="at what is returned")
        await crowd.expire()
        await crowd.come()
        what = f"loads at once for {crowd.clients} clients and an expired key"
        verdict.at_most(crowd.most_at_once, 1, what, look=look)

    async def ask_apart(crowd: Crowd) -> None:
        what = "another key was not loaded while one key's load went on"
        verdict.true(await crowd.loads_another_meanwhile(), what, look="at what two keys share")

    for count in clients:
        _judged(redis_url, count, make, ask)
    _judged(redis_url, 2, make, ask_apart)


def nobody_waits(verdict: Verdict, make: MakeCache, redis_url: str, clients: Sequence[int]) -> None:
    """4.1.b: once there is a value, every client is answered while a load goes on, and it becomes new."""

    async def ask(crowd: Crowd) -> None:
        await crowd.warm()
        await crowd.expire()
        answered = await crowd.come_before_the_load_ends()
        what = f"of {crowd.clients} clients answered while the load went on"
        verdict.at_least(answered, crowd.clients, what, look="at what an expired value is still good for")
        what = "the new value came into the cache"
        verdict.true(await crowd.becomes("102"), f"not true that {what}", look="at who loads it")

    for count in clients:
        _judged(redis_url, count, make, ask)


def absent_and_failing(verdict: Verdict, make: MakeCache, redis_url: str, clients: Sequence[int]) -> None:
    """4.1.c: an unknown product is loaded once; a failure reaches all who wait and locks nobody out."""

    async def ask(crowd: Crowd) -> None:
        crowd.found = lambda: None
        await crowd.warm()
        await crowd.warm()
        verdict.equals(crowd.answers, [None], "the answer for an unknown product", look="at what is returned")
        verdict.equals(crowd.loads, 1, "loads of an unknown product", look="at how an absence is stored")

    async def fail(crowd: Crowd) -> None:
        crowd.found = _unreachable
        loads = await crowd.loads_that_fail()
        got = sum(isinstance(answer, Unreachable) for answer in crowd.answers)
        what = "clients that got the loader's exception"
        heard = verdict.equals(got, crowd.clients, what, look="at who hears of a failed load")
        what = f"loads, of which the first failed while {crowd.clients} clients waited for it"
        look = "at what those who waited do when it has failed"
        if not (verdict.equals(loads, 1, what, look=look) and heard):
            return  # what comes now waits for seconds
        crowd.found = lambda: "101"
        await crowd.warm()
        verdict.equals(crowd.answers, ["101"], "the answer after the failure", look="at what it left behind")
        await crowd.expire()
        crowd.found = _unreachable
        await crowd.come_before_the_load_ends()
        crowd.found = lambda: "303"
        back = await crowd.becomes("303")
        verdict.true(back, "no new load after a failed one", look="at what a failed load leaves behind")

    for count in clients:
        _judged(redis_url, count, make, ask, ttl_s=60.0)
        _judged(redis_url, count, make, fail)


def _unreachable() -> str:
    raise Unreachable("the database does not answer")


def never_stale(
    verdict: Verdict, read: Read, write: Write, redis_url: str, database_url: str,
    crowds: Sequence[tuple[int, int]],
) -> None:  # fmt: skip
    """4.1.d: after every order of the round trips of readers and writers, the cache tells the truth."""
    with shop(redis_url, database_url) as world:
        _alone(verdict, world, read, write)
        for readers, writers in crowds:
            if verdict.verdict != "PASS":
                return
            found = world.every_schedule(read, write, readers, writers)
            what = f"of {found.total} schedules of {readers} reader(s) and {writers} writer(s) end badly"
            symptoms = ", ".join(found.symptoms)
            verdict.at_most(found.bad, 0, f"{what} ({symptoms})", look="at who may replace whose value")


def _alone(verdict: Verdict, world: Shop, read: Read, write: Write) -> None:
    """What must hold without any race: right answers, few round trips, and a cache that is used."""
    pair = world.witness
    world.fresh()
    verdict.equals(read(pair.cache, pair.database, PRODUCT), 100, "the price read", look="at read_through")
    write(pair.cache, pair.database, PRODUCT, 250)
    verdict.equals(world.price(), 250, "the price in the database", look="at write_through")
    verdict.equals(read(pair.cache, pair.database, PRODUCT), 250, "the price read after a write")
    again = world.trips_warm(lambda pair: read(pair.cache, pair.database, PRODUCT))
    asked = sum(trip in ("select", "with") for trip in again)
    verdict.equals(asked, 0, "questions to the database when a price is read again", look="at what is cached")
    for name, work in {
        "reader": lambda pair: read(pair.cache, pair.database, PRODUCT),
        "writer": lambda pair: write(pair.cache, pair.database, PRODUCT, 300),
    }.items():
        world.trips(work)
        verdict.at_most(
            len(world.trips(work)), MOST_TRIPS, f"round trips of a {name}", look="at each of them"
        )
    verdict.equals(read(pair.cache, pair.database, UNKNOWN), None, "what is read of an unknown product")
    write(pair.cache, pair.database, UNKNOWN, 100)
    verdict.equals(read(pair.cache, pair.database, UNKNOWN), None, "an unknown product after a write")


def exact_curve(
    verdict: Verdict, lru_curve: Callable[[list[int]], Any], seed: int, products: int, requests: int
) -> None:
    """4.1.e: the curve equals the simulation of an LRU cache at five sizes, and holds for an empty trace."""
    verdict.equals(list(lru_curve([])), [0], "the curve of an empty trace", look="at its first element")
    verdict.equals(list(lru_curve([5, 5, 5])), [3, 1], "the curve of one key asked for three times")
    trace = visits(seed, "check", products, requests).tolist()
    curve = list(lru_curve(trace))
    keys = len(set(trace))
    verdict.equals(len(curve), keys + 1, "the length of the curve", look="at the sizes 0 to all keys")
    if len(curve) != keys + 1:
        return
    for size in sorted((below(stream(seed, "check.sizes"), keys, SIZES) + 1).tolist()):
        misses = len(trace) - sum(exact.lru(trace, size))
        what = f"misses with {size} keys"
        verdict.equals(curve[size], misses, what, look="at what a request's distance counts")
