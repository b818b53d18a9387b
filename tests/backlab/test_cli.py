"""The command line explains itself, exits with 0, 1 or 2, and stops at once when told to."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
from click import Context

from backlab import cli
from backlab.course import Place
from services import ready


def backlab(*arguments: str, **options) -> subprocess.CompletedProcess[str]:
    """Run the command line as a shell would."""
    argv = [sys.executable, "-m", "backlab.cli", *arguments]
    return subprocess.run(argv, capture_output=True, text=True, timeout=120, **options)


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_each_command_has_help_with_an_example(name):
    """And its first sentence agrees with what the overview says of it."""
    command = cli.group.get_command(Context(cli.group), name)
    text = command.get_help(Context(command))
    assert f"Example: backlab {name}" in text
    assert command.help.strip()


def test_the_overview_lists_every_command_without_loading_any():
    """`backlab --help` stays quick however many commands there are."""
    code = (
        "import sys; from backlab import cli\n"
        "try: cli.main(['--help'])\n"
        "except SystemExit: pass\n"
        "assert not [m for m in sys.modules if m.startswith('backlab.commands')]\n"
        "assert not {'pandas', 'numpy', 'matplotlib', 'nbclient', 'jupytext'} & set(sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert all(f"  {name}" in done.stdout for name in cli.COMMANDS)


def test_a_wrong_lab_is_one_sentence_and_exit_code_2(tiny: Place):
    """No traceback; the sentence names labs near it."""
    done = backlab("run", "9.7")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "backlab: there is no lab '9.7'; near it are 9.1; `backlab labs` lists all\n"


def test_labs_are_listed_for_people_and_for_machines(tiny: Place):
    """With their question, and how to build what is missing."""
    said = backlab("labs").stdout
    assert said.startswith("9.1  How many steps does one sum take?\n     no server; not started\n")
    assert "not there: backlab build 9.1" in said
    (row,) = json.loads(backlab("labs", "--json").stdout)
    assert (row["id"], row["built"]) == ("9.1", False)


def test_build_check_run_and_prove_work_together(tiny: Place):
    """Build; no drift; run as shipped with a red check, a finding and a picture; prove."""
    assert backlab("build", "9.1").stdout.startswith("built lab 9.1 in ")
    assert backlab("build", "--all", "--check").stdout == "lab 9.1: agrees\n"
    run = backlab("run", "9.1")
    assert run.returncode == 0, run.stderr
    assert run.stderr == ""
    for line in (
        "lab 9.1  How many steps does one sum take?",
        "  100 numbers take 100 steps",
        "  Only adding one by one climbs\n    out/9.1/1.png",
        "  1 of 2 checks are red, as shipped: repairing them is the exercise",
        "  next: make open",
    ):
        assert line in run.stdout
    assert (tiny.learner.parents[2] / "out/9.1/1.png").read_bytes().startswith(b"\x89PNG")
    result = json.loads(backlab("run", "9.1", "--json").stdout)
    assert result["findings"] == ["100 numbers take 100 steps"]
    proof = json.loads(backlab("prove", "9.1", "--json").stdout)
    assert [row["holds"] for row in proof] == [True] * 5


def test_ctrl_c_ends_a_run_with_one_line_and_no_process(tiny: Place, built_once: Path):
    """Exit code 130; the kernel, which was in the middle of a cell, is gone as well."""
    shutil.copytree(built_once, tiny.learner.parents[1], dirs_exist_ok=True)
    text = tiny.learner.read_text()
    slow = "from pathlib import Path; Path('began').touch(); import time; time.sleep(60)"
    tiny.learner.write_text(text.replace('steps = {\\"taken\\": 0}', slow))
    argv = [sys.executable, "-m", "backlab.cli", "run", "9.1"]
    run = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    ready.until(lambda: (tiny.learner.parent / "began").stat(), within_s=60)
    kernel = psutil.Process(run.pid).children()[0]
    run.send_signal(signal.SIGINT)
    _, stderr = run.communicate(timeout=30)
    assert (run.returncode, stderr.strip()) == (130, "stopped; nothing is left running")
    assert not kernel.is_running()


def test_doctor_names_the_labs_that_run_with_each_server():
    """As the labs' sources name them."""
    found = {one["name"]: one for one in json.loads(backlab("doctor", "--json").stdout)}
    assert "4.2" in found["postgres"]["labs"]
    assert found["python"]["labs"] == []


def test_doctor_says_what_is_wrong_before_anything_starts():
    """A wrong back end is told with what to do, and the exit code is 2."""
    done = backlab("doctor", env={**os.environ, "BACKLAB_BACKEND": "vmware"})
    assert done.returncode == 2
    assert "BACKLAB_BACKEND is 'vmware', which is no back end" in done.stdout
    assert backlab("doctor", env={**os.environ, "BACKLAB_BACKEND": "native"}).returncode == 0


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"BACKLAB_BACKEND": "vmware"}, "use `native` or `container`"),
        (
            {"BACKLAB_BACKEND": "container", "DOCKER_HOST": "unix:///no/such/socket"},
            "no Docker engine answers",
        ),
        ({"BACKLAB_BACKEND": "native", "BACKLAB_POSTGRES": "/no/such/place"}, "BACKLAB_POSTGRES"),
    ],
)
def test_a_lab_that_cannot_start_says_why_in_one_sentence(variables: dict[str, str], said: str):
    """No stack, no cell number: what happened, what to do next, and exit code 2."""
    done = backlab("run", "4.2", env={**os.environ, **variables})
    assert done.returncode == 2
    assert said in done.stderr
    assert done.stderr.startswith("backlab: ")
    assert done.stderr.count("\n") == 1
