"""The files of docs/class: what JupyterHub's configuration refuses, what Kubernetes' values share with it."""

from __future__ import annotations

import os
import re
import runpy
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from backlab import course
from tests import house

FOLDER = house.ROOT / "docs/class"


def start(state: Path, user: int | None = None, **env: str) -> tuple[int, str]:
    """Exit code and words of JupyterHub under our configuration, which must refuse to start."""
    command = [sys.executable, "-m", "jupyterhub", "--config", str(FOLDER / "jupyterhub_config.py")]
    done = subprocess.run(command, env={**os.environ, "BACKLAB_CLASS_STATE": str(state), **env}, cwd=state,
                          capture_output=True, text=True, timeout=60, user=user, check=False)  # fmt: skip
    return done.returncode, done.stderr.strip().splitlines()[-1]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root starts JupyterLab as other users")
def test_a_machine_without_the_group_of_learners_is_told_how_to_make_it(tmp_path: Path) -> None:
    """Else the Hub would run, and answer every password with "Invalid"."""
    code, words = start(tmp_path, BACKLAB_CLASS_GROUP="nosuchgroup")
    assert code == 2
    assert words == (
        "backlab: there is no group `nosuchgroup`, so nobody could sign in; make it: groupadd nosuchgroup"
    )


@pytest.mark.skipif(os.geteuid() == 0, reason="root signs learners in by their accounts")
def test_a_trial_needs_a_password(tmp_path: Path) -> None:
    """Anybody on the machine could sign in otherwise."""
    code, words = start(tmp_path, BACKLAB_CLASS_PASSWORD="short")
    assert code == 2
    assert words.endswith("set BACKLAB_CLASS_PASSWORD (8 characters)")


def test_a_learner_gets_each_lab_once_and_the_course_page_knows_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From this repository, too, which has sources instead of `labs/fresh`; what a learner wrote stays."""
    ours = [place.id for place in course.labs()]
    monkeypatch.setenv("BACKLAB_LABS", str(tmp_path / "own/labs"))
    hand_out = runpy.run_path(str(FOLDER / "start_learner.py"))["hand_out"]
    hand_out(course.root())
    assert [place.id for place in course.labs()] == ours
    written = course.lab("4.2").learner
    written.write_text("what a learner wrote")
    hand_out(course.root())
    assert written.read_text() == "what a learner wrote"
    assert course.lab("4.2").title == "How many questions does one page ask?"


def test_kubernetes_gets_the_same_settings_and_the_image_s_own_paths() -> None:
    """The values were not run; what they name must at least be there."""
    values = yaml.safe_load((FOLDER / "zero-to-jupyterhub.yaml").read_text())
    ours = set(re.findall(r'^    "([A-Z_]+)":', (FOLDER / "jupyterhub_config.py").read_text(), re.M)) - {
        "PATH"
    }
    assert set(values["singleuser"]["extraEnv"]) == ours
    inside = house.CONTAINER_HOME + "/backlab/"
    named = [*values["singleuser"]["cmd"][1:], values["singleuser"]["extraEnv"]["JUPYTER_CONFIG_PATH"]]
    assert all((house.ROOT / path.removeprefix(inside)).exists() for path in named)
    assert (
        f"useradd --create-home --uid ${{USER_ID}} {Path(house.CONTAINER_HOME).name}"
        in (house.ROOT / "services/images/jupyterlab/Dockerfile").read_text()
    )
