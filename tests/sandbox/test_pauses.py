"""What failed is left alone for a while, longer each time; what worked is not."""

from __future__ import annotations

from jupyter_chat_sessions.sandbox.pauses import Pauses


def test_each_has_its_own_pause_and_success_ends_what_had_grown() -> None:
    now = [0.0]
    pauses = Pauses(lambda: now[0])
    for _ in range(3):
        pauses.failed("here")
    pauses.failed("there")
    now[0] = 10.0
    assert (pauses.is_over("here"), pauses.is_over("there"), pauses.is_over("elsewhere")) == (False, True, True)
    now[0] = 40.0
    assert pauses.is_over("here")
    pauses.worked("here")
    pauses.failed("here")
    now[0] = 50.0
    assert pauses.is_over("here"), "it begins anew"
