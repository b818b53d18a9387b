"""The judge: every check of a lab, one after the other, outside the sandbox; no report is no pass.

contract.checks --(verdict, room, scene)--> Judged(PASS | FAIL | INCONCLUSIVE, measured, bound, reason)
"""

from __future__ import annotations

from typing import Any

from backlab.authoring.source import Lab
from backlab.check import Verdict, describe
from backlab.grading.contract import Contract
from backlab.grading.report import Judged
from backlab.grading.room import GuestError, Room


def judge(lab: Lab, contract: Contract, room: Room) -> list[Judged]:
    """Judge every check; what the judge itself cannot do is INCONCLUSIVE."""
    try:
        scene = contract.scene(room)
    except Exception as error:
        reason = f"the servers of the judge: {describe(error)}"
        return [Judged(check.check_id, check.check_text, "INCONCLUSIVE", reason) for check in lab.checks]
    room.wait()
    return [_one(check.check_id, check.check_text, contract, room, scene) for check in lab.checks]


def _one(id: str, text: str, contract: Contract, room: Room, scene: Any) -> Judged:
    verdict = Verdict(id, text)
    try:
        contract.checks[id](verdict, room, scene)
        if not verdict.judged:
            verdict.inconclusive("the judge judged nothing")
    except GuestError as error:
        verdict.true(False, str(error))
    except Exception as error:
        # only the type: a trigger in the guest's database could put hidden values into the message
        verdict.inconclusive(f"the judge was stopped by {type(error).__name__}")
    return Judged(
        id, text, verdict.verdict, verdict.reason, verdict.facts.get("measured"), verdict.facts.get("bound")
    )
