"""Measures, and prints a table: `python -m tests.benchmarks.run [--quick] [--json FILE] [m06_append …]`.

Ends with 1 only where a ratio's whole interval is above its limit. Times are shown and not judged: they are the
machine's. What can be counted exactly is held by tests/test_costs.py.
"""

from __future__ import annotations

import argparse
import json
from importlib import import_module
from pathlib import Path

from .harness import Figure, surroundings

MEASUREMENTS = (
    "m01_stream",
    "m02_provider",
    "m03_websocket",
    "m04_unread",
    "m05_joining",
    "m06_append",
    "m09_lists",
    "m10_kernels",
    "m11_load",
    "m13_render",
)


def main() -> int:
    """Runs what was asked for."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.run", description=__doc__)
    parser.add_argument("measurements", nargs="*", metavar="measurement", help=", ".join(MEASUREMENTS))
    parser.add_argument("--quick", action="store_true", help="fewer rounds: seconds instead of minutes")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures and the surroundings there too")
    asked = parser.parse_args()
    unknown = set(asked.measurements) - set(MEASUREMENTS)
    if unknown:
        parser.error(f"there is no {', '.join(sorted(unknown))}; there is {', '.join(MEASUREMENTS)}")
    before = surroundings()
    figures = [
        figure
        for name in asked.measurements or MEASUREMENTS
        for figure in import_module(f".{name}", __package__).measure(asked.quick)
    ]
    print_table(figures)
    print(json.dumps({"before": before, "load after": surroundings()["load"]}))
    if asked.json:
        record = {"before": before, "after": surroundings(), "figures": [figure.record() for figure in figures]}
        asked.json.write_text(json.dumps(record, indent=1) + "\n")
    return int(any(figure.is_missed for figure in figures))


def print_table(figures: list[Figure]) -> None:
    """One line a figure, and what to know about it below."""
    print(f"{'':4} {'what':46} {'median':>9} {'95 % interval':>17} {'goal':>10}")
    for figure in figures:
        span = f"{figure.low:.2f} to {figure.high:.2f}"
        said = "missed" if figure.is_missed else "" if figure.is_sound else "the machine is too busy to tell"
        print(
            f"{figure.id:4} {figure.what:46} {figure.value:6.2f} {figure.unit:>2} {span:>17} {figure.goal:>10} {said}"
        )
        print(f"     {figure.note}")


if __name__ == "__main__":
    raise SystemExit(main())
