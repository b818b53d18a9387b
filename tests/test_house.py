"""The rules of the house, so that reviews can be about other things."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path

import nbformat
import pytest

from backlab.authoring import hygiene
from tests import house

JUDGING = ("sandbox", "grading", "cohort")
LONGEST_FILE, LONGEST_FUNCTION = 250, 35
DOCUMENTS = [
    house.ROOT / name for name in ("README.md", "CONTRIBUTING.md", "docs/design.md", "docs/class.md")
]


@pytest.mark.parametrize("package", house.PACKAGES)
def test_imports_point_left_only(package: str) -> None:
    """datasets <- services <- chaos <- backlab <- labs: what lies right of a package is unknown to it."""
    right = set(house.PACKAGES[house.PACKAGES.index(package) + 1 :]) | {"tests"}
    files = [path for path in house.packaged() if path.relative_to(house.ROOT).parts[0] == package]
    wrong = {house.named(path): found for path in files if (found := house.imports(path) & right)}
    assert files
    assert not wrong


@pytest.mark.parametrize("room", JUDGING)
def test_whatever_judges_points_left_too(room: str) -> None:
    """sandbox <- grading <- cohort: what shuts code off knows no judge, and a judge one learner."""
    right = set(JUDGING[JUDGING.index(room) + 1 :])
    files = sorted((house.ROOT / "backlab" / room).glob("*.py"))
    wrong = {house.named(path): found for path in files if (found := house.rooms(path) & right)}
    assert files
    assert not wrong


def test_files_stay_short_enough_to_read_in_one_go() -> None:
    """250 lines, for tests as well."""
    lengths = {house.named(path): len(path.read_text().splitlines()) for path in house.modules()}
    assert {name: n for name, n in lengths.items() if n > LONGEST_FILE} == {}


def test_functions_fit_on_a_screen() -> None:
    """35 lines without the docstring; about ten is normal."""
    long = [
        (house.named(path), name, length)
        for path in house.modules()
        for name, length in house.functions(path)
        if length > LONGEST_FUNCTION
    ]
    assert long == []


def test_each_module_opens_with_a_sentence_that_says_what_it_is_for() -> None:
    """Its caption: the first line of the docstring stands alone and ends as sentences do."""
    wrong = []
    for path in house.modules():
        caption = (ast.get_docstring(ast.parse(path.read_text())) or "").split("\n\n")[0]
        if path.stat().st_size and not re.search(r"[.:;?]$", caption):
            wrong.append(house.named(path))
    assert wrong == []


def test_no_committed_file_holds_a_path_of_a_machine() -> None:
    """Nobody else has that folder."""
    hits = {
        house.named(path): found.group(0)
        for path in house.committed()
        if (found := house.PATHS.search(house.text_of(path).replace(house.CONTAINER_HOME, "")))
    }
    assert hits == {}


def test_no_committed_file_names_where_a_registry_answers() -> None:
    """Class rooms and closed networks have mirrors of their own."""
    hits = {
        house.named(path): found.group(0)
        for path in house.committed()
        if (found := house.REGISTRIES.search(house.text_of(path)))
    }
    assert hits == {}


def test_no_notebook_ships_with_an_error() -> None:
    """Stored outputs come from a run that went well, and hold no traceback."""
    wrong = [
        (house.named(path), cell["id"])
        for path in house.notebooks()
        for cell in house.cells(path)
        for output in cell.get("outputs", ())
        if output["output_type"] == "error" or output.get("name") == "stderr"
    ]
    assert wrong == []


def test_what_notebooks_store_is_small_and_tidy() -> None:
    """As committed, not only as built: 200 kB at most, figures of 40, no long text, no path of a machine."""
    assert house.notebooks()
    for path in house.notebooks():
        text = path.read_text()
        hygiene.refuse_size(text, house.named(path))
        hygiene.clean(nbformat.reads(text, as_version=4))


def words_after(command: str, text: str) -> set[str]:
    """The words that follow a command wherever a text shows it as code."""
    code = " ".join(re.findall(r"```.*?```|`[^`\n]+`", text, re.S))
    return set(re.findall(rf"(?<![\w/.-]){command} ([a-z][a-z-]*)", code))


def documents() -> list[Path]:
    """Texts that name commands."""
    return [path for path in DOCUMENTS if path.exists()]


def test_each_make_chore_that_the_texts_name_exists() -> None:
    """A reader copies commands."""
    chores = set(re.findall(r"^([a-z-]+):.*## ", (house.ROOT / "Makefile").read_text(), re.M))
    named = set().union(*(words_after("make", path.read_text()) for path in documents()))
    assert named <= chores


def test_each_backlab_command_that_the_texts_and_the_makefile_name_exists() -> None:
    """Asked of the command line itself."""
    from backlab import cli

    text = (house.ROOT / "Makefile").read_text()
    named = set(re.findall(r"\$\(BIN\)/backlab ([a-z]+)", text))
    named |= set().union(*(words_after("backlab", path.read_text()) for path in documents()))
    for command in sorted(named):
        with pytest.raises(SystemExit) as left:
            cli.main([command, "--help"])
        assert left.value.code == 0, command


def test_every_tool_of_the_chores_is_in_the_environment() -> None:
    """`make check` calls nothing that set-up does not install."""
    tools = set(re.findall(r"\$\(BIN\)/([a-z]+)", (house.ROOT / "Makefile").read_text())) - {
        "python",
        "backlab",
    }
    project = tomllib.loads((house.ROOT / "pyproject.toml").read_text())["project"]
    wishes = f"{project['dependencies']} {project['optional-dependencies']}"
    assert {tool for tool in tools if tool not in wishes} == set()
