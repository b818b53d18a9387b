"""The judge of lab 4.2, outside the sandbox: hidden pages, hidden snippets, hidden cities.

guest's database --wire (counts)--> guest      twin database, unknown to the guest --by_hand--> what is right
"""

from __future__ import annotations

import random
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, text
from sqlalchemy.orm import Session

from backlab.check import Verdict
from backlab.grading.exactly import exactly
from backlab.grading.hidden import Draw
from backlab.grading.roles import GuestRole, private
from backlab.grading.room import Room
from datasets.cities import cities
from labs.m4_performance.n_plus_one import plans
from labs.m4_performance.n_plus_one.evidence import DISTINCT
from labs.m4_performance.n_plus_one.renamed import renamed
from labs.m4_performance.n_plus_one.strategies import by_hand
from services.urls import sqlalchemy_url

SEEDS = (7, 11, 23)  # few, so that their shops are prepared; what is in them is changed for each learner
ANSWERS = {"labs.m4_performance.n_plus_one.strategies": ["*"], "services.shop.pages": ["eagerly"]}
LOADING = "at the loading options of order_page"
# what a new session of the guest's may find changed after the repair: nothing by which plans are chosen
KEPT = """
    SELECT name AS what, setting AS value FROM pg_settings
     WHERE name NOT IN ('application_name', 'transaction_isolation', 'transaction_read_only')
    UNION ALL SELECT 'relation ' || relname, relkind::text || oid::text FROM pg_class
     WHERE relnamespace NOT IN
           (SELECT oid FROM pg_namespace WHERE nspname LIKE 'pg\\_%' OR nspname LIKE 'info%')
    UNION ALL SELECT 'rule ' || rulename, ev_class::text FROM pg_rewrite WHERE oid >= 16384
    UNION ALL SELECT 'policy ' || polname, polrelid::text FROM pg_policy
    UNION ALL SELECT 'routine ' || proname, oid::text FROM pg_proc WHERE oid >= 16384
    UNION ALL SELECT 'rows of orders', md5(string_agg(o::text, ',' ORDER BY id)) FROM public.orders o
    UNION ALL SELECT 'rows of customers', md5(string_agg(c::text, ',' ORDER BY id)) FROM public.customers c
"""


@dataclass
class Scene:
    """What the checks need: the wire, the twin, and the guest's databases as the guest's role sees them."""

    wire: Any
    twin: Engine
    page: Engine
    repair: Engine
    stray: int = 0  # statements that the guest sent while nobody had called it


def hidden(draw: Draw) -> dict[str, Any]:
    """Other values for the names of the `parameters` cell."""
    sizes = [draw.integer(f"size {n}", *between) for n, between in enumerate(((6, 15), (35, 65), (150, 229)))]
    return {
        "data_seed": draw.choice("data_seed", SEEDS),
        "page_sizes": [1, *sizes],
        "older_than": draw.integer("older_than", 25_000, 45_000),
        "cities": draw.sample("cities", [place.city for place in cities()[:10]], 2),
        "visits": [draw.integer(f"visits {n}", 20, 60) for n in range(6)],
    }


def scene(room: Room) -> Scene:
    """A page database and its twin with the same changes, and one to repair; a role that owns two of them."""
    bench = room.up("postgres", data="shop-S", seed=room.hidden["data_seed"])
    wire, server = bench.wire("postgres"), bench.postgres
    role = GuestRole(server)
    room.undo.callback(role.close)
    page, repair = (role.owns(bench.postgres.database()) for _ in range(2))
    twin = bench.postgres.database()
    room.undo.callback(lambda: server.drop(twin.rpartition("/")[2]))
    with server.connect() as connection:
        private(connection, twin.rpartition("/")[2])
    room.shared |= {
        "page_url": room.admit(bench.via(wire, sqlalchemy_url(page))),
        "repair_url": bench.via(wire, sqlalchemy_url(repair)),
    }
    made = Scene(wire, *(create_engine(sqlalchemy_url(url)) for url in (twin, page, repair)))
    for engine in (made.twin, made.page, made.repair):
        room.undo.callback(engine.dispose)
    for engine in (made.twin, made.page):
        _change(engine, room.draw.stream("names"))
    room.start()
    wire.reset_counts()  # what connecting asks is not the page's
    return made


def _change(engine: Engine, chance: random.Random) -> None:
    """Make this learner's shop unlike any other: some names, some orders' states and some lines."""
    with engine.begin() as connection:
        for _ in range(40):
            values = {"id": chance.randint(1, 50_000), "word": f"{chance.getrandbits(40):x}"}
            connection.execute(text("UPDATE orders SET status = :word WHERE id = :id"), values)
            connection.execute(text(
                "UPDATE customers SET name = :word WHERE id ="
                " (SELECT customer_id FROM orders WHERE id = 50001 - :id % 200)"
            ), values)  # fmt: skip


def statements(verdict: Verdict, room: Room, scene: Scene) -> None:
    """4.2.a: no page sends more than four statements, on the wire, nor does anything beside it."""
    for size in sorted(room.hidden["page_sizes"]):
        _, seen = _visit(room, scene, size)
        if not _loaded(verdict, seen, size):
            return
        if not verdict.at_most(asked(seen), 4, f"statements for a page of {size}", look=LOADING):
            return
    stray = scene.stray + asked(scene.wire.counts())
    if stray:
        verdict.equals(stray, 0, "statements sent beside the pages", look=LOADING)


def rows(verdict: Verdict, room: Room, scene: Scene) -> None:
    """4.2.b: no page receives more rows than the twin has different things to show."""
    for size in sorted(size + 1 for size in room.hidden["page_sizes"]):
        _, seen = _visit(room, scene, size)
        with scene.twin.connect() as connection:
            allowed = int(connection.execute(DISTINCT, {"size": size, "before_id": None}).scalar_one())
        if not _loaded(verdict, seen, size):
            return
        what = f"rows for a page of {size}"
        if not verdict.at_most(received(seen), allowed, what, look="at what is joined to what"):
            return


def asked(seen: Any) -> int:
    """Statements, also where many came in one message, or as calls of functions."""
    said = seen.messages
    return max(seen.statements + said.get("FunctionCall", 0), said.get("CommandComplete", 0) - seen.control)


def received(seen: Any) -> int:
    """Rows, also where they came as a COPY."""
    return int(seen.rows + seen.messages.get("CopyData", 0))


def same_page(verdict: Verdict, room: Room, scene: Scene) -> None:
    """4.2.c: every page equals the twin's, also further down, and after both have changed."""
    longest, older = max(room.hidden["page_sizes"]), room.hidden["older_than"]
    for size in room.hidden["page_sizes"]:
        _equal(verdict, room, scene, size, None, "the newest page")
    _equal(verdict, room, scene, longest, older, "an older page")
    for engine in (scene.twin, scene.page):
        _change(engine, room.draw.stream("later"))
        with engine.begin() as connection:
            change = "UPDATE orders SET status = :word WHERE id > (SELECT max(id) - 5 FROM orders)"
            connection.execute(text(change), {"word": room.draw.word("later")})
    _equal(verdict, room, scene, longest, None, "the page after an order has changed")


def _visit(room: Room, scene: Scene, size: int, before_id: int | None = None) -> tuple[Any, Any]:
    """One page and what crossed the wire for it."""
    scene.stray += asked(scene.wire.reset_counts())
    page = room.call("order_page", size=size, before_id=before_id)
    seen = scene.wire.reset_counts()
    return page, seen


def _loaded(verdict: Verdict, seen: Any, size: int) -> bool:
    """A page that asked nothing, or got next to nothing, was not loaded but made up or remembered."""
    asked = verdict.at_least(
        seen.statements, 1, f"statements for a page of {size}", look="at where it comes from"
    )
    return asked and verdict.at_least(
        seen.rows, 1, f"rows for a page of {size}", look="at where it comes from"
    )


def _equal(verdict: Verdict, room: Room, scene: Scene, size: int, before_id: int | None, which: str) -> None:
    with Session(scene.twin) as session:
        expected = [asdict(order) for order in by_hand(session, size, before_id)]
    shown, _ = _visit(room, scene, size, before_id)
    if not verdict.true(type(shown) is list, f"{which} of {size} is no list"):
        return
    verdict.equals(len(shown), len(expected), f"orders on {which} of {size}", look="at the query itself")
    different = sum(not exactly(one, other) for one, other in zip(shown, expected, strict=False))
    verdict.equals(
        different, 0, f"orders that differ on {which} of {size}", look="at what is cut or left out"
    )


def detected(verdict: Verdict, room: Room, scene: Scene) -> None:
    """4.2.d: six snippets that nobody has seen; exactly the guilty lines are named, with their counts."""
    module, source, made = renamed(room.draw)
    with scene.twin.connect() as connection:
        count = text(
            "SELECT count(DISTINCT customer_id) FROM (SELECT customer_id FROM orders ORDER BY id LIMIT :n) o"
        )
        customers = {n: int(connection.execute(count, {"n": n}).scalar_one()) for n in room.hidden["visits"]}
    for (snippet, guilty), n in zip(made, room.hidden["visits"], strict=True):
        known = {"n": n, "customers": customers[n]}
        expected = [[f"{module}.py:{line}", known[what]] for line, what in guilty]
        scene.wire.reset_counts()
        found = room.call("detect", module=module, source=source, snippet=snippet, n=n)
        sent = scene.wire.reset_counts().statements
        named = sorted(found) if _all_pairs(found) else found
        shown = f"in a snippet with {n} orders, the lines named and their counts"
        same = exactly(named, sorted(expected))
        verdict.true(
            same, f"{shown} are wrong", look="at what your detector groups by and what it leaves out"
        )
        verdict.at_least(sent, sum(times for _, times in expected), "statements while it watched")


def _all_pairs(found: Any) -> bool:
    return type(found) is list and all(type(f) is list and list(map(type, f)) == [str, int] for f in found)


def repaired(verdict: Verdict, room: Room, scene: Scene) -> None:
    """4.2.e: same rows, same settings, same relations; a new session estimates well and reads a tenth."""
    wanted = room.hidden["cities"]
    with scene.repair.connect() as connection:
        before, kept = {city: plans.explain(connection, city) for city in wanted}, _kept(scene.repair)
    room.call("repair")
    scene.repair.dispose()
    changed = sorted({what for what, _ in kept ^ _kept(scene.repair)})
    verdict.equals(
        changed, [], "what else it changed", look="for what the planner lacks, not for what it may do"
    )
    with scene.repair.connect() as connection:
        for city in wanted:
            _reads_a_tenth(verdict, connection, city, before[city]["buffers"])


def _reads_a_tenth(verdict: Verdict, connection: Connection, city: str, before: int) -> None:
    after = plans.explain(connection, city)
    node = plans.worst(after)
    verdict.at_most(round(node["q_error"], 1), 10, f"as q-error of the node '{node['label']}'",
                    look="at which columns say the same thing")  # fmt: skip
    verdict.at_most(after["buffers"], before // 10, "buffers", look="at the join that the estimate leads to")


def _kept(engine: Engine) -> set[tuple[str, str]]:
    """What must be the same after the repair, as a new session of the guest's finds it."""
    with engine.connect() as connection:
        return {(row.what, row.value) for row in connection.execute(text(KEPT))}


CHECKS = {"4.2.a": statements, "4.2.b": rows, "4.2.c": same_page, "4.2.d": detected, "4.2.e": repaired}
