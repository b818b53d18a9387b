"""Two writes without an outbox between them: PostgreSQL, then Kafka."""

from __future__ import annotations

from confluent_kafka import Producer

from chaos.callers.caller import PATIENCE_S, TOPIC
from chaos.callers.statement import Statement


class DualWrite:
    """Reserves stock, then tells Kafka and waits for its acknowledgement, as one does without an outbox."""

    def __init__(self, brokers: str, order: Statement) -> None:
        self._order = order
        self._producer = Producer(
            {
                "bootstrap.servers": brokers,
                "acks": "all",
                "message.timeout.ms": int(PATIENCE_S * 1e3),
                "reconnect.backoff.max.ms": 200,
                "log_level": 2,
            }
        )

    def __call__(self) -> str:
        outcome = self._order()
        if outcome != "ok":
            return outcome
        acknowledged: list[bool] = []
        self._producer.produce(TOPIC, b"reserved", callback=lambda error, _: acknowledged.append(not error))
        self._producer.flush(PATIENCE_S * 2)
        return "ok" if acknowledged == [True] else "unknown"  # it may have arrived all the same

    def close(self) -> None:
        self._order.close()
