"""Lab 9.1 inside the sandbox."""

from __future__ import annotations

from typing import Any


def names(shared: dict[str, Any]) -> dict[str, Any]:
    """The counter of steps."""
    return {"steps": {"taken": 0}}


def total(names: dict[str, Any], n: int) -> list[int]:
    """The sum, and the steps that it took."""
    names["steps"]["taken"] = 0
    return [names["total"](n), names["steps"]["taken"]]


CALLS = {"total": total}
