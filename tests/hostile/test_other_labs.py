"""A submission of one lab finds no answer of another: not by import, not in a file, not in memory."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from backlab import course
from backlab.grading.grade import Grader
from backlab.sandbox import isolation
from backlab.sandbox.limits import Limits

pytestmark = [
    pytest.mark.long,
    pytest.mark.alone,  # it starts servers and asks for the level of isolation that others have found
]
LOOKS = {
    "imports what another lab's modules solve": """
import services.shop.pages as pages
from labs.m4_performance import n_plus_one
from labs.m4_performance.n_plus_one import strategies
from labs.m5_events.consumer_lag import capacity, rules
for answer in (strategies.by_hand, n_plus_one.by_hand, pages.eagerly, pages.LOADERS['repaired'],
               capacity.fewest, lambda: rules.RULES['age > 4 s'], lambda: n_plus_one.STRATEGIES['mixed']):
    try:
        answer()
    except Exception as error:
        assert type(error).__name__ == 'BorrowedFromTheLab', answer
    else:
        raise AssertionError(answer)
""",
    "reads another lab's files, and what Python has compiled of them": """
import pathlib, labs, services
LABS, SHOP = pathlib.Path(labs.__file__).parent, pathlib.Path(services.__file__).parent / 'shop'
OTHER = LABS / 'm4_performance/n_plus_one'
for place in (OTHER / 'strategies.py', SHOP / 'pages.py', LABS / 'm5_events/consumer_lag/rules.py',
              *OTHER.glob('__pycache__/strategies*.pyc'), *SHOP.glob('__pycache__/pages*.pyc'),
              OTHER / 'judge.py', LABS / 'source/m4_performance/02_n_plus_one.md'):
    try:
        found = place.read_bytes()
    except OSError:
        continue
    for secret in (b'selectinload(', b'joinedload(', b'ANSWERS', b'ages_s(sampl'):
        assert secret not in found, place
""",
    "digs for another lab's answers in memory": """
import gc
def gc_names():
    return ('eagerly', 'by_hand', 'ages_s', 'fewest', 'burrow')
for thing in gc.get_objects():
    if type(thing) is type(gc_names) and thing.__name__ in gc_names():
        assert 'BorrowedFromTheLab' in thing.__code__.co_names, thing
""",
}


@pytest.fixture(scope="module", params=["strong", "medium"])
def grader(request: pytest.FixtureRequest) -> Iterator[Grader]:
    """Lab 4.1 at each level that takes answers out of files."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BACKLAB_ISOLATION", request.param)
        isolation.reached.cache_clear()
        if isolation.reached().name != request.param:
            pytest.skip(f"this machine reaches {isolation.reached()}")
        with Grader(course.lab("4.1"), b"the key of the hostile course", Limits(seconds=6)) as made:
            yield made
    isolation.reached.cache_clear()


@pytest.mark.parametrize("looks", LOOKS)
def test_a_submission_of_4_1_finds_no_answer_of_another_lab(grader: Grader, looks: str) -> None:
    """The right curve gets its point, since the look before it found nothing and raised nothing."""
    last = max(grader.lab.solutions)
    cells = {i: cell.source for i, cell in enumerate(grader.lab.cells) if cell.role == "exercise"}
    report = grader.judge_cells({**cells, last: LOOKS[looks] + grader.lab.solutions[last]}, "mallory")
    said = {check.id: check.verdict for check in report.checks}
    assert said["4.1.e"] == "PASS", report.checks
