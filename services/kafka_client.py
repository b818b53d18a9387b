"""What every client of a lab's Kafka is told: come back soon after a kill, and do not complain about it."""

from __future__ import annotations

# The default waits up to 10 s before it tries again, and prints what may well be expected.
SOON: dict[str, str | int] = {
    "reconnect.backoff.ms": 20,
    "reconnect.backoff.max.ms": 500,
    "log_level": 2,
}
