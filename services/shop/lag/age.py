"""How old the oldest message is that a group has not handled yet, from samples of offsets alone.

samples of one topic ──▶ when did the end of the log pass the next message? ──▶ seconds since then
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

Row = dict[str, Any]  # t_s, partition, start, position (None: nothing committed), next (None: nothing), end


def ages_s(samples: Sequence[Row]) -> list[float | None]:
    """Seconds by partition at the last sample; None where the group has not committed anything yet."""
    histories: dict[int, list[Row]] = {}
    for sample in samples:
        histories.setdefault(sample["partition"], []).append(sample)
    return [_age_s(histories[partition]) for partition in sorted(histories)]


def _age_s(history: Sequence[Row]) -> float | None:
    now = history[-1]
    if now["position"] is None:
        return None
    if now["next"] is None:
        return 0.0
    return float(now["t_s"] - arrived_s(history, max(now["next"], now["start"])))


def arrived_s(history: Sequence[Row], offset: int) -> float:
    """When the log's end went past `offset`, on a straight line between two samples; or the first of all."""
    before = history[0]
    for after in history:
        if after["end"] > offset:
            gain = after["end"] - before["end"]
            share = (offset + 1 - before["end"]) / gain if gain > 0 else 0.0
            return float(before["t_s"] + max(0.0, share) * (after["t_s"] - before["t_s"]))
        before = after
    return float(before["t_s"])
