"""Actions on the experiment itself: end every fault, let time pass.

Annotations stay real types here and beside, since `chaos discover` reads them: no `annotations` import.
"""

from chaos import theatre


def lift_faults() -> int:
    """End every fault of this experiment and say how many were on; safe to repeat."""
    return theatre.lift()


def watch(seconds: float) -> None:
    """Let the screens run on, so that the record shows what happens next."""
    theatre.watch(float(seconds))
