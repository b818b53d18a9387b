"""Who sits before this kernel: a learner in a notebook's front end, or a tool; and which lab it is.

Jupyter's server and VS Code tell a kernel the path of its notebook. nbclient, nbval and papermill do not,
and so neither do `backlab run`, `build`, `prove` and `grade`: what they run is never noted in a diary.
"""

from __future__ import annotations

import json
import os
from functools import cache
from pathlib import Path

from backlab import course
from backlab.progress import in_notebook
from services.errors import BacklabError

JUPYTER, VS_CODE = (
    "JPY_SESSION_NAME",
    "__vsc_ipynb_file__",
)  # a variable of the environment, one of the kernel
OWNER = "BACKLAB_KERNEL"  # the process that the environment speaks of; its children inherit the rest
TOOLS = ("BACKLAB_LAB", "PYTEST_VERSION")  # set by our own commands, and by pytest with nbval


def notebook() -> Path | None:
    """The notebook that a learner has opened with this kernel; None where a tool runs the code."""
    if not in_notebook() or any(name in os.environ for name in TOOLS):
        return None
    if os.environ.setdefault(OWNER, str(os.getpid())) != str(os.getpid()):
        return None  # a tool that was started from the learner's notebook
    from IPython import get_ipython

    named = os.environ.get(JUPYTER) or get_ipython().user_ns.get(VS_CODE)
    path = Path(named) if named else None
    return path if path is not None and path.suffix == ".ipynb" else None


def lab() -> str | None:
    """The id of the lab that a learner has opened with this kernel, also under another file's name."""
    path = notebook()
    return _lab_in(path) if path else None


@cache
def _lab_in(path: Path) -> str | None:
    """The lab that a notebook belongs to: it says so itself, or its name does."""
    try:
        said = json.loads(path.read_text(encoding="utf-8"))["metadata"]["backlab"]["lab"]
    except (OSError, ValueError, LookupError, TypeError):
        said = path.name
    try:
        return course.lab(str(said)).id
    except BacklabError:
        return None
