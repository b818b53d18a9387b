"""`backlab new` lays out a lab that can be read and assembled, and that teaches nothing yet."""

import pytest

from backlab import course
from backlab.authoring import prove
from backlab.authoring.notebook import assemble
from backlab.authoring.skeleton import layout
from backlab.authoring.source import read
from backlab.course import Place
from services.errors import BacklabError


def test_a_new_lab_is_found_and_makes_a_notebook(tiny: Place) -> None:
    """A source, a package and a module file, and nothing written over."""
    made = layout("7.3", "Slow traces")
    assert [path.name for path in made] == ["03_slow_traces.md", "__init__.py", "slow_traces.py"]
    lab = read(course.lab("7.3"))
    assert [check.check_id for check in lab.checks] == ["7.3.a"]
    assert len(assemble(lab).cells) == len(lab.cells)


def test_a_new_lab_is_refused_by_prove_until_it_teaches(tiny: Place) -> None:
    """The shipped code passes its check, and nobody has thought of a wrong repair: that is no lab."""
    layout("7.3", "slow traces")
    shipped, reference, wrong_repairs = list(prove.prove(course.lab("7.3")))
    assert not shipped.holds
    assert reference.holds
    assert "at least 3 needed" in wrong_repairs.problem


@pytest.mark.parametrize(("lab", "slug"), [("9.9", "x"), ("7", "x"), ("7.3", "!"), ("9.1", "tiny")])
def test_impossible_names_are_refused_in_a_sentence(tiny: Place, lab: str, slug: str) -> None:
    """Nothing is written then."""
    with pytest.raises(BacklabError):
        layout(lab, slug)


def test_a_number_that_is_taken_is_refused_by_its_title(tiny: Place) -> None:
    """Laying it out twice would hide one of the two."""
    layout("7.3", "slow traces")
    with pytest.raises(BacklabError, match=r"7\.3 is there already"):
        layout("7.3", "other traces")
