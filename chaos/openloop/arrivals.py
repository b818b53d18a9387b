"""When requests are due: at a constant rate, at random like strangers' (Poisson), or as a trace says."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from services.errors import BacklabError

MOST = 20_000_000  # requests of one run: 40 bytes each, and more than eight minutes at 40,000 a second
KINDS = ("poisson", "constant")


def due_s(kind: str, rate: float, seconds: float, seed: int) -> np.ndarray:
    """Rising times in seconds, the first at or after 0 and all before `seconds`; same seed, same times."""
    _refuse_nonsense(kind, rate, seconds)
    if kind == "constant":
        return np.arange(math.ceil(rate * seconds - 1e-9)) / rate
    return _poisson(rate, seconds, np.random.default_rng(seed))


def _poisson(rate: float, seconds: float, random: np.random.Generator) -> np.ndarray:
    """Independent exponential gaps; so many at a time that one more helping is rarely needed."""
    helping = int(rate * seconds + 4 * math.sqrt(rate * seconds)) + 16
    times = np.cumsum(random.exponential(1 / rate, helping))
    while times[-1] < seconds:
        times = np.concatenate([times, times[-1] + np.cumsum(random.exponential(1 / rate, helping))])
    return times[times < seconds]


def trace(times_s: Sequence[float] | np.ndarray) -> np.ndarray:
    """The times of a recorded trace, sorted; they begin where the trace begins."""
    try:
        times = np.sort(np.asarray(times_s, dtype=float))
    except (TypeError, ValueError) as error:
        raise BacklabError(
            f"the trace is no list of seconds ({error})", "give one number per request"
        ) from None
    if times.ndim != 1 or not len(times) or not np.isfinite(times).all() or times[0] < 0:
        raise BacklabError(
            "the trace is no list of finite seconds from 0 on", "give at least one number and none below 0"
        )
    return times


def trace_file(path: Path) -> np.ndarray:
    """A trace from a file with one time in seconds a line; empty lines and those after # are skipped."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as refusal:
        raise BacklabError(f"the trace {path} cannot be read ({refusal})", "name a text file") from None
    times = []
    for number, line in enumerate(lines, 1):
        text = line.partition("#")[0].strip()
        if text:
            try:
                times.append(float(text))
            except ValueError:
                raise BacklabError(
                    f"line {number} of the trace {path} is {line!r}, which is no number of seconds",
                    "write one time a line",
                ) from None
    return trace(times)


def _refuse_nonsense(kind: str, rate: float, seconds: float) -> None:
    if kind not in KINDS:
        raise BacklabError(
            f"no arrivals are called {kind!r}", f"choose {' or '.join(KINDS)}, or give a trace"
        )
    if not (0 < rate < math.inf and 0 < seconds < math.inf):
        raise BacklabError(
            f"there is nothing to send with {rate:g} requests/s for {seconds:g} s", "give both above 0"
        )
    if rate * seconds > MOST:
        raise BacklabError(
            f"{rate:g} requests/s for {seconds:g} s are more than {MOST:,} requests", "ask for a shorter run"
        )
