"""check() prints exactly one stable line, whatever happens in its block."""

import json
import sys
import warnings

import nbformat
import numpy as np
import pytest
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient

from backlab import check
from backlab.authoring import listening


def verdict_line(capsys, judge) -> str:
    """The one line that a check with this judgement prints."""
    with check("4.2.a", "the page needs at most four statements") as verdict:
        judge(verdict)
    captured = capsys.readouterr()
    assert captured.err == ""
    assert captured.out.count("\n") == 1
    return captured.out.rstrip("\n")


PASS = "PASS 4.2.a the page needs at most four statements"
FAIL = "FAIL 4.2.a the page needs at most four statements: "


@pytest.mark.parametrize(
    ("judge", "line"),
    [
        (lambda v: v.at_most(4, 4, "statements"), PASS),
        (
            lambda v: v.at_most(1192, 4, "statements", look="in the loader options of order_page"),
            FAIL + "1,192 statements, at most 4 allowed; look in the loader options of order_page",
        ),
        (lambda v: v.at_least(2, 3, "hits"), FAIL + "2 hits, at least 3 needed"),
        (lambda v: v.equals(3, 4, "the count"), FAIL + "the count is 3, expected 4"),
        (lambda v: v.equals(4.0, 4, "the count"), FAIL + "the count is 4, expected 4 (type int, not float)"),
        (lambda v: v.equals(np.int64(4), 4, "the count"), PASS),
        (lambda v: v.true(False, "two rows are missing"), FAIL + "two rows are missing"),
        (lambda v: v.true(True, "two rows are missing"), PASS),
        (lambda v: None, FAIL + "the check judged nothing; look at the check cell: it must call verdict"),
        (lambda v: 1 / 0, FAIL + "ZeroDivisionError: division by zero"),
        (
            lambda v: v.inconclusive("the machine was busy"),
            "INCONCLUSIVE 4.2.a the page needs at most four statements: the machine was busy",
        ),
    ],
)
def test_a_judgement_becomes_one_line(judge, line, capsys):
    """The reason names the measured value, the bound, and where to look."""
    assert verdict_line(capsys, judge) == line


def test_the_first_judgement_that_does_not_pass_decides(capsys):
    """Later ones neither heal nor reword it."""

    def judge(verdict):
        verdict.at_most(1, 4, "statements")
        verdict.at_most(9, 4, "statements")
        verdict.inconclusive("too late")
        verdict.at_most(99, 4, "statements")
        raise RuntimeError("too late as well")

    assert verdict_line(capsys, judge) == FAIL + "9 statements, at most 4 allowed"


def test_what_the_block_prints_or_warns_stays_inside(capsys):
    """One stray line on stdout or stderr would turn a green check red in nbval."""

    def judge(verdict):
        print("debugging")
        print("more", file=sys.stderr)
        warnings.warn("old", DeprecationWarning, stacklevel=1)
        verdict.at_most(1, 4, "statements")

    assert verdict_line(capsys, judge) == PASS


def test_an_interrupt_is_not_a_verdict():
    """Ctrl-C in a check stops it like any other cell."""
    with pytest.raises(KeyboardInterrupt), check("4.2.a", "x"):
        raise KeyboardInterrupt


def test_messages_of_many_lines_and_addresses_become_one_stable_line(capsys):
    """SQLAlchemy's messages are long, and an object's address differs at each run."""

    def judge(_):
        raise ValueError(f"bad {object()!r}\nsecond line" + "x" * 500)

    line = verdict_line(capsys, judge)
    assert line == FAIL + "ValueError: bad <object object>"


def test_each_verdict_is_a_row_for_the_grader(tmp_path, monkeypatch):
    """The file named by BACKLAB_REPORT gets id, verdict, measured value and bound as JSON."""
    report = tmp_path / "report.jsonl"
    monkeypatch.setenv("BACKLAB_REPORT", str(report))
    with check("4.2.a", "few") as verdict:
        verdict.at_most(np.int64(9), 4, "statements")
    with check("4.2.b", "same") as verdict:
        verdict.equals([1], [1], "the page")
    first, second = (json.loads(line) for line in report.read_text().splitlines())
    assert (first["id"], first["verdict"], first["measured"], first["bound"]) == ("4.2.a", "FAIL", 9, 4)
    assert first["reason"] == "9 statements, at most 4 allowed"
    assert (second["id"], second["verdict"]) == ("4.2.b", "PASS")


def test_a_failing_exercise_is_told_with_its_line(in_kernel):
    """The line is counted in the learner's cell, not in ours."""
    outputs = in_kernel(
        "from backlab import check",
        "def order_page():\n    rows = []\n    return rows[3]\n",
        'with check("4.2.a", "it works") as verdict:\n    verdict.true(order_page(), "empty")',
    )
    (line,) = [output["text"] for output in outputs]
    reason = "IndexError: list index out of range; look at line 3 of the exercise, in order_page"
    assert line == f"FAIL 4.2.a it works: {reason}\n"


def test_in_a_notebook_nothing_that_the_block_displays_comes_through():
    """A bar that only a slow machine shows would turn a green check red."""
    cell = nbformat.v4.new_code_cell(
        "import time\n"
        "from backlab import check, progress\n"
        "with check('9.9.a', 'it is quiet') as verdict:\n"
        "    display('loud')\n"
        "    for _ in progress(range(3), 'working'):\n"
        "        time.sleep(0.1)\n"
        "    verdict.true(True, '')"
    )
    notebook = nbformat.v4.new_notebook(cells=[cell])
    NotebookClient(notebook, km=AsyncKernelManager(**listening.names()), timeout=60).execute()
    assert [output.get("text") for output in cell.outputs] == ["PASS 9.9.a it is quiet\n"]
