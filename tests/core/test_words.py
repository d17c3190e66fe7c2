"""The words by which a list knows a thread."""

from __future__ import annotations

import pytest

from jupyter_chat_sessions.core.words import first_said, gist


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Plot   the\nsales", "Plot the sales"),
        ("Like this:\n\n```python\nprint(1)\n```\n\nand then that", "Like this: and then that"),
        ("```python\nprint(1)\nprint(2)\n```", "print(1) print(2)"),
        ("~~~\nls\n~~~", "ls"),
        ("````md\n```python\nx\n```\n````", "```python x ```"),
        ("```python\nprint(1)", "print(1)"),
        ("say `this` and ``` that ``` too", "say `this` and ``` that ``` too"),
        ("```\n```", ""),
        ("", ""),
    ],
)
def test_code_fences_stay_out_of_a_title(text: str, expected: str) -> None:
    assert gist(text, 60) == expected


def test_a_long_text_is_cut_with_an_ellipsis() -> None:
    assert gist("word " * 40, 20) == "word word word word…"


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (["/model openai:gpt", "Plot the sales", "more"], "Plot the sales"),
        (["/help", "/model x", ""], "/help"),
        (["/run 2 + 2", "more"], "2 + 2"),
        (["/help", "/sh ls -la"], "ls -la"),
        (["/run ```python\nprint(1)\n```"], "print(1)"),
        (["/run", "words"], "words"),
        (["/data/sales.csv", "more"], "/data/sales.csv"),
        (["  /vars\n", "words"], "words"),
        (["1 /2", "words"], "1 /2"),
        (["", "words"], "words"),
        ([""], None),
    ],
)
def test_a_thread_is_known_by_its_first_words_that_are_no_command(said: list[str], expected: str | None) -> None:
    known: str | None = None
    for text in said:
        known = first_said(known, text, 60)
    assert known == expected
