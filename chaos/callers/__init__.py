"""What a screen does each time: load a page, look something up, change an order, send a message.

    maker(name, servers) ──▶ a function that makes one Caller per screen ──▶ caller() says how it ended

Each goes through the wire in front of its server, where there is one. An outcome is "ok", "failed" or, where
the work may have been done all the same (a timeout), "unknown".
The clients of Redis and Kafka are imported for those who call them: each takes a quarter of a second.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from difflib import get_close_matches

from chaos.callers.caller import Addresses, Caller
from chaos.callers.page import Purchase
from chaos.callers.statement import READ, STOCK, WRITE, Statement
from services.errors import BacklabError


def _statement(text: str) -> Callable[[Addresses], Caller]:
    return lambda stage: Statement(stage.address("postgres"), text)


def _cached(falls_back: bool) -> Callable[[Addresses], Caller]:
    def make(stage: Addresses) -> Caller:
        from chaos.callers.cached import Cached

        source = Statement(stage.address("postgres"), READ)
        return Cached(stage.address("redis"), source, falls_back=falls_back)

    return make


def _dual_write(stage: Addresses) -> Caller:
    from chaos.callers.dual_write import DualWrite

    return DualWrite(stage.address("kafka"), Statement(stage.address("postgres"), WRITE))


def _product_page(manners: str) -> Callable[[Addresses], Caller]:
    def make(stage: Addresses) -> Caller:
        from chaos.callers.product_page import ProductPage

        return ProductPage(stage, manners)

    return make


# name -> (what makes a caller, the servers that it calls)
KINDS: Mapping[str, tuple[Callable[[Addresses], Caller], tuple[str, ...]]] = {
    "read-product": (_statement(READ), ("postgres",)),
    "reserve-stock": (_statement(WRITE), ("postgres",)),
    "read-stock": (_statement(STOCK), ("postgres",)),
    "reserve-and-send": (_dual_write, ("postgres", "kafka")),
    "place-order": (lambda stage: Purchase(stage.address("shop")), ("shop",)),
    "cache-only": (_cached(False), ("redis", "postgres")),
    "cache-or-database": (_cached(True), ("redis", "postgres")),
    "patient-page": (_product_page("patient"), ("redis", "postgres")),
    "bounded-page": (_product_page("bounded"), ("redis", "postgres")),
}


def maker(name: str, servers: Collection[str]) -> Callable[[Addresses], Caller]:
    """What makes callers of this kind; raises `BacklabError` for an unknown one or one without its server."""
    if name not in KINDS:
        near = get_close_matches(name, KINDS, n=1)
        step = f"did you mean {near[0]!r}?" if near else f"known are {', '.join(KINDS)}"
        raise BacklabError(f"there is no load called {name!r}", step)
    make, needs = KINDS[name]
    missing = [server for server in needs if server not in servers]
    if missing:
        raise BacklabError(
            f"the load {name!r} calls {missing[0]}, which the experiment does not start",
            f"add {missing[0]} to `servers` in its configuration",
        )
    return make
