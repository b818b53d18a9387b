"""Experiment B: 1 to 6 consumers on three partitions with a backlog, while new messages come."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pandas as pd
from confluent_kafka import Consumer, Producer, TopicPartition

from backlab.plot import Card
from backlab.plot.card import COLOURS, INK, INKS
from services.kafka_client import SOON
from services.kafka_topics import Topics

PARTITIONS = 3


def share(consumers: int, partitions: int) -> float:
    """The share of all messages that the busiest consumer has, when partitions are alike and dealt out."""
    working = min(consumers, partitions)
    return -(-partitions // working) / partitions


def seconds_by_share(
    backlog: float, arrival_per_s: float, service_per_s: float, consumers: int, partitions: int
) -> float | None:
    """When the busiest consumer is done; None: never."""
    part = share(consumers, partitions)
    spare = service_per_s - part * arrival_per_s
    return part * backlog / spare if spare > 0 else None


def drained(
    bootstrap: str,
    consumers: int,
    backlog: int,
    arrival_per_s: float,
    service_per_s: float,
    seconds: float,
    suffix: str = "",
) -> pd.DataFrame:
    """Backlog over time: rows t_s, arm, backlog, until it is gone or the seconds are over."""
    topics = Topics(bootstrap)
    topic = topics.create(f"drain-{consumers}{suffix}", PARTITIONS)
    topics.fill(topic, [b"x"] * backlog)
    work = Work(bootstrap, topic, service_per_s, threading.Barrier(consumers + 1))
    dealt = [list(range(n, PARTITIONS, consumers)) for n in range(consumers)]
    threads = [threading.Thread(target=work.do, args=(mine,), daemon=True) for mine in dealt]
    for thread in threads:
        thread.start()
    work.ready.wait(15)
    rows = _watched(bootstrap, topic, backlog, arrival_per_s, seconds, work)
    work.stop.set()
    for thread in threads:
        thread.join(5)
    return pd.DataFrame(rows).assign(arm=f"{consumers} consumer" + "s" * (consumers > 1))


@dataclass
class Work:
    """What the consumers of one crew share; each `do` is one of them, on partitions of its own."""

    bootstrap: str
    topic: str
    service_per_s: float
    ready: threading.Barrier
    stop: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)
    handled: int = 0

    def do(self, mine: list[int]) -> None:
        """Handle at a pace until told to stop."""
        consumer = Consumer({
            "bootstrap.servers": self.bootstrap, "group.id": self.topic, "enable.auto.commit": False,
            "auto.offset.reset": "earliest", "fetch.wait.max.ms": 20, **SOON,
        })  # fmt: skip
        consumer.assign([TopicPartition(self.topic, number, 0) for number in mine])
        self.ready.wait(15)
        free_s = time.monotonic()
        while not self.stop.is_set():
            message = consumer.poll(0.05)
            if message is None or message.error() is not None:
                continue
            free_s = max(free_s, time.monotonic() - 0.1) + 1 / self.service_per_s
            self.stop.wait(max(0.0, free_s - time.monotonic()))
            with self.lock:
                self.handled += 1
        consumer.close()


def _watched(
    bootstrap: str, topic: str, backlog: int, arrival_per_s: float, seconds: float, work: Work
) -> list[dict[str, float]]:
    """Send what arrives and look at what is left, twenty times a second."""
    producer = Producer({"bootstrap.servers": bootstrap, **SOON})
    began_s, sent, rows = time.monotonic(), 0, []
    while (t_s := time.monotonic() - began_s) < seconds:
        while sent < arrival_per_s * t_s:
            producer.produce(topic, b"y", partition=sent % PARTITIONS)
            sent += 1
        producer.poll(0)
        left = backlog + sent - work.handled
        rows.append({"t_s": t_s, "backlog": left})
        if left <= 3:
            break
        time.sleep(0.05)
    producer.flush(2)
    return rows


def drain_all(
    bootstrap: str,
    crews: tuple[int, ...] = (1, 2, 3, 6),
    backlog: int = 160,
    arrival_per_s: float = 60,
    service_per_s: float = 100,
    seconds: float = 5,
    suffix: str = "",
) -> pd.DataFrame:
    """Every crew on a topic of its own, side by side; consumers beyond the partitions get nothing to do."""
    with ThreadPoolExecutor(len(crews)) as pool:
        runs = [
            pool.submit(drained, bootstrap, n, backlog, arrival_per_s, service_per_s, seconds, suffix)
            for n in crews
        ]
        rows = pd.concat([run.result() for run in runs], ignore_index=True)
    rows.attrs |= {"backlog": backlog, "arrival_per_s": arrival_per_s, "service_per_s": service_per_s}
    return rows


def curves(rows: pd.DataFrame, title: str) -> Card:
    """Backlog over time for each crew; the diamond is where the arithmetic says that it ends."""
    card = Card(title, height_in=2.8)
    card.colours = 32
    card.kind = "Line plot of backlogs that drain"
    ax = card.panels()[0]
    known = {key: float(rows.attrs[key]) for key in ("backlog", "arrival_per_s", "service_per_s")}
    for number, (arm, part) in enumerate(rows.groupby("arm", sort=False)):
        consumers = int(str(arm).split()[0])
        style = "--" if consumers > PARTITIONS else "-"
        ax.plot(part.t_s, part.backlog, style, color=COLOURS[number], lw=2.2, zorder=3)
        predicted = seconds_by_share(**known, consumers=consumers, partitions=PARTITIONS)
        if predicted is not None and predicted <= rows.t_s.max() * 1.1:
            ax.plot([predicted], [0], "D", mfc="none", mec=INK, ms=9, mew=1.5, clip_on=False, zorder=6)
        ended = float(part.t_s.iloc[-1])
        said = f"{arm}{' (dashed)' * (style == '--')}: {ended:.1f} s"
        place = (0.58, 0.93 - 0.13 * number)
        ax.text(*place, said, transform=ax.transAxes, color=INKS[number], fontweight="bold")
        card.facts.append(f"{arm}: {part.backlog.iloc[-1]:.0f} left after {ended:.1f} s.")
    ax.set_xlim(0, None)
    ax.set_ylim(0, None)
    ax.set_xlabel("seconds (diamonds: predicted end)")
    ax.set_title("messages still to do", loc="left", fontsize=9)
    return card
