"""prove() believes a lab only when it fails, passes and catches exactly as its source says."""

from __future__ import annotations

import os
import re
import subprocess
import sys

from backlab.authoring.prove import exit_code, prove
from backlab.course import Place


def edit(place: Place, old: str, new: str) -> None:
    """Replace a piece of the lab's source."""
    text = place.source.read_text()
    assert old in text
    place.source.write_text(text.replace(old, new, 1))


def test_a_sound_lab_holds_in_every_variant(tiny: Place):
    """As shipped, repaired twice, and with each wrong repair."""
    proofs = list(prove(tiny, times=2))
    assert [proof.variant for proof in proofs] == [
        "as shipped", "reference 1", "reference 2",
        "wrong: forgets the plus one", "wrong: adds two at a time", "wrong: leaves out the last",
    ]  # fmt: skip
    assert [proof.failed for proof in proofs] == [["9.1.a"], [], [], ["9.1.b"], ["9.1.a"], ["9.1.b"]]
    assert all(proof.holds for proof in proofs)
    assert exit_code(proofs) == 0


def test_a_wrong_repair_that_passes_breaks_the_proof(tiny: Place):
    """The lab would give points for it."""
    edit(tiny, "return n * n // 2", "return n * (n + 1) // 2")
    proofs = list(prove(tiny))
    assert [proof.holds for proof in proofs] == [True, True, False, True, True]
    assert exit_code(proofs) == 1


def test_a_lab_with_two_wrong_repairs_does_not_pass(tiny: Place):
    """Three are the least that a lab must have thought of."""
    text = tiny.source.read_text()
    begin = text.index("```{code-cell} ipython3\n:tags: [wrong]\n:fails: 9.1.b\n:title: leaves out the last")
    tiny.source.write_text(text[:begin] + text[text.index("```\n", begin + 3) + 4 :])
    proofs = list(prove(tiny))
    assert "the lab has 2 wrong repairs, at least 3 needed" in proofs[-1].problem
    assert exit_code(proofs) == 1


def test_a_shipped_exercise_that_already_passes_breaks_the_proof(tiny: Place):
    """There would be nothing to learn."""
    edit(tiny, 'steps["taken"] += 1  # TODO: fewer of these', "pass")
    first = next(prove(tiny))
    assert (first.failed, first.holds) == ([], False)


def test_a_check_that_never_says_anything_cannot_be_judged(tiny: Place):
    """No verdict is not a pass: an exercise that ends the cell early earns nothing."""
    edit(tiny, "from backlab import check,", "import os\nfrom backlab import check,")
    edit(tiny, 'with check("9.1.b"', 'if steps["taken"] < 99:\n    raise SystemExit\nwith check("9.1.b"')
    proofs = list(prove(tiny))
    assert not any(proof.holds for proof in proofs)
    assert exit_code(proofs) == 2


def test_a_broken_set_up_cannot_be_judged(tiny: Place):
    """That is the lab's fault, not the learner's."""
    edit(tiny, 'steps = {"taken": 0}', "raise RuntimeError('no server')")
    first = next(prove(tiny))
    assert "9-1-03-setup ended with RuntimeError: no server" in first.problem
    assert exit_code([first]) == 2


def test_an_exercise_that_raises_fails_its_checks(tiny: Place):
    """A learner's exception is a FAIL with its reason."""
    edit(tiny, "    answer = 0\n", "    answer = nothing\n")
    first = next(prove(tiny))
    assert first.verdicts == {"9.1.a": "FAIL", "9.1.b": "FAIL"}
    assert "NameError: name 'nothing' is not defined; look at line 2" in first.reasons["9.1.a"]


def test_each_lab_s_seconds_are_told_beside_its_budget(tiny: Place):
    """For CI, where they are read and not asserted."""
    argv = [sys.executable, "-m", "backlab.cli", "prove", tiny.id]
    environment = {**os.environ, "BACKLAB_BACKEND": "native"}
    done = subprocess.run(argv, capture_output=True, text=True, timeout=120, env=environment)
    assert re.search(rf"^lab {tiny.id} proved in \d+ s; budget 60 s \(native\)", done.stdout, re.M), done
