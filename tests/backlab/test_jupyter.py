"""`backlab open` serves one lab on loopback only, on a free port, behind a token."""

from __future__ import annotations

import socket

import pytest

from backlab.course import Place
from backlab.jupyter import command, free_port, serve
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
    words = command(9000, "labs/m9_testing/01_tiny.ipynb", False)
    assert "--ServerApp.ip=127.0.0.1" in words
    assert not any("token" in word.lower() for word in words)


def test_a_lab_without_a_notebook_is_told_how_to_build_it(tiny: Place):
    """Before JupyterLab starts."""
    with pytest.raises(BacklabError, match=r"build it with `backlab build 9\.1`"):
        serve(tiny)
