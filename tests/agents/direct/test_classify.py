from __future__ import annotations

import time

import pytest

from jupyter_chat_sessions.agents.direct.classify import Piece, classify, fenced_blocks, path_in

NAMES = frozenset({"x", "y", "df", "np", "total", "exit", "quit", "help"})
"""As a kernel with a few variables has them; IPython's own `exit` and `quit` among them."""

PYTHON = [
    "2+2",
    "2 + 2",
    "-1 ** 2",
    "'a' * 3",
    "[1, 2, 3]",
    "{'a': 1}",
    "x",
    "x, y",
    "x or y",
    "x is not y",
    "x - y",
    "x if y else total",
    "df.shape",
    "df['a']",
    "df[df.a > 3]",
    "df.head()",
    "frame.head()",
    "foo(1)",
    "print('hi')",
    "exit()",
    "undefined + 1",
    "undefined[0]",
    "p == 0.05",
    "a = 1",
    "a, b = 1, 2",
    "a += 1",
    "rate: float = 0.5",
    "import pandas as pd",
    "from math import pi",
    "def f(a):\n    return a",
    "class A:\n    pass",
    "for i in range(3):\n    print(i)",
    "for i in x: i",
    "if x: y",
    "while True:\n    break",
    "with open('f') as f:\n    text = f.read()",
    "try:\n    x\nexcept Exception:\n    pass",
    "lambda a: a",
    "[i for i in range(3)]",
    "f'{x}'",
    "'hello'",
    "await fetch()",
    "assert total == 3",
    "x in foo()",
    "(x, foo(y))",
    "del x",
    "sum(i * i for i in range(10))",
    "str.upper",
    "import numpy as np\n\nvalues = np.arange(3)\nvalues",
    "x = 3\nx",
    "# the answer\n42",
    "s = '''\n```python\nnot this\n```\n'''",
    "@cached\ndef f():\n    pass",
    # Python only IPython reads
    "%time df.head()",
    "%pip install pandas",
    "%matplotlib inline\nimport matplotlib.pyplot as plt",
    "%%bash\nls -la\necho done",
    "%%timeit\nsum(range(10))",
    "import os\n%cd data\nos.getcwd()",
    "files = !ls\nlen(files)",
    "!!ls",
    "!ls\nx = 1",
    "df?",
    "?df",
    "df.head??",
    "pandas.DataFrame?",
    "print?",
    ">>> 2 + 2",
    # with a syntax error, yet nothing but code
    "print('hello'",
    'print("hello my dear old friend"',
    "print 'hello'",
    "def f(:\n    return 1",
    "for i in range(3)\n    print(i)",
    "if x == 3\n    print(x)",
    "a = = 2",
    "a = (1,",
    "df['a' = 3",
    "import numpy as",
    "from math import",
    "2 +",
    "(2 + 3",
    "[1, 2, 3",
    "plt.plot(x, y",
    "print(x))",
    "class A(:\n    pass",
    "@cached\ndef f(a b):\n    pass",
]

WORDS = [
    "",
    "   \n ",
    "hello",
    "hi",
    "hello, world",
    "thanks",
    "yes",
    "no",
    "ok",
    "help",
    "exit",
    "quit",
    "pass",
    "continue",
    "break",
    "return",
    "return home",
    "raise awareness",
    "global warming",
    "print",
    "list",
    "max or min",
    "this is fine",
    "not working",
    "a or b",
    "data is ready",
    "yes and no",
    "cats in hats",
    "x-ray",
    "and/or",
    "input/output",
    "covid-19",
    "a lot",
    "None",
    "True",
    "...",
    "# a heading",
    "Note: check",
    "TODO: fix this",
    "Sales (2023)",
    "see [1]",
    "e.g",
    "really?",
    "what?",
    "why is x so large?",
    "What is 2+2?",
    "what is f(2)",
    "hello, print(x)",
    "not mean(x) or so",
    "a = b?",
    "plot it",
    "print the total",
    "import the data from sales.csv",
    "for each row, print the total",
    "for rows in the table plot the mean",
    "if the file is missing: what then",
    "with this data:\nplot the mean of each column",
    "Load the data (sales.csv) and plot it",
    "print(x) does not work",
    "f(x) = the integral of g over the unit interval",
    "result = the mean of the first column",
    "I ran this:\nx = foo(\nwhat is wrong with it?",
    "thanks\nx = 1",
    "what's it like, isn't it",
    "<3",
    "100%",
    "+",
    "!",
    "- buy milk\n- buy bread",
    "1. first\n2. second",
    "2024-01-05",
    "https://example.com",
    "bob@example.com",
    "привет, мир",
    "你好",
    "🎉",
    "ls",
    "ls -la",
    "pip install pandas",
    "git status",
    "```json\n{}\n```",
]


@pytest.mark.parametrize("text", PYTHON)
def test_code_is_run_as_it_stands(text: str) -> None:
    assert classify(text, NAMES) == (Piece("python", text),)


@pytest.mark.parametrize("text", WORDS)
def test_words_are_never_run(text: str) -> None:
    assert [piece.kind for piece in classify(text, NAMES)] == ["words"]


@pytest.mark.parametrize(
    ("text", "names", "kind"),
    [
        ("x", {"x"}, "python"),
        ("x", set(), "words"),
        ("working", {"working"}, "python"),
        ("not working", {"working"}, "python"),
        ("sum", set(), "words"),
        ("sum", {"sum"}, "python"),
        ("Sales (2023)", {"Sales"}, "python"),
        ("df.csv", {"df"}, "python"),
        ("df.csv", set(), "file"),
        ("why?", {"why"}, "python"),
    ],
)
def test_a_name_is_code_once_it_is_defined(text: str, names: set[str], kind: str) -> None:
    assert [piece.kind for piece in classify(text, frozenset(names))] == [kind]


@pytest.mark.parametrize(
    "text", ["sales.csv", "main.py", "data/sales-2023.csv", "my-file.txt", "./notes", "data/", "/tmp/a.log", "~/a.txt"]
)
def test_one_word_that_is_a_path_is_a_file(text: str) -> None:
    assert classify(text, NAMES) == (Piece("file", text),)


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("!ls -la", [("shell", "ls -la")]),
        ("!touch a\n\n!ls", [("shell", "touch a"), ("shell", "ls")]),
        ("/help", [("command", "help")]),
        ("/run x = 1\nx", [("command", "run x = 1\nx")]),
        ("/nonsense", [("command", "nonsense")]),
        ("    x = 1\n    x", [("python", "x = 1\nx")]),
        ("\n\n  2+2\n", [("python", "2+2")]),
        ("x = 1\r\nx", [("python", "x = 1\nx")]),
        ("```python\nx = 1\n```", [("python", "x = 1")]),
        ("```\nthis is not judged\n```", [("python", "this is not judged")]),
        ("~~~py\n1\n~~~", [("python", "1")]),
        ("```{python}\n1\n```", [("python", "1")]),
        ("First\n```py\n1\n```\nthen\n```bash\nls\n```\nlast", [("python", "1"), ("shell", "ls")]),
        ("```json\n{}\n```\n```sh\nls\n```", [("shell", "ls")]),
        ("````\n```\ninner\n```\n````", [("python", "```\ninner\n```")]),
        ("```python\nleft = 'open'", [("python", "left = 'open'")]),
        ("```python\n```", [("words", "```python\n```")]),
    ],
)
def test_a_message_becomes_its_pieces_in_order(text: str, pieces: list[tuple[str, str]]) -> None:
    assert [(piece.kind, piece.text) for piece in classify(text, NAMES)] == pieces


def test_a_pasted_traceback_is_read_and_not_run() -> None:
    traceback = "Traceback (most recent call last):\n  File \"a.py\", line 1, in <module>\nKeyError: 'a'"
    assert classify(traceback) == (Piece("traceback", traceback),)
    assert classify(f"Why?\n```\n{traceback}\n```") == (Piece("traceback", traceback),)


def test_pieces_of_several_do_not_depend_on_what_is_defined() -> None:
    for text in ("```\nx\n```\n```\ny\n```", "!ls\n!pwd"):
        assert classify(text) == classify(text, NAMES)
        assert len(classify(text)) == 2


@pytest.mark.parametrize(
    "text",
    [
        "a" * 200_000,
        "a." * 100_000,
        "a/" * 100_000,
        "(" * 100_000,
        "if a" * 50_000,
        "word " * 40_000,
        "a b\n" * 40_000,
        "'" * 100_001,
        "a = " * 50_000,
        "x\0y",
        "\ud800",
        "-" * 200_000 + "1",
        "```\n" * 50_001,
    ],
    ids=lambda text: repr(text[:6]),
)
def test_no_text_is_slow_or_raises(text: str) -> None:
    before = time.process_time()
    assert classify(text, NAMES)
    assert time.process_time() - before < 1


def test_fenced_blocks_name_their_language() -> None:
    assert fenced_blocks("a\n```Python title=x\n1\n```\n~~~\n2\n~~~") == (("python", "1"), ("", "2"))


@pytest.mark.parametrize(
    ("text", "path"),
    [("please open `data/sales.csv`, then", "data/sales.csv"), ("plot sales.csv.", "sales.csv"), ("e.g. this", None)],
)
def test_a_file_named_in_a_sentence_is_found(text: str, path: str | None) -> None:
    assert path_in(text) == path
