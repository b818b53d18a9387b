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
