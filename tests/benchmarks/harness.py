"""Measuring two things against each other on a machine that is doing other things too.

Both sides run in one process run, interleaved, in random order inside each round, the first round dropped. What is
said is the median of the rounds' ratios with its 95 % interval, and beside it a control: the second side against
itself, measured in the same rounds. Where the control is off by more than 15 %, nothing is claimed.
"""

from __future__ import annotations

import os
import platform
import random
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any

Measure = Callable[[], float]
"""Does one side's work once and gives what it cost."""

CONTROL_LIMIT = 0.15
_RESAMPLES = 2000


@dataclass(frozen=True, slots=True)
class Comparison:
    """Ours over the other's, round by round. `low` to `high` is the 95 % interval of the median."""

    ours: float
    other: float
    ratio: float
    low: float
    high: float
    control: float
    """The other side over itself: 1 where the machine is quiet."""
    rounds: int

    @property
    def is_sound(self) -> bool:
        """Whether the control allows a claim."""
        return abs(self.control - 1) <= CONTROL_LIMIT


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table. `limit` is the gate: missed only when `low` is above it. `None`: shown, not judged."""

    id: str
    what: str
    value: float
    low: float
    high: float
    unit: str
    goal: str
    limit: float | None = None
    note: str = ""
    is_sound: bool = True

    @property
    def is_missed(self) -> bool:
        """Whether the whole interval lies above the limit, on a machine quiet enough to tell."""
        return self.limit is not None and self.is_sound and self.low > self.limit

    def record(self) -> dict[str, Any]:
        """As JSON."""
        return {**asdict(self), "is_missed": self.is_missed}


def compare(ours: Measure, other: Measure, rounds: int, seed: int = 1) -> Comparison:
    """Both sides `rounds` times, and the other once more in each round as the control."""
    order = random.Random(seed)
    sides: dict[str, Measure] = {"ours": ours, "other": other, "control": other}
    costs: list[dict[str, float]] = []
    for _ in range(rounds + 1):
        names = order.sample(sorted(sides), len(sides))
        costs.append({name: sides[name]() for name in names})
    costs = costs[1:]
    ratios = [cost["ours"] / cost["other"] for cost in costs]
    low, high = interval(ratios, order)
    return Comparison(
        ours=statistics.median(cost["ours"] for cost in costs),
        other=statistics.median(cost["other"] for cost in costs),
        ratio=statistics.median(ratios),
        low=low,
        high=high,
        control=statistics.median(cost["control"] / cost["other"] for cost in costs),
        rounds=rounds,
    )


def interval(values: Sequence[float], order: random.Random | None = None) -> tuple[float, float]:
    """The 95 % bootstrap interval of the median."""
    order = order or random.Random(1)
    medians = sorted(statistics.median(order.choices(values, k=len(values))) for _ in range(_RESAMPLES))
    return medians[int(0.025 * _RESAMPLES)], medians[int(0.975 * _RESAMPLES)]


def timed(work: Callable[[], object]) -> Measure:
    """The seconds a piece of work takes by the wall clock."""

    def measure() -> float:
        began = time.perf_counter()
        work()
        return time.perf_counter() - began

    return measure


def surroundings() -> dict[str, Any]:
    """What a figure depends on beside the code: the machine's kind, its load, and versions."""
    packages = ("jupyter_chat_sessions", "jupyter_server", "tornado", "jupyter_client", "ipykernel")
    return {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()}",
        "cores": os.cpu_count(),
        "load": [round(each, 2) for each in os.getloadavg()],
        "versions": {name: found for name in packages if (found := _version(name))},
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
