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

    `labs/fresh`, from which `backlab update` takes what is new, is no work of theirs: it is the course's.
    """
    labs.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    for notebook in sorted((COURSE / "labs").glob("m*/*.ipynb")):
        own = labs / notebook.relative_to(COURSE / "labs")
        if not own.exists():
            own.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(notebook, own)
    if (COURSE / "labs/fresh").is_dir():
        shutil.copytree(COURSE / "labs/fresh", labs / "fresh", dirs_exist_ok=True)


if __name__ == "__main__":
    hand_out(Path(os.environ["BACKLAB_LABS"]))
    os.execv(
        Path(sys.executable).with_name("jupyterhub-singleuser"), ["jupyterhub-singleuser", *sys.argv[1:]]
    )
