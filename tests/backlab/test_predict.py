"""Predictions help or stay away; they never harm."""

import pytest

from backlab import predict
from backlab.learning.predict import number, recall


def test_no_guess_harms_nothing(capsys):
    """The shipped cell, with every guess unset, says nothing and remembers nothing."""
    prediction = predict(statements=None, rows=...)
    assert (prediction.statements, prediction["rows"]) == (None, None)
    assert recall("statements") is None
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("written", [1192, "1,192", 1_192.0, "1_192"])
def test_a_guess_is_read_as_people_write_numbers(written):
    """Commas and underscores are fine, and plots can recall the guess by name."""
    assert predict(statements=written).statements == 1192
    assert recall("statements") == 1192


@pytest.mark.parametrize("bad", ["many", float("nan"), -1, True, [3], "inf"])
def test_a_bad_guess_is_left_out_with_one_sentence(bad, capsys):
    """It says so and goes on; a former guess of that name is forgotten, too."""
    predict(rows=5)
    assert predict(rows=bad).rows is None
    assert recall("rows") is None
    said = capsys.readouterr().out
    assert said.count("\n") == 1
    assert "not a number from 0 up" in said


def test_a_guess_stands_beside_what_was_measured_without_a_verdict():
    """Two columns of plain numbers; an empty place where nothing was guessed."""
    table = predict(statements=300).beside(statements=1192, rows=2591)
    assert table.loc["statements"].tolist() == ["300", "1,192"]
    assert table.loc["rows"].tolist() == ["", "2,591"]


@pytest.mark.parametrize(
    ("value", "text"),
    [(1192, "1,192"), (0.0425, "0.0425"), (31.23, "31.2"), (1234.5, "1,234"), (None, ""), (0, "0")],
)
def test_numbers_are_written_plainly(value, text):
    """No exponents, thousands with commas, three figures below a hundred."""
    assert number(value) == text
