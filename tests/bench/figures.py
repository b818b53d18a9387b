"""Measures every figure and prints the table: ours, the anchor's, how many times better, what is required.

    make bench                                    all of them, three minutes
    python -m tests.bench.figures start wire      some of them
    python -m tests.bench.figures ratios          judged by the ratio alone, for machines with slow minutes

Exit code 1 if one falls short.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence

from tests.bench.figure import Figure

MODULES = ("start", "kafka", "rows", "wire", "load", "judge", "setup")
HEAD = ["figure", "ours", "anchor", "better", "required", "", "the anchor"]


def measured(modules: Sequence[str]) -> list[Figure]:
    """The figures of these modules, each told on stderr as it comes."""
    found = []
    for name in modules:
        print(f"measuring {name} ...", file=sys.stderr, flush=True)
        for figure in importlib.import_module(f"tests.bench.{name}").figures():
            print(f"  {'  '.join(figure.row())}", file=sys.stderr, flush=True)
            found.append(figure)
    return found


def table(figures: Sequence[Figure]) -> str:
    """All in columns."""
    rows = [HEAD, *(figure.row() for figure in figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEAD))]
    lines = ["  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)) for row in rows]
    return "\n".join(line.rstrip() for line in lines)


def main(arguments: list[str]) -> int:
    """0 if every figure holds."""
    ratios = "ratios" in arguments
    figures = measured([name for name in arguments if name != "ratios"] or MODULES)
    print(table(figures))
    short = [figure.name for figure in figures if not (figure.beats_anchor if ratios else figure.holds)]
    print(f"short: {', '.join(short)}" if short else "every figure holds")
    return 1 if short else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
