"""Answers that a module holds are taken out of it, and nothing else."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from backlab import course
from backlab.authoring.source import read
from backlab.grading.contract import contract
from backlab.sandbox.lent import Borrowed, BorrowedFromTheLab, files, kept_back, stripped
from services.errors import BacklabError

MODULE = '''"""Says what it is for."""

from __future__ import annotations

LIMIT = 3


def answer(n: int = LIMIT) -> int:
    """The solution."""
    return 42 * n


def hint() -> str:
    """Anybody's."""
    return "six times seven"


WAYS = {"best": answer}
'''
IMPORTED = """
from backlab.sandbox import lent
lent.keep_back({"services.shop.pages": ["eagerly"]})
from services.shop import pages
try:
    pages.LOADERS["repaired"](None, 1)
except lent.BorrowedFromTheLab as error:
    print(error, pages.newest(3) is not None)
lent.give_back()
from services.shop import pages as whole
print(whole.eagerly.__code__.co_argcount)
"""


def run(source: str) -> dict[str, object]:
    """The names of a module."""
    names: dict[str, object] = {}
    exec(compile(source, "module", "exec"), names)
    return names


def test_named_answers_are_gone_and_everything_else_works() -> None:
    """Also where one is kept in a table."""
    text = stripped(MODULE, ["answer"])
    names = run(text)
    assert "42" not in text
    assert names["LIMIT"] == 3
    assert names["hint"]() == "six times seven"  # type: ignore[operator]
    with pytest.raises(BorrowedFromTheLab, match="answer"):
        names["WAYS"]["best"](2)  # type: ignore[index]


def test_a_star_takes_functions_and_constants() -> None:
    """What is left is the text that says what the module is for."""
    names = run(stripped(MODULE, ["*"]))
    assert isinstance(names["LIMIT"], Borrowed)
    for use in (lambda: names["WAYS"]["best"], lambda: list(names["WAYS"]), lambda: names["hint"]()):  # type: ignore[index, call-overload, operator]
        with pytest.raises(BorrowedFromTheLab):
            use()


def test_a_process_imports_modules_without_answers_until_they_are_given_back() -> None:
    """As the parent of guests does, and nbval's guest after it."""
    argv = [sys.executable, "-c", IMPORTED]
    said = subprocess.run(argv, capture_output=True, text=True, timeout=60, check=True).stdout
    assert said == "eagerly True\n3\n"


def test_every_lab_keeps_back_what_any_judge_names() -> None:
    """As each judge has it when it runs, where its file is only read here."""
    every = [contract(read(place)).answers for place in course.labs()]
    for place in course.labs():
        judge = __import__(f"{guest_of(place)}.judge", fromlist=["_"])
        for module, names in judge.ANSWERS.items():
            assert all({*names} <= {*answers[module]} for answers in every), (place.id, module)


def guest_of(place: course.Place) -> str:
    """The package of a lab."""
    return contract(read(place)).guest.rpartition(".")[0]


def test_answers_that_are_not_written_out_are_refused(tmp_path: Path) -> None:
    """They would be lent without anybody noticing."""
    judge = tmp_path / "judge.py"
    judge.write_text("ANSWERS = names()\n")
    with pytest.raises(BacklabError, match="is no literal"):
        kept_back([judge])
    with pytest.raises(BacklabError, match="which is nowhere"):
        files("labs.m4_performance.nothing")


def test_what_a_judge_keeps_back_is_there() -> None:
    """A name that was changed in its module would be lent without anybody noticing."""
    for module, names in contract(read(course.lab("4.2"))).answers.items():
        source = __import__(module, fromlist=["_"])
        assert [name for name in names if name != "*" and not hasattr(source, name)] == []
