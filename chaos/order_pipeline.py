"""A stage for load: the shop with its relay and projector, and a lag monitor that looks on from outside.

    users ─▶ gateway ─▶ orders ─▶ outbox ─▶ relay ─▶ Kafka ─▶ projector ─▶ order_views
                                                       └─▶ lag monitor: how high was the hill?

`python -m chaos.order_pipeline` prints the shop's address as one line of JSON, and when its standard input
ends, a second line with what database and monitor know.
"""

from __future__ import annotations

from contextlib import ExitStack

from chaos.shopping import DATA_SEED, TOPOLOGIES, evidence
from chaos.spoken import Knows, parser, perform
from services.errors import BacklabError
from services.postgres import Postgres
from services.shop.lag.age import Row, ages_s
from services.shop.lag.servers import LagMonitor
from services.shop.load import template
from services.shop.topology import Shop
from services.urls import sqlalchemy_url

GROUP, TOPIC, TOO_OLD_S = "projector", "orders", 4.0
FIELDS = ("start", "position", "next", "end")


def hill(monitor: LagMonitor) -> dict[str, int]:
    """The highest lag of the run, and how often the oldest message began to be too old."""
    rows: list[Row] = []
    highest, rings, ringing = 0, 0, False
    for sample in monitor.samples():
        places = [dict(zip(FIELDS, place, strict=True)) for place in sample["groups"][GROUP]]
        rows += [{"t_s": sample["t_s"], "partition": n, **place} for n, place in enumerate(places)]
        highest = max(highest, sum(_lag(place) for place in places))
        too_old = max([age for age in ages_s(rows) if age is not None], default=0.0) > TOO_OLD_S
        rings += too_old and not ringing
        ringing = too_old
    return {"highest lag of the projector": highest, "times a pager rang": rings}


def _lag(place: Row) -> int:
    if place["position"] is None:
        return 0
    return max(0, int(place["end"] - max(place["position"], place["start"])))


def _watching(shop: Shop) -> LagMonitor:
    return LagMonitor(shop.settings.kafka_bootstrap, {GROUP: TOPIC}, every_s=0.25)


def main() -> None:
    """Set the stage for a load scenario."""
    offered = parser("chaos.order_pipeline", __doc__, "must be 0: nothing here is delayed")
    offered.add_argument("--shop", choices=TOPOLOGIES, default="one", help="in one process, or in seven")
    asked = offered.parse_args()

    def set_stage(stack: ExitStack) -> tuple[dict[str, str], Knows]:
        if asked.latency_ms:
            raise BacklabError("this scenario puts no distance anywhere", "leave --latency-ms out")
        postgres = stack.enter_context(Postgres(template=template("S", DATA_SEED)))
        database, workers = postgres.database(), ["relay", "projector"]
        shop = Shop(TOPOLOGIES[asked.shop], database_url=sqlalchemy_url(database), workers=workers)
        monitor = stack.enter_context(_watching(stack.enter_context(shop)))
        return {"shop": shop.url}, lambda: {"evidence": evidence(postgres, database) | hill(monitor)}

    perform(set_stage)


if __name__ == "__main__":
    main()
