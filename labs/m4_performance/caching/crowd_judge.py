"""Checks 4.1.a to 4.1.c from outside: a crowd in the sandbox, whose loads the judge counts and holds back.

room.call("come") -> load(key) in PostgreSQL: counted, waits for the judge -> room.call("answers")
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from typing import Any

import redis

from backlab.check import Verdict
from backlab.grading.exactly import exactly
from backlab.grading.room import Room
from labs.m4_performance.caching.loads_judge import Loads

LONG_S, SHORT_S = 600.0, 0.15  # how long values count as fresh
PATIENCE_S = 5.0
SETTLE_S = (0.1, 0.4, 2.0)  # for a crowd to come while its load is held, longer each time
SECOND = "at what the second client does while the first one loads"
RETURNED = "at what is returned"


class Crowd:
    """One cache of the learner's, one key that nobody can foresee, and clients who come for it."""

    def __init__(self, room: Room, loads: Loads, admin: redis.Redis, ttl_s: float) -> None:
        self._room, self.loads, self._admin, self.ttl_s = room, loads, admin, ttl_s
        self.key = f"product:{secrets.token_hex(6)}"
        self._admin.flushdb()
        self.loads.count(self.key)
        room.call("new_cache", ttl_s=ttl_s)

    def put(self, *, fails: bool = False) -> str:
        """A new value in the database, or what the failure says; nobody has seen it before."""
        word = secrets.token_hex(8)
        self.loads.put(self.key, word, fails=fails)
        return word

    def ask(self) -> Any:
        """One client's answer."""
        self._room.call("come", key=self.key, clients=1)
        return self.answers(1)[0]

    def answers(self, clients: int, patience_s: float = PATIENCE_S) -> list[Any]:
        """The answers of those who came, None where there is none yet."""
        said = self._room.call("answers", patience_s=patience_s)
        return said if type(said) is list and len(said) == clients else [None] * clients

    def come(self, clients: int) -> None:
        """All come at once."""
        self._room.call("come", key=self.key, clients=clients)

    def loads_of(self, clients: int) -> int:
        """All come while loads are held: how many loads they have under way at once."""
        self.loads.reset()
        self.come(clients)
        return self.loads.all_that_come()

    def fails_for(self, clients: int) -> tuple[int, int]:
        """All come and the load fails: how many did not hear of it, and how many loads that took.

        Whoever comes after the failure may load, so on a busy machine they are given longer to come.
        """
        unheard = loads = 0
        for settle_s in SETTLE_S:
            why = self.put(fails=True)
            self.loads.reset()
            with self.loads.held():
                self.come(clients)
                self.loads.first()
                time.sleep(settle_s)
            unheard = without(self.answers(clients), {"raised": why})
            loads = self.loads.begun()
            if loads <= 1:
                break
        return unheard, loads

    def loads_another_meanwhile(self) -> bool:
        """Whether a cold key's load begins while the load of another one is held."""
        with self.loads.held():
            self.put()
            self.come(1)
            begun = self.loads.first()
            self.key = f"product:{secrets.token_hex(6)}"
            self.loads.count(self.key)
            self.put()
            self.come(1)
            begun = self.loads.first() and begun
        self.answers(1)
        return begun

    def expire(self) -> None:
        """Wait until what is cached is no longer fresh."""
        time.sleep(2 * self.ttl_s)

    def becomes(self, word: str) -> bool:
        """Whether clients, who ask again and again, get the new value before long."""
        ends_s = time.monotonic() + PATIENCE_S
        while time.monotonic() < ends_s:
            if exactly(self.ask(), {"got": word}):
                return True
            time.sleep(0.02)
        return False

    def empty(self) -> None:
        """Take away all that Redis has."""
        self._admin.flushdb()


Make = Callable[[float], Crowd]  # from seconds that a value counts as fresh


def without(answers: list[Any], *right: Any) -> int:
    """How many answers are none of those that are right."""
    return sum(not any(exactly(answer, each) for each in right) for answer in answers)


def one_load_at_a_time(verdict: Verdict, room: Room, make: Make) -> None:
    """4.1.a: a crowd that comes to a cold key, or an expired one, has one load under way, then no more."""
    for clients in room.hidden["clients"]:
        if not _cold(verdict, make(LONG_S), clients):
            return
        if not _expired(verdict, make(SHORT_S), clients):
            return
    verdict.true(
        make(LONG_S).loads_another_meanwhile(), "another key was not loaded while one key's load went on",
        look="at what two keys share",
    )  # fmt: skip


def _cold(verdict: Verdict, crowd: Crowd, clients: int) -> bool:
    what = f"for {clients} clients and a cold key"
    word = crowd.put()
    with crowd.loads.held():
        at_once = crowd.loads_of(clients)
    wrong = without(crowd.answers(clients), {"got": word})
    return (
        verdict.at_most(at_once, 1, f"loads at once {what}", look=SECOND)
        and verdict.at_least(at_once, 1, f"loads {what}", look="at where the value comes from")
        and verdict.equals(wrong, 0, "clients that did not get the value", look=RETURNED)
        and verdict.at_most(crowd.loads.begun(), 1, f"loads one after the other {what}", look=SECOND)
    )  # fmt: skip


def _expired(verdict: Verdict, crowd: Crowd, clients: int) -> bool:
    what = f"for {clients} clients and an expired key"
    old = crowd.put()
    crowd.ask()
    crowd.expire()
    new, began_s = crowd.put(), time.monotonic()
    with crowd.loads.held():
        at_once = crowd.loads_of(clients)
    wrong = without(crowd.answers(clients), {"got": old}, {"got": new})
    more = int((time.monotonic() - began_s) / crowd.ttl_s)  # a new value may have expired meanwhile
    return (
        verdict.at_most(at_once, 1, f"loads at once {what}", look=SECOND)
        and verdict.at_least(at_once, 1, f"loads {what}", look="at when a value counts as fresh no more")
        and verdict.equals(wrong, 0, "clients that got no value", look=RETURNED)
        and verdict.at_most(crowd.loads.begun(), 1 + more, f"loads one after the other {what}", look=SECOND)
    )  # fmt: skip


def nobody_waits(verdict: Verdict, room: Room, make: Make) -> None:
    """4.1.b: all are answered while a load is held; then the value is new. What Redis loses is lost."""
    for clients in room.hidden["clients"]:
        crowd = make(SHORT_S)
        old = crowd.put()
        crowd.ask()
        crowd.expire()
        new = crowd.put()
        with crowd.loads.held():
            crowd.come(clients)
            answered = clients - without(crowd.answers(clients), {"got": old})
        what = f"of {clients} clients answered while the load went on"
        if not verdict.at_least(answered, clients, what, look="at what an expired value is still good for"):
            return
        if not verdict.true(crowd.becomes(new), "the new value never came", look="at who loads it"):
            return
    _forgotten(verdict, make(LONG_S))


def _forgotten(verdict: Verdict, crowd: Crowd) -> bool:
    """A cold load first, which everybody awaits: nothing is on its way to Redis when it is emptied."""
    crowd.put()
    crowd.ask()
    latest = crowd.put()
    crowd.empty()
    lost = "an answer came though Redis had lost the value"
    return verdict.true(exactly(crowd.ask(), {"got": latest}), lost, look="at where values are kept")


def absent_and_failing(verdict: Verdict, room: Room, make: Make) -> None:
    """4.1.c: an absence is loaded once; one failure reaches all who wait, and the next one tries again."""
    for clients in room.hidden["clients"]:
        if not _absent(verdict, make(LONG_S)):
            return
        if not _failing(verdict, make(SHORT_S), clients):
            return


def _absent(verdict: Verdict, crowd: Crowd) -> bool:
    wrong = without([crowd.ask(), crowd.ask()], {"got": None})
    if not verdict.equals(wrong, 0, "wrong answers for an unknown product", look=RETURNED):
        return False
    look = "at how an absence is stored"
    return verdict.equals(crowd.loads.begun(), 1, "loads of an unknown product", look=look)


def _failing(verdict: Verdict, crowd: Crowd, clients: int) -> bool:
    unheard, loads = crowd.fails_for(clients)
    what = f"loads, of which the first failed while {clients} clients waited for it"
    if not (
        verdict.equals(unheard, 0, "clients that did not hear of the failure", look="at who awaits what")
        and verdict.equals(loads, 1, what, look="at what those who waited do when it has failed")
    ):
        return False
    word = crowd.put()
    after = crowd.ask()
    if not verdict.true(
        exactly(after, {"got": word}), "no answer after a failure", look="at what it left behind"
    ):
        return False
    crowd.expire()
    crowd.put(fails=True)
    crowd.loads.reset()
    with crowd.loads.held():
        crowd.come(clients)
        crowd.loads.first()
    crowd.answers(clients)
    back = crowd.becomes(crowd.put())
    return verdict.true(back, "no new load after a failed one", look="at what a failed load leaves behind")
