"""Six small pieces of code for the detector: three are guilty, three only look it.

A guilty line carries the comment `# guilty: <count>`, where the count is an expression of `n`, the
number of orders that the snippet visits.
"""

from __future__ import annotations

import inspect
import re
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy
from sqlalchemy import insert, select
from sqlalchemy.orm import Session, selectinload

from services.shop.models import Event, Order

SQLALCHEMY = str(Path(sqlalchemy.__file__).parent)


@dataclass(frozen=True)
class Finding:
    """What a detector reports: a statement's shape, how often it was sent, and from which line."""

    shape: str
    count: int
    line: str


def calling_line() -> str:
    """The nearest line on the stack that is not SQLAlchemy's and not in the caller's file: "pages.py:71"."""
    caller = sys._getframe(1).f_code.co_filename
    for frame, number in traceback.walk_stack(sys._getframe(1)):
        file = frame.f_code.co_filename
        if file != caller and not file.startswith((SQLALCHEMY, "<")):
            return f"{Path(file).name}:{number}"
    return "?"


def loop_over_collection(session: Session, n: int) -> int:
    """Counts lines order by order."""
    total = 0
    for order in session.scalars(select(Order).order_by(Order.id).limit(n)).all():
        total += len(order.lines)  # guilty: n
    return total


def loop_over_to_one(session: Session, n: int) -> list[str]:
    """Asks each order for its customer; a customer that was met before costs nothing."""
    names = []
    for order in session.scalars(select(Order).order_by(Order.id).limit(n)).all():
        names.append(order.customer.name)  # guilty: customers
    return names


def batch_insert(session: Session, n: int) -> None:
    """One batch: the driver sends it in one go."""
    events = [
        {"id": 10**9 + i, "order_id": 1, "kind": "seen", "at": "2025-01-01", "payload": {}} for i in range(n)
    ]
    session.execute(insert(Event), events)
    session.rollback()


def two_loops_of_equal_sql(session: Session, n: int) -> int:
    """The same statement from two lines, of which one only looks at the first two orders."""
    orders = session.scalars(select(Order).order_by(Order.id).limit(n + 2)).all()
    total = sum(len(order.payments) for order in orders[:2])
    for order in orders[2:]:
        total += len(order.payments)  # guilty: n
    return total


def legitimate_retry(session: Session, n: int) -> str:
    """Asks again until the answer is there: the same question each time, not another one."""
    status = ""
    for _ in range(n):
        status = session.scalars(select(Order.status).where(Order.id == 1)).one()
    return status


def repaired_page(session: Session, n: int) -> int:
    """The first snippet after its repair."""
    query = select(Order).order_by(Order.id).limit(n).options(selectinload(Order.lines))
    return sum(len(order.lines) for order in session.scalars(query))


SNIPPETS: list[Callable[[Session, int], object]] = [
    loop_over_collection,
    loop_over_to_one,
    batch_insert,
    two_loops_of_equal_sql,
    legitimate_retry,
    repaired_page,
]


def guilty_lines(snippet: Callable[..., object], **known: int) -> dict[str, int]:
    """The snippet's guilty lines and how often each sends its statement: `{"snippets.py:52": 40}`."""
    lines, first = inspect.getsourcelines(snippet)
    marks = [(first + i, re.search(r"# guilty: (\w+)", line)) for i, line in enumerate(lines)]
    return {f"{Path(__file__).name}:{number}": known[mark.group(1)] for number, mark in marks if mark}
