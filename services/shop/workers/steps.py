"""Named places in a worker where an experiment may let it die, or freeze: `CRASH_AT=commit_offset:3`.

step("commit_offset")        at the third time, the process kills itself here, as a power cut would
                             (with PAUSE_AT it stops as by SIGSTOP, and goes on when it is told to)
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

CRASH, PAUSE = "CRASH_AT", "PAUSE_AT"
SIGNALS = {CRASH: signal.SIGKILL, PAUSE: signal.SIGSTOP}

_reached: Counter[str] = Counter()


def step(name: str) -> None:
    """The worker is about to do what `name` says."""
    _reached[name] += 1
    for variable, number in SIGNALS.items():
        if os.environ.get(variable) == f"{name}:{_reached[name]}":
            os.kill(os.getpid(), number)


def must_be_one_of(steps: tuple[str, ...]) -> None:
    """Raise `BacklabError` if a variable names a place that this worker lacks: nothing would happen."""
    for variable in SIGNALS:
        asked = os.environ.get(variable, "")
        found = re.fullmatch(r"(\w+):[1-9]\d*", asked)
        if asked and (found is None or found[1] not in steps):
            what = f"{variable}={asked!r} names no step of this worker"
            raise BacklabError(what, f"write <step>:<n> with n from 1 and one of {', '.join(steps)}")
