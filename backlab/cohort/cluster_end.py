"""Inside a Dask worker: desks of a run, as many as the worker has threads at work."""

from __future__ import annotations

import threading

from backlab.cohort.desk import Desks
from backlab.cohort.work import Work

_runs: dict[str, Desks] = {}  # desks that have had nothing to do for a while end by themselves
_lock = threading.Lock()


def grade(work: Work, run: str) -> str:
    """The report of a submission as JSON, from a desk of this worker; `run` names who is grading."""
    with _lock:
        desks = _runs.setdefault(run, Desks())
    return desks.grade(work)


def close(run: str) -> None:
    """End the desks of a run, whatever they do."""
    with _lock:
        desks = _runs.pop(run, None)
    if desks is not None:
        desks.close()
