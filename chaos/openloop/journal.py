"""What became of each request, in flat arrays: 40,000 a second leave no time for an object each."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Sequence

import numpy as np

NOT_YET, OK, FAILED, UNKNOWN = 0, 1, 2, 3
OUTCOMES = ("", "ok", "failed", "unknown")
NEVER = float("nan")


class Journal:
    """Times in seconds since the run began: `due`, `released` by us, `sent`, `ended`; then how it ended.

    `released` is when the generator got to the request, `sent` when a connection was free for it.
    """

    def __init__(self, due_s: np.ndarray, arms: int) -> None:
        self.arms = arms
        self.due = array("d", np.repeat(due_s, arms).tobytes())
        count = len(self.due)
        never = array("d", [NEVER]) * count
        self.released, self.sent, self.ended = never[:], never[:], never[:]
        self.outcome = bytearray(count)
        self.status = array("H", [0]) * count
        self.why = array("H", [0]) * count
        self.reasons: list[str] = [""]
        self.left = count

    def __len__(self) -> int:
        return len(self.due)

    def answered(self, number: int, now_s: float, status: int) -> None:
        """An answer came whole; from 400 on it is a refusal."""
        self.ended[number] = now_s
        self.status[number] = status
        self.outcome[number] = OK if status < 400 else FAILED
        self.left -= 1

    def gave_up(self, number: int, now_s: float, why: str, outcome: str) -> None:
        """No answer came, and none is waited for any more."""
        self.ended[number] = now_s
        self.outcome[number] = OUTCOMES.index(outcome)
        self.why[number] = self._reason(why)
        self.left -= 1

    def due_until(self, now_s: float) -> int:
        """How many requests were due before then."""
        return bisect_left(self.due, now_s)

    def cut(self, count: int) -> None:
        """Forget all but the first `count` requests, none of which is still open."""
        for column in (self.due, self.released, self.sent, self.ended, self.outcome, self.status, self.why):
            del column[count:]
        self.left = 0

    def _reason(self, why: str) -> int:
        if why not in self.reasons and len(self.reasons) < 1_000:
            self.reasons.append(why)
        return self.reasons.index(why) if why in self.reasons else 0

    def columns(self) -> dict[str, np.ndarray]:
        """All arrays as numpy's, without copying."""
        times = {name: np.frombuffer(getattr(self, name)) for name in ("due", "released", "sent", "ended")}
        codes = {name: np.frombuffer(getattr(self, name), np.uint16) for name in ("status", "why")}
        arm = np.tile(np.arange(self.arms, dtype=np.uint8), len(self) // self.arms)
        return {**times, **codes, "outcome": np.frombuffer(self.outcome, np.uint8), "arm": arm}

    def save(self, path: str, arms: Sequence[str], ops: Sequence[str], **facts: np.ndarray) -> None:
        """Write everything to one file of numpy's, for the bench."""
        with open(path, "wb") as file:
            np.savez(file, arms=arms, ops=ops, reasons=self.reasons, **self.columns(), **facts)  # type: ignore[arg-type]
