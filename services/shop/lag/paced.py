"""A producer and a consumer that keep a pace, as processes: groups in every state, for monitors to look at.

python -m services.shop.lag.paced produce --bootstrap ... --ready f --plans '[{"topic": "t", ...}]'
python -m services.shop.lag.paced consume --bootstrap ... --ready f --group g --topic t --per-s 50
The value of the POISON message can't be handled: its partition waits for it for ever, the others go on.
"""

from __future__ import annotations

import argparse
import json
import signal
import threading
import time
from pathlib import Path
from typing import Any

from confluent_kafka import Consumer, Message, Producer, TopicPartition

from services.kafka_client import SOON

POISON = b"poison"
TICK_S, RETRY_S = 0.02, 0.2


def due(plan: dict[str, Any], t_s: float) -> int:
    """How many messages a plan has wanted to send after `t_s` seconds, a burst of it included."""
    burst_from, burst_s, burst_per_s = plan.get("burst") or (0.0, 0.0, 0.0)
    inside_s = min(max(0.0, t_s - burst_from), burst_s)
    return int(plan["per_s"] * (t_s - inside_s) + burst_per_s * inside_s)


def produce(bootstrap: str, plans: list[dict[str, Any]], ready: Path, stopped: threading.Event) -> None:
    """Send what each plan wants, in turn over its partitions, at the time when it is due; poison once."""
    producer = Producer({"bootstrap.servers": bootstrap, "linger.ms": 5, "acks": "1", **SOON})
    producer.list_topics(timeout=15)
    sent = [0] * len(plans)
    poisoned: set[int] = set()
    ready.touch()
    began_s = time.monotonic()
    while not stopped.wait(TICK_S):
        t_s = time.monotonic() - began_s
        for which, plan in enumerate(plans):
            if plan.get("poison_at_s") is not None and t_s >= plan["poison_at_s"] and which not in poisoned:
                poisoned.add(which)
                producer.produce(plan["topic"], POISON, partition=0)
            while sent[which] < due(plan, t_s):
                number = sent[which] % plan["partitions"]
                producer.produce(plan["topic"], b"%d" % sent[which], partition=number)
                sent[which] += 1
        producer.poll(0)
    producer.flush(5)


class Paced:
    """One consumer of a group that takes 1/`per_s` seconds for each message."""

    def __init__(self, bootstrap: str, group: str, topic: str, per_s: float) -> None:
        self._pace_s = 1 / per_s
        self._consumer = Consumer({
            "bootstrap.servers": bootstrap, "group.id": group, "auto.offset.reset": "earliest",
            "enable.auto.offset.store": False, "auto.commit.interval.ms": 100, "fetch.wait.max.ms": 20,
            "session.timeout.ms": 6000, **SOON,
        })  # fmt: skip
        self._consumer.subscribe([topic])
        self._again: list[tuple[float, TopicPartition]] = []  # partitions that wait for their retry
        self._free_s = time.monotonic()  # when the work taken on so far is done

    def run(self, ready: Path, stopped: threading.Event) -> None:
        """Handle messages until told to stop."""
        while not stopped.is_set():
            message = self._consumer.poll(0.05)
            if not ready.exists() and self._consumer.assignment():
                ready.touch()
            self._retry()
            if message is not None and message.error() is None:
                self._handle(message, stopped)
        self._consumer.close()

    def _handle(self, message: Message, stopped: threading.Event) -> None:
        place = TopicPartition(message.topic() or "", message.partition() or 0, message.offset() or 0)
        if message.value() == POISON:
            self._consumer.pause([place])
            self._again.append((time.monotonic() + RETRY_S, place))
            return
        self._free_s = max(self._free_s, time.monotonic() - 0.1) + self._pace_s
        stopped.wait(max(0.0, self._free_s - time.monotonic()))
        self._consumer.store_offsets(message=message)

    def _retry(self) -> None:
        """Go back to what failed; it fails again."""
        now_s = time.monotonic()
        for at_s, place in [each for each in self._again if each[0] <= now_s]:
            self._again.remove((at_s, place))
            self._consumer.seek(place)
            self._consumer.resume([place])


def main() -> None:
    """Produce or consume until SIGTERM."""
    parser = argparse.ArgumentParser(
        prog="python -m services.shop.lag.paced", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("role", choices=["produce", "consume"])
    parser.add_argument("--bootstrap", required=True)
    parser.add_argument("--ready", type=Path, required=True, help="made when it is ready")
    parser.add_argument("--plans", type=json.loads, default=[])
    parser.add_argument("--group")
    parser.add_argument("--topic")
    parser.add_argument("--per-s", type=float, default=50.0)
    asked = parser.parse_args()
    stopped = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopped.set())
    if asked.role == "produce":
        produce(asked.bootstrap, asked.plans, asked.ready, stopped)
    else:
        Paced(asked.bootstrap, asked.group, asked.topic, asked.per_s).run(asked.ready, stopped)


if __name__ == "__main__":
    main()
