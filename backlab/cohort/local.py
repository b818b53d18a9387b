"""A cohort on this machine: as many desks as its cores and memory allow.

works --threads, one for each job--> desks --> (number of the work, report as JSON), as they come
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from functools import partial
from pathlib import Path

from backlab.cohort.desk import Desks
from backlab.cohort.work import Tell, Work

JOB_BYTES = 2 << 30  # the budget of a lab
CONTROL_GROUP = Path("/sys/fs/cgroup/memory.max")  # what a container may use


def jobs_here() -> int:
    """Submissions at a time on this machine: one for each core, with 2 GiB of free memory for each."""
    import psutil

    free = psutil.virtual_memory().available
    with contextlib.suppress(OSError, ValueError):  # there is no such group, or its limit is "max"
        free = min(free, int(CONTROL_GROUP.read_text()) - psutil.Process().memory_info().rss)
    return max(1, min(cores(), free // JOB_BYTES))


def cores() -> int:
    """The cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def on_this_machine(works: Mapping[int, Work], jobs: int, tell: Tell) -> Iterator[tuple[int, str]]:
    """Grade works, `jobs` at a time, and yield each number with its report as it comes.

    Whoever stops iterating, by Ctrl-C too, stops all desks; reports that were yielded are whole.
    """
    desks = Desks()
    threads = ThreadPoolExecutor(min(jobs, len(works)) or 1, thread_name_prefix="desk")
    try:
        futures = {threads.submit(desks.grade, work, partial(_named, tell, work)): number
                   for number, work in works.items()}  # fmt: skip
        for future in as_completed(futures):
            yield futures[future], future.result()
    finally:
        threads.shutdown(wait=False, cancel_futures=True)
        desks.close()
        threads.shutdown()


def _named(tell: Tell, work: Work, stage: str) -> None:
    tell(f"{work.learner}: {stage}")
