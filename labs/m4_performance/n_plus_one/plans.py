"""Experiment C: a query whose four predicates say the same thing, and what the planner makes of it.

revenue(connection, city) --EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON)--> nodes --> q-error, buffers
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, text

from datasets.cities import cities

REVENUE = text("""
    EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON)
    SELECT c.id, c.name, count(*) AS orders, sum(o.total_cents) AS cents
      FROM orders o JOIN customers c ON c.id = o.customer_id
     WHERE o.city = :city AND o.country = :country AND o.currency = :currency AND o.language = :language
     GROUP BY c.id ORDER BY cents DESC
""")

SHORT = {
    "Seq Scan": "Scan",
    "Index Scan": "Index lookup",
    "Nested Loop": "Nested loop",
    "Hash Join": "Hash join",
}


def explain(connection: Connection, city: str) -> dict[str, Any]:
    """What each customer of `city` has spent: the executed plan as a tree of nodes.

    A node has `label`, `rows_est` and `rows` (over all its loops), `q_error`, `buffers` (pages of 8 KiB
    that it and its children touched) and `children`. JIT and parallel plans are
    switched off, so that the tree has one shape on every machine.
    """
    place = next(place for place in cities() if place.city == city)
    connection.execute(text("SET jit = off"))
    connection.execute(text("SET max_parallel_workers_per_gather = 0"))
    wanted = {name: getattr(place, name) for name in ("city", "country", "currency", "language")}
    return _node(connection.execute(REVENUE, wanted).scalar_one()[0]["Plan"])


def _node(plan: dict[str, Any]) -> dict[str, Any]:
    children = [_node(child) for child in plan.get("Plans", [])]
    loops = plan["Actual Loops"]
    estimated, actual = plan["Plan Rows"] * loops, plan["Actual Rows"] * loops
    name = SHORT.get(plan["Node Type"], plan["Node Type"])
    return {
        "label": f"{name} {plan['Relation Name']}" if "Relation Name" in plan else name,
        "rows_est": estimated,
        "rows": actual,
        "q_error": q_error(estimated, actual),
        "buffers": plan["Shared Hit Blocks"] + plan["Shared Read Blocks"],
        "children": children,
    }


def q_error(estimated: float, actual: float) -> float:
    """The larger of estimate/actual and its inverse, both at least one row (Leis et al., PVLDB 9(3))."""
    estimated, actual = max(estimated, 1.0), max(actual, 1.0)
    return max(estimated / actual, actual / estimated)


def nodes(tree: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """All nodes of a tree, the root first."""
    yield tree
    for child in tree["children"]:
        yield from nodes(child)


def worst(tree: dict[str, Any]) -> dict[str, Any]:
    """The node with the largest q-error."""
    return max(nodes(tree), key=lambda node: node["q_error"])


def planner_switches(connection: Connection) -> dict[str, str]:
    """Every setting by which the planner can be told what to prefer, as a new session finds it."""
    rows = connection.execute(text(
        "SELECT name, setting FROM pg_settings WHERE category LIKE 'Query Tuning%' ORDER BY name"
    ))  # fmt: skip
    return {row.name: row.setting for row in rows}
