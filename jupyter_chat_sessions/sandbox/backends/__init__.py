"""The ways of confining a kernel, strongest first."""

from __future__ import annotations

import sys
from dataclasses import replace

from .backend import Backend, Launch, Report
from .plain import Plain

__all__ = ["BACKENDS", "Backend", "Launch", "Report", "backend_named", "choose_backend", "chosen_backend", "report_on"]


def _all() -> tuple[Backend, ...]:
    if sys.platform != "linux":
        return (Plain(),)
    from .bubblewrap import Bubblewrap
    from .landlock import Landlock

    return (Bubblewrap(), Landlock(), Plain())


BACKENDS: tuple[Backend, ...] = _all()


def choose_backend(backends: tuple[Backend, ...] = BACKENDS) -> tuple[Backend, Report]:
    """The strongest backend that works here, with its report. Blocks the first time: it tries them."""
    refused: list[str] = []
    for backend in backends:
        report = backend.probe()
        if report.ok:
            return backend, replace(report, gaps=(*report.gaps, *refused))
        refused.append(f"{backend.name} is not available: {report.reason}")
    raise LookupError("; ".join(refused) or "There is no backend to choose from.")


def backend_named(name: str, backends: tuple[Backend, ...] = BACKENDS) -> Backend:
    """The backend of that name."""
    for backend in backends:
        if backend.name == name:
            return backend
    known = ", ".join(backend.name for backend in backends)
    raise LookupError(f"There is no sandbox backend {name!r}; there are: {known}.")


def chosen_backend(choice: str) -> Backend:
    """The backend of that name, or for `auto` the strongest. `LookupError` where it does not work here. Blocks."""
    if choice == "auto":
        return choose_backend()[0]
    backend = backend_named(choice)
    report = backend.probe()
    if not report.ok:
        raise LookupError(f"{backend.name} is not available: {report.reason}")
    return backend


def report_on(choice: str) -> Report:
    """What the chosen backend does here. Blocks the first time."""
    return choose_backend()[1] if choice == "auto" else backend_named(choice).probe()
