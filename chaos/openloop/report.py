"""What a run found, as figures and as lines of text: each arm, the generator itself, the verdict."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from chaos.openloop import verdict
from chaos.openloop.journal import FAILED, OK, UNKNOWN
from chaos.openloop.verdict import Sample

HEAD = ("", "requests", "ok", "failed", "unknown", "requests/s", "p50 ms", "p95 ms", "p99 ms", "longest ms")


def figures(
    columns: dict[str, np.ndarray], samples: Sequence[Sample], arms: Sequence[str], rate: float
) -> dict[str, Any]:
    """Everything a reader asks first; latencies count from the intended start, timeouts with their wait."""
    late_ms = (columns["sent"] - columns["released"]) * 1e3
    waited = int((late_ms > 0.5).sum() + np.isnan(late_ms).sum())
    return {
        "verdict": "INCONCLUSIVE" if (why := verdict.reasons(samples, columns, rate)) else "ok",
        "reasons": why,
        "asked_per_s": rate,
        "cpu_share": max((sample.cpu_share for sample in samples), default=0.0),
        "slip_ms": max((sample.slip_ms for sample in samples), default=0.0),
        "waited_for_connection": waited,
        "arms": {arm: _arm(columns, place) for place, arm in enumerate(arms)},
    }


def _arm(columns: dict[str, np.ndarray], place: int) -> dict[str, float]:
    mine = columns["arm"] == place
    outcome, due, ended = columns["outcome"][mine], columns["due"][mine], columns["ended"][mine]
    waits = (ended - due)[(outcome == OK) | (outcome == UNKNOWN)] * 1e3
    middle, high, higher, most = np.percentile(waits, [50, 95, 99, 100]) if len(waits) else [np.nan] * 4
    counts = {name: int((outcome == code).sum()) for name, code in _CODES.items()}
    span_s = max(float(ended.max()) - float(due[0]), 1e-9)
    return {
        "requests": len(due),
        **counts,
        "per_s": counts["ok"] / span_s,
        **dict(
            zip(
                ("p50_ms", "p95_ms", "p99_ms", "longest_ms"),
                map(float, (middle, high, higher, most)),
                strict=True,
            )
        ),
    }


_CODES = {"ok": OK, "failed": FAILED, "unknown": UNKNOWN}


def text(found: dict[str, Any], errors: dict[str, int]) -> str:
    """The figures for people."""
    rows = [HEAD, *((arm, *map(_number, row.values())) for arm, row in found["arms"].items())]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEAD))]
    lines = ["  ".join(f"{cell:>{width}}" for cell, width in zip(row, widths, strict=True)) for row in rows]
    lines += [f"{count:,} times: {why}" for why, count in errors.items()]
    if found["waited_for_connection"]:
        lines.append(f"{found['waited_for_connection']:,} requests waited for a free connection")
    share, slip = found["cpu_share"], found["slip_ms"]
    lines.append(f"generator: at most {share:.0%} of a core, at most {slip:.1f} ms behind its schedule")
    if found["reasons"]:
        lines.append(f"INCONCLUSIVE: {'; '.join(found['reasons'])}")
    return "\n".join(lines)


def errors(columns: dict[str, np.ndarray], reasons: Sequence[str]) -> dict[str, int]:
    """How often each reason was given for an answer that did not come, or the status of a refusal."""
    codes, counts = np.unique(columns["why"], return_counts=True)
    found = {reasons[code]: int(n) for code, n in zip(codes, counts, strict=True) if code}
    statuses, counts = np.unique(columns["status"][columns["status"] >= 400], return_counts=True)
    return found | {f"answered {status}": int(n) for status, n in zip(statuses, counts, strict=True)}


def _number(value: float) -> str:
    return (
        "-" if value != value else f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:.2f}"
    )
