"""When a script tries again."""

from __future__ import annotations

from jupyter_chat_sessions.kernel.coming_back import LONGEST_PAUSE_S, attempt_after, pause_before


def test_pauses_double_to_a_cap_half_left_to_chance_and_a_good_connection_makes_a_fresh_start() -> None:
    assert [pause_before(attempt, 1.0) for attempt in (1, 2, 3, 6, 10**9)] == [0.2, 0.4, 0.8, 5.0, LONGEST_PAUSE_S]
    assert pause_before(4, 0.0) == pause_before(4, 1.0) / 2
    assert (attempt_after(0, 60.0), attempt_after(6, 0.1), attempt_after(6, 5.0)) == (1, 7, 1)
