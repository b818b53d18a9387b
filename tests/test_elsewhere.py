"""A lab away from JupyterLab: nbconvert, papermill, VS Code's notebooks, a devcontainer, Binder."""

from __future__ import annotations

import itertools
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import nbformat
import pytest
import yaml

from backlab import course
from services import kinds, ports, ready
from tests import house, kernels

BIN = Path(sys.executable).parent
LAB = course.lab("4.2")
JUPYTERLAB = "services/images/jupyterlab/Dockerfile"
WITHIN_S = 240
# what a front end without our widgets, or without any, can show
PLAIN = {"text/plain", "text/html", "image/png", "text/markdown"}
# two things that are rewritten in place in one cell: a bar, and a plot whose title changes
GROWS = """
import time
from backlab import live, measure, plot
draw = lambda rows: plot.bars(rows, title=f"{len(rows)} calls")
measure({"a": lambda _: time.sleep(0.05)}, repeat=30, live=live(draw))
"""
JSON_WITH_COMMENTS = re.compile(r"^\s*//.*$", re.M)


def outputs(notebook: Path) -> Iterator[tuple[set[str], Any]]:
    """Each output of a notebook with the tags of its cell."""
    for cell in nbformat.read(notebook, as_version=4).cells:
        for output in cell.get("outputs", ()):
            yield set(cell.metadata.get("tags", ())), output


def said(notebook: Path) -> str:
    """Everything that a notebook printed."""
    return "".join(output.get("text", "") for _, output in outputs(notebook))


def typed(*command: str) -> None:
    """A command at the root of the repository, as the README shows it."""
    argv = [str(BIN / command[0]), *command[1:]]
    env = {**os.environ, "BACKLAB_BACKEND": "native"}
    done = subprocess.run(argv, cwd=house.ROOT, env=env, capture_output=True, text=True, timeout=WITHIN_S)
    assert done.returncode == 0, done.stderr[-2000:]


@pytest.mark.long
def test_nbconvert_executes_a_lab_from_top_to_bottom(tmp_path: Path) -> None:
    """No error in it, its checks red where the exercises are open, its figures there, nothing left over."""
    typed(
        "jupyter", "nbconvert", "--to", "notebook", "--execute", "--output-dir", str(tmp_path), LAB.relative
    )
    made = tmp_path / LAB.learner.name
    assert not [output for _, output in outputs(made) if output.output_type == "error"]
    assert {"PASS 4.2.b", "FAIL 4.2.a"} <= set(re.findall(r"(?:PASS|FAIL) 4\.2\.[a-e]", said(made)))
    assert sum("image/png" in output.get("data", {}) for _, output in outputs(made)) >= 3
    assert "nothing left running" in said(made)


@pytest.mark.long
def test_papermill_runs_a_lab_with_other_parameters(tmp_path: Path) -> None:
    """Another shop and fewer pages, by `-p` and `-y`: other counts than those that are stored."""
    made = tmp_path / "other.ipynb"
    typed("papermill", "-p", "data_seed", "7", "-y", "{page_sizes: [1, 10, 200], visits: [4, 3, 5, 4, 2, 6]}",
          "--cwd", str(LAB.learner.parent), LAB.relative, str(made))  # fmt: skip
    assert "seed 7" in said(made)
    assert "nothing left running" in said(made)
    assert said(made).count("questions; loaded well") == 1


@pytest.mark.parametrize("lab", course.labs(), ids=lambda place: place.id)
def test_every_output_has_a_plain_form(lab: course.Place) -> None:
    """VS Code and GitHub know neither our types nor JupyterLab's: each has text or a picture as well."""
    shown = [set(output.data) for _, output in outputs(lab.learner) if "data" in output]
    assert shown
    assert all(kinds & PLAIN for kinds in shown)


@pytest.mark.parametrize("lab", course.labs(), ids=lambda place: place.id)
def test_the_first_import_that_another_python_lacks_says_which_one_to_choose(lab: course.Place) -> None:
    """A notebook program shows that line in the ModuleNotFoundError of whoever has chosen another kernel."""
    code = "\n".join(cell.source for cell in nbformat.read(lab.learner, as_version=4).cells[:4])
    imports = re.findall(r"^(?:import|from) (\w+)(.*)$", code, re.M)
    first = next(rest for module, rest in imports if module not in sys.stdlib_module_names)
    assert "choose the course's Python, .venv, as kernel" in first


def test_what_is_rewritten_in_place_keeps_its_metadata_or_changes_its_forms() -> None:
    """Else VS Code's Jupyter (2026.6.1) writes the whole cell anew from an old copy, and a figure is lost."""
    shown: dict[str, list[tuple[Any, int]]] = {}

    def see(message: dict[str, Any]) -> None:
        content = message["content"]
        if display := content.get("transient", {}).get("display_id"):
            shown.setdefault(display, []).append((content["metadata"], len(content["data"])))

    with kernels.kernel(cwd=str(house.ROOT)) as (_, client):
        reply = client.execute_interactive(GROWS, timeout=WITHIN_S, output_hook=see)
    assert reply["content"]["status"] == "ok", reply
    assert len(shown) == 2
    for states in shown.values():
        assert len(states) > 2
        for (before, forms), (after, forms_after) in itertools.pairwise(states):
            assert before == after or forms != forms_after


@pytest.mark.parametrize("lab", course.labs(), ids=lambda place: place.id)
def test_a_front_end_finds_a_kernel_by_the_name_that_every_environment_has(lab: course.Place) -> None:
    """`python3`: what VS Code, nbconvert and papermill look for; and the notebook keeps to its own format."""
    notebook = nbformat.read(lab.learner, as_version=4)
    nbformat.validate(notebook)
    assert notebook.metadata.kernelspec.name == "python3"
    assert notebook.metadata.language_info.name == "python"


def test_the_devcontainer_is_whole() -> None:
    """Valid, set up by our own chore, with the environment's Python and enough memory for a lab."""
    text = (house.ROOT / ".devcontainer/devcontainer.json").read_text()
    described = json.loads(JSON_WITH_COMMENTS.sub("", text))
    assert described["postCreateCommand"] == "make setup"
    assert described["customizations"]["vscode"]["settings"]["python.defaultInterpreterPath"].endswith(
        "/.venv/bin/python"
    )
    assert int(described["hostRequirements"]["memory"].removesuffix("gb")) >= 2


@pytest.mark.parametrize(
    "place", [".devcontainer/devcontainer.json", "binder/apt.txt", JUPYTERLAB, "docs/class.md"]
)
def test_an_environment_brings_the_servers_that_no_wheel_has(place: str) -> None:
    """Else the course page says "lacks memcached" to whoever came by that way."""
    kinds_of_labs = {kinds.find(kind) for lab in course.labs() for kind in lab.servers}
    wanted = {kind.programs.apt for kind in kinds_of_labs if kind.programs and not kind.programs.package}
    assert {"memcached", "prometheus"} <= wanted
    assert wanted <= set(re.findall(r"[\w-]+", (house.ROOT / place).read_text()))


def test_binder_s_jupyter_has_the_course_page(tmp_path: Path) -> None:
    """Its start script hands on to whatever Binder starts, with settings that switch our extension on."""
    free = ports.reserve()
    free.close()
    address = f"http://127.0.0.1:{free.port}/backlab?token=binders"
    argv = [house.ROOT / "binder/start", "jupyter", "server", "--no-browser", "--allow-root"]
    argv += [f"--port={free.port}", "--port-retries=0", "--IdentityProvider.token=binders"]
    env = {**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}", "BACKLAB_DIARY": str(tmp_path / "diary.json")}
    with subprocess.Popen(argv, cwd=house.ROOT, env=env, stderr=subprocess.DEVNULL) as server:
        try:
            ready.until(
                lambda: httpx.get(address).raise_for_status(), within_s=30, not_yet=(httpx.TransportError,)
            )
            assert LAB.title in httpx.get(address).text
        finally:
            server.terminate()


def test_binder_takes_locked_wheels_only() -> None:
    """Its builder has neither our compilers nor our patience; conda's file names the same lock."""
    folder = house.ROOT / "binder"
    assert (folder / "requirements.txt").read_text().split() == [
        "--only-binary=:all:", "-r", "../requirements.lock"]  # fmt: skip
    assert (folder / "runtime.txt").read_text().startswith("python-3.1")
    subprocess.run(["sh", "-n", str(folder / "postBuild")], check=True)
    assert all(os.access(folder / script, os.X_OK) for script in ("postBuild", "start"))
    assert "requirements.lock" in str(yaml.safe_load((house.ROOT / "environment.yml").read_text()))
