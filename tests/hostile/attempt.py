"""One hostile submission: what it tries, and the exercise cell that tries it."""

from __future__ import annotations

from dataclasses import dataclass

LAZY = """
def order_page(session, size, before_id=None):
    return [view(o) for o in session.scalars(newest(size, before_id))]
"""


@dataclass(frozen=True)
class Attempt:
    """`tries` is a sentence; `page`, `detector` and `repair` replace exercises; `earns` is what it may."""

    tries: str
    page: str = "def order_page(session, size, before_id=None):\n    return []\n"
    detector: str = ""
    repair: str = ""
    earns: frozenset[str] = frozenset()


HONEST = frozenset({"4.2.b", "4.2.c"})  # what the page as shipped passes honestly


IDLE_CACHE = """
class ProductCache:
    def __init__(self, cache, ttl_s): pass
    async def get_or_load(self, key, loader): return None
"""
IDLE_RACE = "def read_through(*a): return None\ndef write_through(*a): return None\n"
IDLE_CURVE = "def lru_curve(trace): return []\n"


@dataclass(frozen=True)
class Caching:
    """`tries` is a sentence; the cells replace exercises, `earns` is what they may."""

    tries: str
    cache: str = IDLE_CACHE
    race: str = IDLE_RACE
    curve: str = IDLE_CURVE
    earns: frozenset[str] = frozenset()

    @property
    def cells(self) -> tuple[str, str, str]:
        """The exercises in their order."""
        return self.cache, self.race, self.curve
