"""Compare answers with exact types: 1 is not True, 4 is not 4.0, and no object has a say in it."""

from __future__ import annotations

from typing import Any

PLAIN = (str, int, float, bool, type(None))


def exactly(one: Any, other: Any) -> bool:
    """Whether two values are the same plain JSON; a tuple counts as a list, anything else is not plain."""
    if isinstance(one, tuple):
        one = list(one)
    if isinstance(other, tuple):
        other = list(other)
    if type(one) is not type(other):
        return False
    if type(one) is list:
        return len(one) == len(other) and all(map(exactly, one, other))
    if type(one) is dict:
        return one.keys() == other.keys() and all(exactly(one[key], other[key]) for key in one)
    return type(one) in PLAIN and bool(one == other)
