"""Check 4.1.d from outside: what holds alone, then every order of two crowds, some of a hidden third."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping

from backlab.check import Verdict
from backlab.grading.exactly import exactly
from backlab.grading.room import Room
from backlab.interleaving.schedules import Schedule, count, orders
from labs.m4_performance.caching.paced_judge import DATABASE, Race

MOST_TRIPS = 3  # a reader on a miss, or a writer
KNOWN, HIDDEN = ((1, 1), (1, 2)), ((2, 1), (2, 2))  # readers and writers
ALL, SAMPLE = 700, 60  # schedules of a known crowd, 210 where a writer needs two trips; of the hidden one


def never_stale(verdict: Verdict, room: Room, race: Race) -> None:
    """4.1.d: after every order of the round trips of readers and writers, the cache tells the truth."""
    race.enter()
    if not _alone(verdict, race):
        return
    reader, writer = race.trips("read"), race.trips("write", price_cents=race.prices.first + 1)
    for readers, writers in (*KNOWN, room.draw.choice("crowd", HIDDEN)):
        lengths = {f"reader {n}": len(reader) for n in range(readers)}
        writes = {f"writer {n}": room.draw.integer(f"price {n}", 10_000, 99_999) for n in range(writers)}
        lengths |= dict.fromkeys(writes, len(writer))
        most = ALL if (readers, writers) in KNOWN else SAMPLE
        every = schedules(lengths, most, room.draw.stream("schedules"))
        found = race.run(every, writes, 3 * room.limits.seconds)
        what = f"of {found.total} schedules of {readers} reader(s) and {writers} writer(s) end badly"
        what += f" ({', '.join(found.symptoms)})" if found.symptoms else ""
        if not verdict.at_most(found.bad, 0, what, look="at who may replace whose value"):
            return


def schedules(lengths: Mapping[str, int], most: int, chance: random.Random) -> Iterator[Schedule]:
    """Every order of so many steps by actor, or `most` of them by lot, each as likely as any other."""
    if count(*lengths.values()) <= most:
        yield from orders(lengths)
        return
    for _ in range(most):
        names = [name for name, length in lengths.items() for _ in range(length)]
        chance.shuffle(names)
        yield tuple((name, names[:place].count(name)) for place, name in enumerate(names))


def _alone(verdict: Verdict, race: Race) -> bool:
    """What must hold without any race: right answers, few round trips, and a cache that is used."""
    prices, witness, reader = race.prices, race.witness, race.actors["read"][0]
    writer, product = race.actors["write"][0], prices.product
    other = prices.first + 7
    prices.fresh()
    right = exactly(witness.all_of("read", product_id=product), prices.first)
    verdict.true(right, "the price read is not the database's", look="at read_through")
    writer.all_of("write", product_id=product, price_cents=other)
    verdict.true(prices.now() == other, "the price written is not in the database", look="at write_through")
    verdict.true(
        exactly(reader.all_of("read", product_id=product), other),
        "another process reads an old price after a write",
    )
    reader.all_of("read", product_id=product)
    again = reader.gate.trips.count(DATABASE)
    verdict.equals(again, 0, "questions to the database when a price is read again", look="at what is cached")
    for name, more in (("read", {}), ("write", {"price_cents": other})):
        verdict.at_most(
            len(race.trips(name, **more)), MOST_TRIPS, f"round trips of a {name}", look="at each of them"
        )
    for call, more in (("read", {}), ("write", {"price_cents": other}), ("read", {})):
        said = witness.all_of(call, product_id=product + 1, **more)
        if call == "read":
            verdict.true(
                said is None, "an unknown product has a price", look="at what is returned for no row"
            )
    return verdict.verdict == "PASS"
