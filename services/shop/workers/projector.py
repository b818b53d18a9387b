"""The projector: keeps a view of each order, made from its events alone, each event's effect exactly once.

message ──▶ begin ──▶ inbox: seen before? ──no──▶ view ──▶ commit ──▶ commit the offset
                            └──────yes─────────────────────▲
Inbox row and view change in one transaction, so a second delivery finds both or neither. An event that comes
late (a lower sequence than the view has) is counted, but does not take the order's status back.
"""

from __future__ import annotations

from typing import ClassVar

from confluent_kafka import Message
from sqlalchemy import case
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from services.shop.database import Database
from services.shop.records import InboxEntry, OrderView
from services.shop.settings import Settings
from services.shop.workers import kafka
from services.shop.workers.events import ORDERS, Event
from services.shop.workers.steps import step

GROUP = "projector"


class Projector:
    """One turn applies one message."""

    STEPS: ClassVar[tuple[str, ...]] = ("begin", "mark", "effect", "commit", "commit_offset")

    def __init__(self, settings: Settings) -> None:
        self._database = Database(settings)
        kafka.ensure_topics(settings, ORDERS)
        self._consumer = kafka.consumer(settings, GROUP, ORDERS)

    def ready(self) -> bool:
        return bool(self._consumer.assignment())

    def turn(self) -> bool:
        message = self._consumer.poll(0.05)
        if message is not None:
            self._handle(message)
        return message is not None

    def _handle(self, message: Message) -> None:
        event = kafka.event_in(message)
        if event:
            step("begin")
            with Session(self._database.engine) as session, session.begin():
                apply(session, event)
                step("commit")
        step("commit_offset")
        self._consumer.commit(message=message, asynchronous=False)

    def close(self) -> None:
        self._consumer.close()
        self._database.engine.dispose()


def apply(session: Session, event: Event) -> None:
    """The event's effect, unless it was had before."""
    step("mark")
    entry = insert(InboxEntry).values(consumer=GROUP, event_id=event.id)
    if not session.execute(entry.on_conflict_do_nothing().returning(InboxEntry.event_id)).all():
        return
    step("effect")
    status = event.type.removeprefix("order.")
    total_cents = event.data.get("total_cents", 0)
    new = {"order_id": event.key, "status": status, "sequence": event.sequence, "total_cents": total_cents}
    row = insert(OrderView).values(**new, events=1)
    newer = row.excluded.sequence > OrderView.sequence
    changed = {name: case((newer, row.excluded[name]), else_=getattr(OrderView, name)) for name in new}
    counted = {**changed, "events": OrderView.events + 1}
    session.execute(row.on_conflict_do_update(index_elements=["order_id"], set_=counted))
