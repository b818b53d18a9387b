"""What `backlab check-source` says of a lab: nothing of the tiny one, and a sentence for each broken rule."""

import pytest

from backlab.authoring.review import complaints
from backlab.course import Place, labs


def broken(place: Place, old: str, new: str) -> list[str]:
    """What is said of the tiny lab after a change that breaks something."""
    text = place.source.read_text()
    assert old in text
    place.source.write_text(text.replace(old, new, 1))
    return complaints(place)


@pytest.mark.parametrize("place", labs(), ids=lambda place: place.id)
def test_every_lab_of_ours_keeps_the_rules(place: Place) -> None:
    """They are the pattern for the others."""
    assert complaints(place) == []


def test_a_long_cell_is_named_with_its_length(tiny: Place) -> None:
    """Twenty-five lines are a glance; the exercise may be longer."""
    before = complaints(tiny)
    cell = "```{code-cell}\n:tags: [show]\n" + "pass\n" * 26 + "```\n\n# "
    [said] = [line for line in broken(tiny, "# ", cell) if line not in before]
    assert "(pass) has 26 lines, at most 25" in said


def test_a_lab_without_a_prediction_is_told_so(tiny: Place) -> None:
    """Whether or not the tiny one has one."""
    text = tiny.source.read_text().replace("[predict]", "[show]")
    tiny.source.write_text(text)
    assert any("no prediction" in line for line in complaints(tiny))


def test_a_figure_must_state_a_finding(tiny: Place) -> None:
    """A heading of two words is none."""
    cell = "```{code-cell}\n:tags: [plot]\nplot.bars({'a': 1}, title=\"Some bars\")\n```\n\n# "
    assert any("states no finding" in line for line in broken(tiny, "# ", cell))


def test_a_hint_of_more_than_fifty_words_is_too_long(tiny: Place) -> None:
    """Counted without its tags."""
    said = broken(tiny, "<details>", "<details>" + "word " * 60)
    assert any("at most 50: shorten it" in line for line in said)


def test_prose_states_no_time_that_no_code_sets(tiny: Place) -> None:
    """A measured 41.5 ms belongs to the run."""
    said = broken(tiny, "# ", "The page takes 41.5 ms.\n\n# ")
    assert any("states 41.5 ms, which no code sets" in line for line in said)
