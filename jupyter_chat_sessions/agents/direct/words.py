"""What is said to words, which direct mode cannot answer: that it cannot, and what would run instead."""

from __future__ import annotations

import difflib

from .classify import path_in
from .commands import Command, describe, relevant_commands
from .python_or_prose import unknown_names

_NO_MODEL = (
    "No AI model is connected to this chat, so words are not answered here. Python, shell lines that begin with `!`"
    " and commands are run, in this chat's own folder:"
)
_SHELL_WORDS_TEXT = (
    "apt awk cd chmod conda cp curl du git grep ls mamba mkdir mv npm nvidia-smi pip pip3 ps pwd rm sed tar unzip uv wc"
    " wget whoami"
)
_SHELL_WORDS = frozenset(_SHELL_WORDS_TEXT.split())
"""Commands that are no English words: not `find` or `make`, as in "make a plot"."""
_KEPT_BY_THE_KERNEL = frozenset({"cd", "conda", "mamba", "pip"})
"""What acts on the Python that runs, so that a magic does it and a shell beside it would not."""


def answer_words(text: str, names: frozenset[str]) -> str:
    """An honest paragraph and the three commands that fit best, as Markdown."""
    path = path_in(text)
    fitting = (describe(_filled(each, path)) for each in relevant_commands(text))
    lines = [_NO_MODEL, "", *fitting, "", "`/model` says how to connect a model."]
    hint = _hint(text, names)
    return "\n".join([hint, "", *lines] if hint else lines)


def mention_file(path: str) -> str:
    """What can be done with a file that was only named."""
    return f"`{path}` is taken for a file: `/read {path}` shows it, `/files` lists what is in this chat's folder."


def _filled(command: Command, path: str | None) -> Command:
    if path is None or command.name != "read":
        return command
    return Command(command.name, f"/read {path}", command.help.partition(";")[0], command.act)


def _hint(text: str, names: frozenset[str]) -> str:
    """What the text nearly is: a shell line without its mark, or Python with a name that is not defined."""
    if not text or "\n" in text or len(text) > 200 or "`" in text:
        return ""
    first = text.split()[0]
    if first in _SHELL_WORDS and first not in names and not text.endswith("?"):
        mark = "%" if first in _KEPT_BY_THE_KERNEL else "!"
        return f"As a shell command: `{mark}{text}`."
    missing = unknown_names(text, names)
    if len(missing) == 1 and _may_be_a_name(text, names):
        return f"As Python: `{missing[0]}` is not defined; `/run {text}` runs it all the same."
    return ""


def _may_be_a_name(text: str, names: frozenset[str]) -> bool:
    """Whether more than a word: `dg.shape`, `n_rows`, `x`, or nearly a name that is defined."""
    return len(text) == 1 or not text.isalpha() or bool(difflib.get_close_matches(text, names, n=1, cutoff=0.8))
