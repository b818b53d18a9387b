"""Whether somebody changed the event store behind its back: each stream's hash chain, computed anew.

stored_events   hash = sha256(hash before it, content)?   or the event was changed, inserted or swapped
                version = the one before + 1?             or the event before it was deleted
stream_heads    version and hash of the last event?       or the last events were deleted
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Select, case, func, null, or_, select, union_all
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session

from services.shop.event_store import HASHED, START, StoredEvent, StreamHead, hash_of


@dataclass(frozen=True)
class Tampered:
    """Where a chain breaks first: a stream, the version at which it shows, and how."""

    stream: str
    version: int
    why: str


def verify(session: Session) -> Tampered | None:
    """The first break by position, a missing end of a stream last; None if all is well.

    PostgreSQL reads every event once; nothing but the break is fetched.
    """
    broken = union_all(_links(), _ends()).subquery()
    in_order = broken.c.position.nulls_last(), broken.c.stream
    first = session.execute(select(broken).order_by(*in_order).limit(1)).first()
    return Tampered(first.stream, first.version, first.why) if first else None


def _links() -> Select[tuple[int | None, str, int, str]]:
    """Events that do not follow from the one before."""

    def before(column: Any, first: Any) -> Any:
        in_stream = func.lag(column).over(partition_by=StoredEvent.stream, order_by=StoredEvent.version)
        return func.coalesce(in_stream, first).label(f"{column.key}_before")

    steps = before(StoredEvent.version, 0), before(StoredEvent.hash, START)
    chain = select(*StoredEvent.__table__.c, *steps).subquery()
    row = {name: chain.c[name] for name in (*HASHED, "at")}
    gap = chain.c.version != chain.c.version_before + 1
    wrong = chain.c.hash != hash_of(chain.c.hash_before, row)
    why = case((gap, "an event before it is missing"), else_="its hash does not fit")
    return select(chain.c.position, chain.c.stream, chain.c.version, why.label("why")).where(or_(gap, wrong))


def _ends() -> Select[tuple[int | None, str, int, str]]:
    """Heads of streams whose last event is not there, and streams without a head."""
    newest = (
        select(StoredEvent)
        .ext(distinct_on(StoredEvent.stream))
        .order_by(StoredEvent.stream, StoredEvent.version.desc())
        .subquery()
    )
    both = newest.join(StreamHead, StreamHead.stream == newest.c.stream, full=True)
    differs = or_(
        func.coalesce(newest.c.version, 0) != func.coalesce(StreamHead.version, 0),
        func.coalesce(newest.c.hash, START) != func.coalesce(StreamHead.hash, START),
    )
    stream = func.coalesce(StreamHead.stream, newest.c.stream)
    version = func.coalesce(StreamHead.version, newest.c.version)
    said = case((differs, "the stream's head names another last event"))
    return select(null().label("position"), stream, version, said).select_from(both).where(differs)
