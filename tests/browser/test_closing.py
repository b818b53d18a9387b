"""What a learner closes is over: the notebook's tab takes its kernel, and the kernel its servers."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from services import ready
from tests.browser.driver import Notebook

pytestmark = pytest.mark.browser


def run_until_servers(notebook: Notebook) -> None:
    """Run All, and look away once the servers are up: the experiments are under way."""
    notebook.run_all()
    assert ready.true(lambda: bool(notebook.jupyter.servers()), within_s=40), notebook.outputs()[:5]


def test_closing_the_tab_in_the_middle_ends_the_kernel_and_its_servers(
    opened: Callable[[str], Notebook],
) -> None:
    """Nothing is left running behind a closed tab; JupyterLab itself goes on."""
    notebook = opened("4.2")
    jupyter = notebook.jupyter
    run_until_servers(notebook)
    assert len(jupyter.kernels()) == 1
    notebook.close()
    assert ready.true(lambda: not jupyter.kernels(), within_s=30)
    assert ready.true(lambda: not jupyter.servers(), within_s=10), jupyter.servers()
    assert jupyter.process.is_running()


def test_restarting_the_kernel_in_the_middle_ends_its_servers(opened: Callable[[str], Notebook]) -> None:
    """The restart button, while an experiment runs; then the tab is closed, and nothing is left."""
    notebook = opened("4.2")
    jupyter = notebook.jupyter
    run_until_servers(notebook)
    notebook.restart()
    assert ready.true(lambda: not jupyter.servers(), within_s=30), jupyter.servers()
    assert len(jupyter.kernels()) == 1
    notebook.close()
    assert ready.true(lambda: not jupyter.kernels(), within_s=30)
