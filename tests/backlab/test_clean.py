"""`backlab clean` removes what can be made again, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from backlab import course
from backlab.commands import clean
from backlab.course import Place
from services import prepared_images
from services.engine import Engine


@pytest.fixture
def out(tiny: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The out/ of a course of this test's own, with a picture and a cohort's reports; a cache with a jar."""
    for path in (
        "out/9.1/finding.png",
        "out/saved.ipynb",
        "out/grades/autumn/points.csv",
        "cache/jars/a.jar",
    ):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text("x")
    monkeypatch.setenv("BACKLAB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(prepared_images, "PREPARED", "backlab/prepared-for-a-test")
    return tmp_path / "out"


def cleaned(*arguments: str) -> str:
    """What the command says."""
    done = CliRunner().invoke(clean.command, list(arguments), catch_exceptions=False)
    assert done.exit_code == 0
    return done.output


def test_pictures_go_and_the_reports_of_cohorts_stay(out: Path) -> None:
    """An instructor's grades are no picture; nor are caches touched without being asked."""
    said = cleaned()
    assert "kept out/grades/" in said
    assert [path.name for path in out.iterdir()] == ["grades"]
    assert (out / "grades/autumn/points.csv").exists()
    assert (out.parent / "cache/jars/a.jar").exists()


def test_caches_go_when_asked(out: Path) -> None:
    """And a second time there is nothing to remove, which is no error."""
    assert "removed cache" in cleaned("--caches")
    assert not (out.parent / "cache/jars").exists()
    assert (out / "grades/autumn/points.csv").exists()
    cleaned("--caches")


@pytest.mark.container
def test_prepared_images_are_caches_too(out: Path) -> None:
    """All that bear the name go; nobody else's."""
    engine = Engine.connect()
    engine.ask("POST", f"/images/redis:8/tag?repo={prepared_images.PREPARED}&tag=one")
    assert engine.image(f"{prepared_images.PREPARED}:one")
    assert "removed 1 prepared image" in cleaned("--caches")
    assert not engine.image(f"{prepared_images.PREPARED}:one")
    assert engine.image("redis:8")
    assert course.out("grades").exists()
