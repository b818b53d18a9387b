"""The names a lab may import, and what importing them costs."""

import subprocess
import sys

import pytest

import backlab

NAMES = {
    "bench", "check", "experiment", "interleave", "interval", "live", "load", "measure", "open_loop", "plot",
    "predict", "progress", "up", "watch",
}  # fmt: skip


def test_a_lab_finds_these_names_and_no_others():
    """What is exported is exactly the contract with the labs."""
    assert set(backlab.__all__) == NAMES
    public = {name for name in vars(backlab) if not name.startswith("_")}
    submodules = {name.partition(".")[2] for name in sys.modules if name.startswith("backlab.")}
    assert public - NAMES - submodules <= {"ModuleType"}


@pytest.mark.parametrize("name", sorted(NAMES - {"plot"}))
def test_a_name_is_the_function_even_after_its_module_was_imported(name: str):
    """`import backlab.measure`, say, must not turn the function of the same name into a module."""
    module = getattr(backlab, name).__module__
    code = f"import importlib, backlab; importlib.import_module('{module}'); " \
           f"from backlab import {name}; assert callable({name})"  # fmt: skip
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_importing_the_bench_loads_neither_pandas_nor_matplotlib():
    """A check-only run and the command line stay quick."""
    code = (
        "import sys, backlab; from backlab import plot; "
        "heavy = {'pandas', 'numpy', 'matplotlib', 'sqlalchemy', 'psycopg', 'locust'} & set(sys.modules); "
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
