"""Where tools run: each thread's own folder, and the kernel that lives in it."""

from __future__ import annotations

from .kernels import SandboxKernels
from .policy import SandboxPolicy
from .runner import SandboxRunner

__all__ = ["SandboxKernels", "SandboxPolicy", "SandboxRunner"]
