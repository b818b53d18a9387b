"""Kernels that are forked instead of started are kernels all the same, and go with their parent."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from backlab.authoring.kernel import Event, execute
from backlab.authoring.kernel_fork import Parent, parent_for
from backlab.authoring.source import read
from backlab.course import Place
from services import ready
from services.errors import BacklabError


@pytest.fixture
def parent(tiny: Place) -> Iterator[Parent]:
    """The parent of lab 9.1's kernels."""
    with parent_for(read(tiny)) as made:
        if made is None:
            pytest.skip("kernels are started on this system")
        yield made


def run(parent: Parent | None, folder: Path, *sources: str, **options: Any) -> str:
    """What the last cell printed."""
    import nbformat

    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in sources])
    execute(notebook, folder, parent=parent, **options)
    return "".join(output.get("text", "") for output in notebook.cells[-1].outputs).strip()


def test_a_forked_kernel_finds_its_folder_environment_and_notebook(parent: Parent, tmp_path: Path) -> None:
    """And what was imported already, but nobody's names."""
    code = "import os, sys; from backlab.progress import in_notebook\n"
    code += "there = 'chaos.client' in sys.modules, 'check' in dir()\n"
    code += "print(os.getcwd(), os.environ['WHO'], in_notebook(), *there)"
    said = run(parent, tmp_path, code, environment={"WHO": "ada"})
    assert said == f"{tmp_path} ada True True False"


@pytest.mark.parametrize("forked", [True, False])
def test_no_kernel_can_lose_a_port_to_somebody_else(parent: Parent, tmp_path: Path, forked: bool) -> None:
    """It has none: it listens at names that nobody else can choose."""
    code = "from ipykernel import get_connection_info; print(get_connection_info(unpack=True)['transport'])"
    assert run(parent if forked else None, tmp_path, code) == "ipc"


def test_what_one_forked_kernel_does_the_next_one_does_not_meet(parent: Parent, tmp_path: Path) -> None:
    """Each variant of a lab starts from the same."""
    run(parent, tmp_path, "import backlab, os; backlab.check = None; os.environ['WHO'] = 'ada'; left = 1")
    code = "import backlab, os; print(backlab.check is None, 'WHO' in os.environ, 'left' in dir())"
    assert run(parent, tmp_path, code) == "False False False"


def test_a_forked_kernel_that_dies_and_one_that_never_ends_are_told(parent: Parent, tmp_path: Path) -> None:
    """With the cell in which it was."""
    with pytest.raises(BacklabError, match=r"the kernel died in cell .*os\.kill"):
        run(parent, tmp_path, "import os; os.kill(os.getpid(), 9)")
    with pytest.raises(BacklabError, match=r"while True.* ran longer than 1 s"):
        run(parent, tmp_path, "while True: pass", cell_limit_s=1)


def test_forked_kernels_go_when_their_parent_is_killed(parent: Parent, tmp_path: Path) -> None:
    """As they do when `backlab prove` is."""
    pids: list[int] = []

    def listen(event: Event) -> None:
        if event.kind == "text":
            pids.append(int(event.text))
            os.kill(parent.pid, 9)

    code = "import os, time; print(os.getpid(), flush=True); time.sleep(60)"
    with pytest.raises(BacklabError, match="the kernel died"):
        run(parent, tmp_path, code, listen=listen)
    assert pids
    assert ready.true(lambda: not psutil.pid_exists(pids[0]), within_s=5)
