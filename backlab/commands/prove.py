"""`backlab prove`: does the lab fail as shipped, pass when repaired, and catch wrong repairs?"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping

import click

from backlab.commands._which import which_labs

BUDGET_S = {"native": 60, "container": 75}  # told, and not asserted


@click.command(name="prove")
@which_labs
@click.option("--times", default=1, show_default=True, help="How often the reference repair must pass.")
@click.option(
    "--jobs", type=click.IntRange(1), help="Variants at a time. Default: what cores and memory allow."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def command(
    labs: tuple[str, ...], module: int | None, every: bool, times: int, jobs: int | None, as_json: bool
) -> int:
    """Prove LABs: only set-up, exercise and check cells run.

    Exit code 0 when everything holds, 1 when something does not, 2 when something could not be judged.

    \b
    Example: backlab prove 4.2 --times 20
             backlab prove --all
    """
    from backlab import course
    from backlab.authoring.prove import exit_code, prove
    from backlab.screen import Screen

    codes, rows, took_s = [], [], {}
    for place in course.chosen(labs, module, every):
        proofs, began = [], time.monotonic()
        with Screen() as screen:
            if not as_json:
                screen.say(f"lab {place.id}  {place.title}", "bold")
            tell = lambda variant: screen.status(f"  running {variant}", now=True)  # noqa: E731 - one line says it
            for proof in prove(place, times, tell, jobs):
                proofs.append(proof)
                if not as_json:
                    _row(screen, proof)
            if not as_json:
                _closing(screen, place, proofs, time.monotonic() - began)
        took_s[place.id] = time.monotonic() - began
        codes.append(exit_code(proofs))
        rows += [{"lab": place.id, **vars(p), "holds": p.holds, "judged": p.judged} for p in proofs]
    if not as_json:
        _took(took_s)
    if as_json:
        click.echo(json.dumps(rows, indent=1))
    return max(codes, default=0)


def _took(took_s: Mapping[str, float]) -> None:
    """The seconds of each lab for CI, beside what it should take on a machine that does nothing else."""
    from services.backends import choose

    backend = choose()
    budget_s = BUDGET_S[backend]
    for lab, seconds in took_s.items():
        over = f", {seconds - budget_s:.0f} s over" if seconds > budget_s else ""
        click.echo(f"lab {lab} proved in {seconds:.0f} s; budget {budget_s} s ({backend}){over}")


def _row(screen, proof) -> None:  # type: ignore[no-untyped-def]  # Screen and Proof, imported when needed
    """One line of the table: verdict, variant, checks that failed, seconds."""
    failed = "fails " + ", ".join(proof.failed) if proof.failed else "passes all"
    if proof.problem:
        failed = "could not be judged"
    sign, colour = ("holds", "green") if proof.holds else ("BROKEN", "red")
    screen.say(
        f"  {screen.paint(sign.ljust(7), colour)} {proof.variant:<44.44}  {failed:<36} {proof.seconds:5.1f} s"
    )
    if proof.holds:
        return
    if proof.problem:
        screen.say(f"          {proof.problem}")
        return
    screen.say(f"          expected to fail: {', '.join(proof.should_fail) or 'none'}")
    for id in proof.failed:
        screen.say(f"          {proof.verdicts[id]} {id}: {proof.reasons.get(id, 'it printed nothing')}")


def _closing(screen, place, proofs, took_s) -> None:  # type: ignore[no-untyped-def]  # as above
    """How long it took, what the parts would take one after the other, and what was not tried."""
    from backlab.grading.contract import has_judge

    stages = {"kernels": sum(proof.seconds for proof in proofs if not proof.stages)}
    for proof in proofs:
        for name, seconds in proof.stages.items():
            stages[name] = stages.get(name, 0.0) + seconds
    said = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in stages.items())
    screen.say(f"  {len(proofs)} variants in {took_s:.0f} s, side by side: {said}", "dim")
    if not has_judge(place):
        screen.say(
            "  not graded: the lab has no judge yet, see CONTRIBUTING.md, how a lab is judged", "yellow"
        )
