"""The course page of a real Jupyter server, below a base URL as JupyterHub has it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner

from backlab.commands.labs import command
from backlab.jupyter import _config_path
from backlab.learning import diary, standing
from backlab.workbench import calibration
from backlab.workbench.saving import WIDGET
from services import ports, ready
from tests import house

TOKEN = {"Authorization": "token sesame"}


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The diary of the learner whose server this is."""
    return tmp_path_factory.mktemp("data") / "diary.json"


@pytest.fixture(scope="module")
def server(file: Path) -> Iterator[str]:
    """A Jupyter server with our configuration; its address and base URL. It lacks a Prometheus."""
    reservation = ports.reserve()
    reservation.close()
    base = f"http://127.0.0.1:{reservation.port}/user/ann/"
    env = {
        **os.environ, "JUPYTER_TOKEN": "sesame", "JUPYTER_CONFIG_PATH": _config_path(),
        "BACKLAB_PROMETHEUS": "/nowhere", "BACKLAB_BACKEND": "native", diary.VARIABLE: str(file),
    }  # fmt: skip
    options = [
        "--ServerApp.ip=127.0.0.1", f"--ServerApp.port={reservation.port}", "--ServerApp.port_retries=0",
        "--ServerApp.base_url=/user/ann/", "--ServerApp.open_browser=False", "--ServerApp.allow_root=True",
        f"--ServerApp.root_dir={house.ROOT}", "--log-level=ERROR",
    ]  # fmt: skip
    with subprocess.Popen([sys.executable, "-m", "jupyter_server", *options], env=env) as process:
        try:
            ready.until(lambda: httpx.get(f"{base}api"), within_s=60, not_yet=(httpx.TransportError,))
            yield base
        finally:
            process.kill()


@pytest.fixture
def noted(file: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """This process writes into the same diary."""
    monkeypatch.setenv(diary.VARIABLE, str(file))
    return file


def course_page(server: str, query: str = "") -> str:
    answer = httpx.get(f"{server}backlab{query}", headers=TOKEN, timeout=30)
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    return answer.text


def test_the_page_asks_who_is_there(server: str) -> None:
    """Jupyter's own login stands before both pages."""
    for name in ("backlab", "backlab/calibration"):
        answer = httpx.get(server + name)
        assert answer.status_code == 302
        assert answer.headers["Location"].startswith("/user/ann/login?")


def test_it_shows_eight_modules_and_links_each_lab_into_jupyterlab(server: str) -> None:
    """Without a script and without anything from elsewhere."""
    page = course_page(server)
    assert page.count("<h2") == 8
    assert 'href="/user/ann/lab/tree/labs/m4_performance/02_n_plus_one.ipynb"' in page
    assert "none of 6 planned labs yet" in page
    assert "<script" not in page
    assert not re.search(r"(?:src|href)=\"(?:https?:)?//", page)


def test_it_says_what_the_machine_lacks_and_how_to_get_it(server: str) -> None:
    """Only lab 5.5 wants a Prometheus."""
    assert ready.true(lambda: "lacks prometheus" in course_page(server), within_s=60)
    page = course_page(server, "?look=again")
    assert page.count("lacks prometheus") == 1
    assert "<code>prometheus</code>" in page


def test_it_knows_what_has_just_been_done(server: str, noted: Path) -> None:
    """Nothing is kept between two requests but the look at the machine."""
    assert "3 of 5 points" not in course_page(server)
    for letter in "abcde":
        checks = {f"4.2.{one}": "" for one in "abcde"}
        diary.checked("4.2", f"4.2.{letter}", "PASS" if letter < "d" else "FAIL", checks)
    assert "3 of 5 points" in course_page(server)
    diary.started("5.5")
    assert "Go on with" in course_page(server)


def test_the_calibration_page_draws_what_met_its_answer(server: str, noted: Path) -> None:
    """A picture with words for whoever cannot see it, and a table of the same pairs."""
    assert "No guess has met" in httpx.get(f"{server}backlab/calibration", headers=TOKEN).text
    diary.guessed("4.2", {"statements": 400.0, "rows": 0.0})
    diary.measured("4.2", {"statements": 1192.0, "rows": 10.0})
    page = httpx.get(f"{server}backlab/calibration", headers=TOKEN, timeout=60).text
    assert "data:image/png;base64," in page
    assert "Lab 4.2, statements: guess 400, measured 1,192." in page
    assert "3 times too low" in page


def test_jupyterlab_is_given_our_extension_for_figures(server: str) -> None:
    """Wherever our settings are read, as under JupyterHub, figures have their alternative text."""
    page = httpx.get(f"{server}lab", headers=TOKEN).text
    [config] = re.findall(r'<script id="jupyter-config-data"[^>]*>(.*?)</script>', page, re.DOTALL)
    extensions = {one["name"]: one for one in json.loads(config)["federated_extensions"]}
    own = extensions["backlab-figures"]
    script = httpx.get(f"{server}lab/extensions/backlab-figures/{own['load']}", headers=TOKEN)
    assert "IRenderMimeRegistry" in script.raise_for_status().text


def test_only_our_own_kernel_is_offered(server: str) -> None:
    """A notebook that was saved with another one is asked about, and there is one answer."""
    specs = httpx.get(f"{server}api/kernelspecs", headers=TOKEN).json()
    assert list(specs["kernelspecs"]) == ["python3"]


def test_labs_says_the_same_as_text_and_json(noted: Path) -> None:
    """For a terminal, and for a machine."""
    words = CliRunner().invoke(command, []).output
    assert "40 minutes, postgres; 3 of 5 points" in words
    rows = {row["id"]: row for row in json.loads(CliRunner().invoke(command, ["--json"]).output)}
    assert (rows["4.2"]["passed"], rows["4.2"]["of"], rows["4.2"]["minutes"]) == (3, 5, 40)


def test_all_checks_passed_names_the_next_lab(noted: Path) -> None:
    """One sentence; while a check is red, none."""
    checks = dict.fromkeys((f"4.2.{one}" for one in "abcde"), "")
    assert standing.farewell("4.2") == ""
    for id in checks:
        diary.checked("4.2", id, "PASS", checks)
    said = standing.farewell("4.2")
    assert said.startswith("all 5 checks of lab 4.2 pass; the next lab is 5.5, Behind, or dead? (labs/")
    assert said.count("\n") == 1


def test_a_guess_beside_a_zero_is_told_but_not_drawn() -> None:
    """No factor leads there."""
    pairs = [calibration.Pair("4.2", "rows", 0.0, 10.0), calibration.Pair("4.2", "rows", 20.0, 10.0)]
    assert [pair.words for pair in pairs] == ["", "2 times too high"]
    assert calibration.figure(pairs).alt.count("Lab 4.2") == 1


def test_a_saved_lab_holds_words_instead_of_a_widget_that_is_gone(server: str) -> None:
    """Only in labs, and only where words are there."""
    data = {WIDGET: {"model_id": "1"}, "text/plain": "no guess"}
    output = {"output_type": "display_data", "metadata": {}, "data": data}
    code = {"cell_type": "code", "id": "a", "metadata": {}, "source": "", "execution_count": 1}
    book = {"nbformat": 4, "nbformat_minor": 5, "cells": [{**code, "outputs": [output]}]}
    house.ROOT.joinpath("out").mkdir(exist_ok=True)
    for metadata, holds in (({"backlab": {"lab": "4.2"}}, False), ({}, True)):
        model = {"type": "notebook", "format": "json", "content": {**book, "metadata": metadata}}
        httpx.put(f"{server}api/contents/out/saved.ipynb", headers=TOKEN, json=model).raise_for_status()
        saved = house.ROOT / "out" / "saved.ipynb"
        assert (WIDGET in saved.read_text()) == holds
        assert "no guess" in saved.read_text()
        saved.unlink()
