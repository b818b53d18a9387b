"""A Chaos Toolkit control that sets the stage before an experiment and takes it down after it.

    controls: [{name: stage, provider: {type: python, module: chaos.controls}}]

So plain `chaos run` works in a shell on a machine where no server runs. What the screens saw goes to the
file named by BACKLAB_RECORD, if there is one.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from chaoslib.exceptions import InterruptExecution
from chaoslib.types import Configuration, Experiment, Journal

from chaos import theatre
from services.errors import BacklabError


def before_experiment_control(context: Experiment, configuration: Configuration, **extra: Any) -> None:
    """Start the servers and the screens that the experiment's configuration asks for."""
    try:
        theatre.curtain_up(
            page=configuration["page"],
            screens=int(configuration["screens"]),
            period_s=float(configuration["period_s"]),
        )
    except BacklabError as why:
        raise InterruptExecution(str(why)) from why


def after_experiment_control(context: Experiment, state: Journal, **extra: Any) -> None:
    """Lift what is still on and take everything down, however the experiment ended."""
    record = os.environ.get("BACKLAB_RECORD")
    theatre.curtain_down(Path(record) if record else None)
