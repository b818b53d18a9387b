"""Named places in a worker where an experiment may let it die: `CRASH_AT=commit_offset:3`.

step("commit_offset")        at the third time, the process kills itself here, as a power cut would
consumer.commit(message)

A worker that survives each of its steps, at every n, survives a crash anywhere: between two steps nothing
happens that outlives the process.
"""

from __future__ import annotations

import os
import re
import signal
from collections import Counter

from services.errors import BacklabError

VARIABLE = "CRASH_AT"

_reached: Counter[str] = Counter()


def step(name: str) -> None:
    """The worker is about to do what `name` says."""
    _reached[name] += 1
    if os.environ.get(VARIABLE) == f"{name}:{_reached[name]}":
        os.kill(os.getpid(), signal.SIGKILL)


def must_be_one_of(steps: tuple[str, ...]) -> None:
    """Raise `BacklabError` if CRASH_AT names a place that this worker does not have: it would never die."""
    asked = os.environ.get(VARIABLE, "")
    found = re.fullmatch(r"(\w+):[1-9]\d*", asked)
    if asked and (found is None or found[1] not in steps):
        what = f"{VARIABLE}={asked!r} names no step of this worker"
        raise BacklabError(what, f"write <step>:<n> with n from 1 and one of {', '.join(steps)}")
