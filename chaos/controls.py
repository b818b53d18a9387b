"""A Chaos Toolkit control that sets the stage before an experiment and takes it down after it.

    controls: [{name: stage, provider: {type: python, module: chaos.controls}}]

So plain `chaos run` works in a shell on a machine where no server runs; `chaos/stage.py` says what the
configuration may ask for. The receipts of all faults go into the journal as `faults`, and where one touched
nothing, the journal says `inconclusive` and why. What the screens saw goes to the file named by
BACKLAB_RECORD, if there is one, while it happens.
"""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Any

from chaoslib.exceptions import InterruptExecution
from chaoslib.types import Configuration, Experiment, Journal

from chaos import theatre
from chaos.stage import Plan
from services.errors import BacklabError

log = logging.getLogger("chaostoolkit")


def before_experiment_control(context: Experiment, configuration: Configuration, **extra: Any) -> None:
    """Start the servers and the screens that the experiment's configuration asks for."""
    record = os.environ.get("BACKLAB_RECORD")
    try:
        theatre.curtain_up(Plan.of(configuration), Path(record) if record else None)
    except BacklabError as why:
        raise InterruptExecution(str(why)) from why


def after_experiment_control(context: Experiment, state: Journal, **extra: Any) -> None:
    """Lift what is still on and take everything down, however the experiment ended."""
    windows = theatre.curtain_down()
    if not isinstance(state, dict):
        return
    state["faults"] = [
        {"name": w.name, "from_s": w.from_s, "to_s": w.to_s, "touched": w.touched, "receipts": w.receipts}
        for w in windows
    ]
    idle = [window.name for window in windows if not window.touched]
    if idle:
        state["inconclusive"] = f"touched nothing: {', '.join(idle)}"
        log.error(f"INCONCLUSIVE: a fault that touched nothing proves nothing ({', '.join(idle)})")
