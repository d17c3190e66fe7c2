from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from jupyter_chat_sessions.sandbox.text import HeadAndTail, clip, plain


def test_colours_and_links_are_removed() -> None:
    assert plain("\x1b[31mred\x1b[39m \x1b]8;;http://x\x07link\x1b]8;;\x07\x1b[K.") == "red link."


def test_a_progress_bar_becomes_its_last_state() -> None:
    bar = "".join(f"\r{n}% |{'#' * n}|" for n in range(101))
    assert plain(f"start\n{bar}\ndone\r\n") == f"start\n100% |{'#' * 100}|\ndone\n"


def test_control_characters_do_not_reach_the_agent() -> None:
    assert plain("a\x00b\x07c\td\n") == "abc\td\n"


def test_a_short_text_is_not_clipped() -> None:
    assert clip("abc", 3, 0.35, "cut") == "abc"


def test_a_clipped_text_ends_and_begins_at_line_borders() -> None:
    text = "".join(f"line {n}\n" for n in range(1000))
    head, tail = clip(text, 1000, 0.35, "cut").split("\n[cut]\n")
    assert head.startswith("line 0\n")
    assert all(line in text.split("\n") for line in (head + "\n" + tail).split("\n"))
    assert tail.endswith("line 999\n")
    assert 1.5 < len(tail) / len(head) < 2.3


@given(st.text(max_size=300), st.integers(0, 100))
def test_a_clipped_text_is_never_longer_than_its_limit(text: str, limit: int) -> None:
    assert len(clip(text, limit, 0.35, "cut")) <= max(limit, 0)


@given(st.lists(st.text(max_size=40), max_size=40))
def test_the_head_and_tail_of_a_text_are_its_own_however_it_comes(pieces: list[str]) -> None:
    kept = HeadAndTail(10, 20)
    for piece in pieces:
        kept.add(piece)
    whole = "".join(pieces)
    assert kept.length == len(whole)
    if len(whole) <= 30:
        assert kept.text() == whole
    else:
        assert kept.text().startswith(whole[:10])
        assert kept.text().endswith(whole[-20:])
