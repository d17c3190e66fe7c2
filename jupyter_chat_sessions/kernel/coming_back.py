"""When to try again after a connection has broken, and when not to."""

from __future__ import annotations

FIRST_PAUSE_S = 0.2
LONGEST_PAUSE_S = 5.0
STEADY_S = 5.0
"""A connection that held this long was a good one."""

FOR_GOOD = frozenset(
    {"invalid_thread_id", "not_found", "thread_not_found", "thread_deleted", "unreadable"}
    | {"forbidden", "unauthorized", "share_expired", "share_revoked"}
)
"""The codes of refusals that another try would meet again."""


def pause_before(attempt: int, chance: float) -> float:
    """Seconds before attempt number `attempt`, 1 being the first: doubling up to the longest, half left to chance."""
    pause = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2.0 ** min(attempt - 1, 16))
    return pause / 2 + pause / 2 * chance


def attempt_after(attempt: int, lived_s: float) -> int:
    """The number of the next attempt: one that held makes a fresh start, one that broke at once counts on."""
    return 1 if lived_s >= STEADY_S else attempt + 1
