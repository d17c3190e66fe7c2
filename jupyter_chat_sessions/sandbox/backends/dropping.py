"""Whom a confined kernel runs as. Limits on processes do not hold for root: a root server's kernels are another's."""

from __future__ import annotations

import os
import zlib

from .backend import Launch

_FIRST, _SPAN = 60_600, 500
"""A range that neither accounts nor the service manager give to anyone."""


def drop_to(launch: Launch) -> int | None:
    """The user (and group) the kernel is to run as; `None`: the server's own, which is not root."""
    if os.getuid() != 0:
        return None
    if launch.policy.uid is not None:
        if launch.policy.uid <= 0:
            raise OSError("Kernels are not run as root; name another user.")
        return launch.policy.uid
    return _FIRST + zlib.crc32(os.fsencode(launch.folder)) % _SPAN
