"""The ways of confining a kernel, strongest first."""

from __future__ import annotations

from .backend import Backend, Launch, Report
from .plain import Plain

__all__ = ["BACKENDS", "Backend", "Launch", "Report", "backend_named", "choose_backend"]

BACKENDS: tuple[Backend, ...] = (Plain(),)


def choose_backend(backends: tuple[Backend, ...] = BACKENDS) -> tuple[Backend, Report]:
    """The strongest backend that works here, with its report."""
    refused: list[str] = []
    for backend in backends:
        report = backend.probe()
        if report.ok:
            gaps = (*report.gaps, *refused)
            return backend, Report(True, report.level, gaps, report.reason)
        refused.append(f"{backend.name} is not available: {report.reason}")
    raise LookupError("; ".join(refused) or "There is no backend to choose from.")


def backend_named(name: str, backends: tuple[Backend, ...] = BACKENDS) -> Backend:
    """The backend of that name."""
    for backend in backends:
        if backend.name == name:
            return backend
    known = ", ".join(backend.name for backend in backends)
    raise LookupError(f"There is no sandbox backend {name!r}; there are: {known}.")
