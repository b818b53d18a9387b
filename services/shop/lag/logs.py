"""When each message of a log came, by its own timestamp: the truth that samples of offsets only estimate."""

from __future__ import annotations

from services.kafka_topics import Topics


def came_ms(topics: Topics, topic: str, began_unix_s: float) -> list[list[int | None]]:
    """When each message was appended, by partition and offset; None where there is no message."""
    messages, ends = topics.read(topic), topics.ends(topic)  # in this order: somebody may still be writing
    found: list[list[int | None]] = [[None] * ends[number] for number in sorted(ends)]
    for message in messages:
        at = round(message.timestamp()[1] - began_unix_s * 1000)
        found[message.partition() or 0][message.offset() or 0] = at
    return found
