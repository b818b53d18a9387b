"""The bench: the names that a lab imports, and nothing else of ours.

up / bench      start real servers        measure    run arms in turn, one row per call
predict         guess before looking      interval   medians with their uncertainty
check           one PASS or FAIL line     interleave every schedule of short step lists
progress, live  see that it is working    plot       one look for every figure
experiment      Chaos Toolkit, outside    load       Locust, outside
open_loop       requests on a schedule    watch      what servers use meanwhile
"""

from types import ModuleType

from backlab.bench import bench, up
from backlab.check import check
from backlab.interleaving.interleave import interleave
from backlab.learning.predict import predict
from backlab.live import live
from backlab.measure import measure
from backlab.progress import progress
from backlab.stats import interval
from backlab.stress.experiment import experiment
from backlab.stress.load import load
from backlab.stress.open_loop import open_loop
from backlab.stress.watch import watch

__all__ = [
    "bench",
    "check",
    "experiment",
    "interleave",
    "interval",
    "live",
    "load",
    "measure",
    "open_loop",
    "plot",
    "predict",
    "progress",
    "up",
    "watch",
]

# The modules behind these names import pandas, numpy and servers inside their functions, so that
# `import backlab` stays quick; `plot` needs matplotlib at once and is therefore loaded on first use.


def __getattr__(name: str) -> ModuleType:
    """Load `backlab.plot` the first time somebody asks for it."""
    if name == "plot":
        import importlib

        return importlib.import_module("backlab.plot")
    raise AttributeError(f"module 'backlab' has no attribute {name!r}")
