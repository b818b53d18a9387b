"""One source, two notebooks: stable bytes, clean outputs, no drift."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import nbformat
import pytest

from backlab.authoring import build, hygiene, notebook
from backlab.authoring.source import read
from backlab.course import Place, lab, labs
from services.errors import BacklabError

HOME = "home"  # in one piece it would be a path, which the house rules refuse in any file


@pytest.fixture
def built(tiny: Place, built_once: Path) -> Place:
    """Lab 9.1 with its notebooks."""
    shutil.copytree(built_once, tiny.learner.parents[1], dirs_exist_ok=True)
    return tiny


def cells(path):
    return nbformat.read(path, as_version=4).cells


def test_the_learner_gets_the_naive_exercise_and_the_outputs_of_the_solved_run(built: Place):
    """Same cells; only the exercise differs, and it alone has no output."""
    learner, solved = cells(built.learner), cells(built.solved)
    assert [cell.id for cell in learner] == [cell.id for cell in solved]
    for mine, theirs in zip(learner, solved, strict=True):
        if mine.id.endswith("-exercise"):
            assert "TODO" in mine.source
            assert "n * (n + 1) // 2" in theirs.source
            assert (mine.outputs, mine.execution_count) == ([], None)
        else:
            assert mine == theirs
    text = built.learner.read_text() + built.solved.read_text()
    assert "forgets the plus one" not in text
    assert "adds two at a time" not in text


def test_ids_say_lab_position_and_role_and_tags_steer_nbval(built: Place):
    """Check outputs are compared, measured ones are not."""
    assert [cell.id for cell in cells(built.learner)] == [
        "9-1-01-text", "9-1-02-parameters", "9-1-03-setup", "9-1-04-text", "9-1-05-predict",
        "9-1-06-experiment", "9-1-07-plot", "9-1-08-text", "9-1-09-exercise", "9-1-10-check", "9-1-11-check",
    ]  # fmt: skip
    for cell in cells(built.learner):
        if cell.cell_type == "code":
            compared = "nbval-check-output" in cell.metadata.tags
            assert compared == cell.id.endswith("-check")
            assert ("nbval-ignore-output" in cell.metadata.tags) != compared


def test_building_twice_gives_the_same_bytes(built: Place):
    """Nothing in the tiny lab depends on time, so the notebooks are equal byte for byte."""
    before = built.learner.read_bytes(), built.solved.read_bytes()
    built.learner.unlink()
    build.build(built)
    assert (built.learner.read_bytes(), built.solved.read_bytes()) == before


def test_stored_outputs_hold_no_bar_no_path_and_small_figures(built: Place):
    """The figure with its alternative text, the finding, the PASS lines, and nothing else."""
    outputs = [output for cell in cells(built.solved) for output in cell.get("outputs", [])]
    texts = [output.text for output in outputs if output.output_type == "stream"]
    assert texts == [
        "100 numbers take 100 steps\n",
        "PASS 9.1.a the sum takes one step at any size\n",
        "PASS 9.1.b the sum is the same as before\n",
    ]
    (figure,) = [output for output in outputs if "data" in output]
    assert figure.metadata["image/png"]["alt"].startswith("Line plot. Only adding one by one climbs.")
    assert len(built.learner.read_bytes()) < 200_000
    metadata = json.loads(built.learner.read_text())["metadata"]
    assert metadata["kernelspec"]["name"] == "python3"
    assert "version" not in metadata["language_info"]


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("We add numbers", "We sum numbers", "We sum numbers"),
        ("SIZES = [10, 100]", "SIZES = [10, 200]", "SIZES = [10, 200]"),
        ("n * (n + 1) // 2\n```\n\n```{code-cell} ipython3\n:tags: [wrong]", "sum(range(n + 1))\n```\n\n```{code-cell} ipython3\n:tags: [wrong]", "sum(range"),  # noqa: E501 - a piece of the source
        ("takes one step at any size", "takes one step", "takes one step"),
        (":seconds: 2", ":seconds: 3", '"seconds": 3'),
    ],
)  # fmt: skip
def test_a_source_that_has_changed_since_is_found_without_running_it(built: Place, old, new, told):
    """Prose, code, repairs, promises and options all count; fresh notebooks agree."""
    assert build.drift(built) == []
    built.source.write_text(built.source.read_text().replace(old, new))
    assert any(told in line for line in build.drift(built))


@pytest.mark.parametrize("place", labs(), ids=lambda place: place.id)
def test_every_lab_of_ours_agrees_with_its_source(place: Place):
    """Nobody edited a notebook, and nobody forgot to build it."""
    assert build.drift(place) == []


def test_an_edited_check_output_is_drift(built: Place):
    """A stored FAIL, or a PASS that the source does not promise, cannot hide."""
    text = built.learner.read_text()
    built.learner.write_text(
        text.replace("PASS 9.1.a the sum takes one step", "FAIL 9.1.a the sum takes one step")
    )
    assert build.drift(built)


def test_notebooks_that_were_never_built_are_drift(tiny: Place):
    """Both are named."""
    assert build.drift(tiny) == ["01_tiny.ipynb has not been built"] * 2


def test_a_repair_that_fails_its_check_is_not_built(tiny: Place):
    """And nothing is written."""
    tiny.source.write_text(tiny.source.read_text().replace("n * (n + 1) // 2\n```", "n\n```", 1))
    with pytest.raises(BacklabError, match=r"check 9\.1\.b of lab 9\.1 printed 'FAIL 9\.1\.b"):
        build.build(tiny)
    assert not tiny.learner.exists()


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (":tags: [setup]", ":tags: [setpu]", "unknown tag 'setpu'; did you mean 'setup'?"),
        (":tags: [setup]", ":tags: [setup, plot]", "two roles"),
        (":tags: [solution]", ":tags: [exercise]", "has no repair"),
        (":fails: 9.1.b\n", "", "lacks `fails:` or `title:`"),
        (":fails: 9.1.b", ":fails: 9.1.x", "names the check 9.1.x, which is not there"),
        ('check("9.1.b"', 'check("9.1.c"', "name them 9.1.a, 9.1.b in order"),
        ("<details><summary>Which idea", "<div><summary>Which idea", "has 2 hints; put 3 folded ones"),
        ('with check("9.1.a"', 'with check(ID', "a check cell with 0 checks"),
    ],
)  # fmt: skip
def test_a_mistake_in_the_source_is_told_with_its_cell(tiny: Place, old, new, said):
    """Before anything is executed."""
    tiny.source.write_text(tiny.source.read_text().replace(old, new, 1))
    with pytest.raises(BacklabError, match=re.escape(said)):
        read(tiny)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("print('x\\n' * 21)", "has 22 lines, at most 20 allowed"),
        ("import backlab; print(backlab.__file__)", "holds a path of this machine"),
        ("import sys; print('hm', file=sys.stderr)", "is on stderr: 'hm'"),
        ("print('INCONCLUSIVE: not even before the fault')", "says INCONCLUSIVE"),
        (f"print('/{HOME}/someone/lab')", f"holds a path of this machine, '/{HOME}/someone'"),
    ],
)
def test_an_output_that_may_not_be_stored_is_refused(tiny: Place, source, said):
    """With the cell and what to do."""
    text = tiny.source.read_text().replace('print("100 numbers take 100 steps")', source)
    tiny.source.write_text(text)
    with pytest.raises(BacklabError, match=re.escape(said)):
        build.build(tiny)


def test_addresses_of_objects_are_masked():
    """They differ at each run and say nothing."""
    cell = nbformat.v4.new_code_cell("x", id="x")
    cell.outputs = [nbformat.v4.new_output("stream", text="<object at 0x7f00deadbeef>")]
    hygiene.clean(nbformat.v4.new_notebook(cells=[cell]))
    assert cell.outputs[0].text == "<object at 0x...>"


def test_a_lab_is_found_by_any_of_its_names(tiny: Place):
    """And a wrong one is answered with those near it."""
    for name in ("9.1", "9_1", "01_tiny", "tiny", "labs/m9_testing/01_tiny.ipynb"):
        assert lab(name) == tiny
    with pytest.raises(BacklabError, match=r"there is no lab '9\.9'; near it are 9\.1"):
        lab("9.9")


def test_only_what_a_verdict_needs_is_proved(tiny: Place):
    """Set-up, exercise and checks; no experiment, no plot."""
    roles = [notebook.role_of(cell) for cell in notebook.minimal(read(tiny)).cells]
    assert roles == ["parameters", "setup", "exercise", "check", "check"]
