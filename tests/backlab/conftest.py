"""What the tests of the bench share: a tiny lab in a folder of its own, and a way to run code in a kernel."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from backlab import course
from backlab.course import Place

LABS = Path(__file__).parent / "labs"


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """Lab 9.1, a lab small enough for a test, in a fresh copy."""
    shutil.copytree(LABS, tmp_path / "labs")
    monkeypatch.setenv("BACKLAB_LABS", str(tmp_path / "labs"))
    return course.lab("9.1")


@pytest.fixture(scope="session")
def built_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder labs/ with the notebooks of lab 9.1, built once for all tests that only read them."""
    from backlab.authoring.build import build

    folder = tmp_path_factory.mktemp("built") / "labs"
    shutil.copytree(LABS, folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BACKLAB_LABS", str(folder))
        build(course.lab("9.1"))
    return folder


@pytest.fixture
def lab(built_once: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    """Lab 9.1, built, in a course of this test's own."""
    shutil.copytree(built_once, tmp_path / "course" / "labs")
    monkeypatch.setenv("BACKLAB_LABS", str(tmp_path / "course" / "labs"))
    return course.lab("9.1")


@pytest.fixture
def in_kernel(tmp_path: Path) -> Callable[..., list[Any]]:
    """Run cells in a real kernel and return the outputs of the last one."""
    import nbformat

    from backlab.authoring.kernel import execute

    def run(*sources: str, **options: Any) -> list[Any]:
        cells = [nbformat.v4.new_code_cell(source) for source in sources]
        notebook = nbformat.v4.new_notebook(cells=cells)
        execute(notebook, tmp_path, **options)
        return list(notebook.cells[-1].outputs)

    return run
