"""The judges behind checks 4.2.a to 4.2.e; each takes the learner's code and says what it measured."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, text
from sqlalchemy.orm import Session

from backlab.check import Verdict
from labs.m4_performance.n_plus_one import plans
from labs.m4_performance.n_plus_one.evidence import Witness
from labs.m4_performance.n_plus_one.snippets import SNIPPETS, guilty_lines
from labs.m4_performance.n_plus_one.strategies import by_hand, fingerprint
from services.shop.pages import Loader

LOADING = "at the loading options of order_page"


def statements_per_page(verdict: Verdict, witness: Witness, order_page: Loader, sizes: Sequence[int]) -> None:
    """4.2.a: no page of any size sends more than four statements, on the wire; the longest first."""
    for size in sorted(sizes, reverse=True):
        sent = witness.visit(order_page, size).statements
        if not verdict.at_most(sent, 4, f"statements for a page of {size}", look=LOADING):
            return


def rows_per_page(verdict: Verdict, witness: Witness, order_page: Loader, sizes: Sequence[int]) -> None:
    """4.2.b: no page of any size receives more rows than it has different things to show."""
    for size in sorted(sizes, reverse=True):
        fetched = witness.visit(order_page, size).rows
        allowed = witness.distinct_rows(size)
        what = f"rows for a page of {size}"
        if not verdict.at_most(fetched, allowed, what, look="at what is joined to what"):
            return


def same_page(
    verdict: Verdict, witness: Witness, order_page: Loader, sizes: Sequence[int], before_id: int
) -> None:
    """4.2.c: every page equals the hand-written one, also further down and after the data has changed."""
    longest = max(sizes)
    for size in sizes:
        _equal_pages(verdict, witness, order_page, size, None, "the newest page")
    _equal_pages(verdict, witness, order_page, longest, before_id, "an older page")
    with witness.engine.begin() as connection:
        connection.execute(text(
            "UPDATE orders SET status = 'checked by ' || status WHERE id = (SELECT max(id) FROM orders)"
        ))  # fmt: skip
    _equal_pages(verdict, witness, order_page, longest, None, "the page after an order has changed")


def _equal_pages(
    verdict: Verdict, witness: Witness, load: Loader, size: int, before_id: int | None, which: str
) -> None:
    expected = witness.visit(by_hand, size, before_id).page
    shown = witness.visit(load, size, before_id).page
    verdict.equals(len(shown), len(expected), f"orders on {which} of {size}", look="at the query itself")
    different = sum(one != other for one, other in zip(shown, expected, strict=False))
    verdict.equals(
        different, 0, f"orders that differ on {which} of {size}", look="at what is cut or left out"
    )
    verdict.true(
        fingerprint(shown) == fingerprint(expected),
        f"{which} of {size} shows other data",
        look="at the views",
    )


def detected_lines(
    verdict: Verdict, detector: Callable[[Engine], Any], engine: Engine, visits: Sequence[int]
) -> None:
    """4.2.d: six snippets, three of them guilty; exactly the guilty lines are named, with their counts."""
    for snippet, n in zip(SNIPPETS, visits, strict=True):
        with Session(engine) as session, detector(engine) as watch:
            snippet(session, n)
        named = {finding.line: finding.count for finding in watch.findings}
        expected = guilty_lines(snippet, n=n, customers=_customers(engine, n))
        what = f"in {snippet.__name__} with {n} orders, the lines named and their counts"
        verdict.equals(named, expected, what, look="at what your detector groups by and what it leaves out")


def _customers(engine: Engine, n: int) -> int:
    first = text(
        "SELECT count(DISTINCT customer_id) FROM (SELECT customer_id FROM orders ORDER BY id LIMIT :n) o"
    )
    with engine.connect() as connection:
        return int(connection.execute(first, {"n": n}).scalar_one())


def repaired_estimate(
    verdict: Verdict,
    repair: Callable[[Connection], None],
    fresh_database: Callable[[], str],
    cities: Sequence[str],
) -> None:
    """4.2.e: with the same text and the same planner, a new session estimates well and reads a tenth."""
    engine = create_engine(fresh_database())
    try:
        before, switches = _explained(engine, cities)
        with engine.begin() as connection:
            repair(connection)
        engine.dispose()
        after, switches_now = _explained(engine, cities)
        changed = sorted(name for name in switches if switches[name] != switches_now[name])
        verdict.equals(
            changed, [], "planner settings changed", look="for what the planner lacks, not for what it may do"
        )
        for city in cities:
            node = plans.worst(after[city])
            verdict.at_most(
                round(node["q_error"], 1), 10, f"as q-error of the node '{node['label']}' for {city}",
                look="at which columns say the same thing",
            )  # fmt: skip
            verdict.at_most(
                after[city]["buffers"], before[city]["buffers"] // 10, f"buffers for {city}",
                look="at the join that the estimate leads to",
            )  # fmt: skip
    finally:
        engine.dispose()


def _explained(engine: Engine, cities: Sequence[str]) -> tuple[dict[str, dict[str, Any]], dict[str, str]]:
    with engine.connect() as connection:
        switches = plans.planner_switches(connection)
        return {city: plans.explain(connection, city) for city in cities}, switches
