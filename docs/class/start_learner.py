"""Starts one learner's JupyterLab, as that learner: own copies of the labs first, then JupyterHub's part.

course/labs (shared, read-only) -> ~/backlab/labs (what is not there yet, nothing is overwritten) -> exec
"""

import os
import shutil
import sys
from pathlib import Path

COURSE = Path(__file__).resolve().parents[2]


def hand_out(labs: Path) -> None:
    """Copy each notebook that the learner does not have; nobody else may look into the folder.

    `labs/fresh` is the course's: it says which labs there are, and `backlab update` takes the new from it.
    """
    labs.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    released = COURSE / "labs/fresh"
    given = released if released.is_dir() else COURSE / "labs"
    for notebook in sorted(given.glob("m*/*.ipynb")):
        own, fresh = (place / notebook.relative_to(given) for place in (labs, labs / "fresh"))
        for copy in [fresh] if own.exists() else [own, fresh]:
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(notebook, copy)


if __name__ == "__main__":
    hand_out(Path(os.environ["BACKLAB_LABS"]))
    os.execv(
        Path(sys.executable).with_name("jupyterhub-singleuser"), ["jupyterhub-singleuser", *sys.argv[1:]]
    )
