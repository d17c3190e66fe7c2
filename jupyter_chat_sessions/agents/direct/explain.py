"""What an error means, by rule and in plain English. Only what the tool's result and the known names say is said.

One function a kind of error, found in `_RULES` by the exception's name. Each gives Markdown, one or two sentences.
"""

from __future__ import annotations

import builtins
import difflib
import re
import sys
from collections.abc import Callable, Iterable

from .failure import Failure

_Rule = Callable[[Failure, frozenset[str]], str]

PACKAGES = {
    "attr": "attrs",
    "bs4": "beautifulsoup4",
    "Crypto": "pycryptodome",
    "cv2": "opencv-python",
    "dateutil": "python-dateutil",
    "docx": "python-docx",
    "dotenv": "python-dotenv",
    "fitz": "pymupdf",
    "git": "gitpython",
    "jwt": "pyjwt",
    "MySQLdb": "mysqlclient",
    "OpenSSL": "pyopenssl",
    "PIL": "pillow",
    "pptx": "python-pptx",
    "serial": "pyserial",
    "skimage": "scikit-image",
    "sklearn": "scikit-learn",
    "umap": "umap-learn",
    "yaml": "pyyaml",
    "zmq": "pyzmq",
}
"""Modules whose package has another name on PyPI."""

_COMMON_MODULES_TEXT = (
    "bokeh dask duckdb matplotlib networkx numpy openpyxl pandas plotly polars requests scipy seaborn sklearn"
    " statsmodels sympy torch xarray"
)
_COMMON_MODULES = frozenset(_COMMON_MODULES_TEXT.split())
_COMMON_IMPORTS = {
    "Counter": "from collections import Counter",
    "Path": "from pathlib import Path",
    "date": "from datetime import date",
    "defaultdict": "from collections import defaultdict",
    "np": "import numpy as np",
    "pd": "import pandas as pd",
    "pl": "import polars as pl",
    "plt": "import matplotlib.pyplot as plt",
    "px": "import plotly.express as px",
    "sns": "import seaborn as sns",
    "sqrt": "from math import sqrt",
    "xr": "import xarray as xr",
}


def explain(failure: Failure, names: frozenset[str]) -> str:
    """What went wrong and what may help, as Markdown; `names` are those defined in the kernel."""
    if not _is_raised(failure):
        for pattern, text, advice in _CONDITIONS:
            if pattern.search(failure.error):
                return f"{failure.notice or text} {advice}".strip()
    if not failure.exception:
        return _without_exception(failure.error)
    return _RULES.get(failure.exception, _any_exception)(failure, names)


def _is_raised(failure: Failure) -> bool:
    """Whether the code's own exception is all there is; what stops code from outside raises `KeyboardInterrupt`."""
    if failure.exception in ("", "KeyboardInterrupt"):
        return False
    told = bool(failure.message) and failure.message[:80] in failure.error
    return not failure.error or failure.exception in failure.error or told


_NO_MEMORY = "There was not enough memory."
_LESS = "Working on less at a time may help; `/reset` frees what Python holds."
_STOPPED = "It was stopped. What it had printed and written until then is kept."
_CONDITIONS = tuple(
    (re.compile(pattern, re.IGNORECASE), text, advice)
    for pattern, text, advice in (
        (r"could not be started", "Python could not be started, so nothing was run.", ""),
        (r"timed? ?out|time limit", "It was stopped at its time limit.", "Smaller steps may finish in time."),
        (r"out of memory|memory limit|\boom\b", _NO_MEMORY, _LESS),
        (r"restarted", "Python was restarted during the call. Variables are gone; files remain.", ""),
        (
            r"\b(?:died|crashed|kernel_died)\b|\b(?:kernel|python)\b.*\b(?:ended|exited|killed)\b",
            "Python ended while it ran this. Variables are gone; files remain.",
            "The next code starts a new Python.",
        ),
        (r"cancel|interrupted|stopped|aborted", _STOPPED, ""),
    )
)
"""What ends a call from outside, by the words of its error; said as the result's own notice says it, if it has one."""


def _without_exception(error: str) -> str:
    """A failure of a shell command or of a tool itself."""
    status = re.search(r"\bexit(?:ed)?\b\D{0,20}(\d+)", error)
    if status is None:
        return f"It did not work: {_first_line(error)}"
    if status[1] == "127":
        return "The shell found no such command (exit status 127)."
    return f"The command ended with exit status {status[1]}."


# --- one rule a kind of error ----------------------------------------------------------------------------------------


def _missing_module(failure: Failure, names: frozenset[str]) -> str:
    found = re.search(r"No module named '?([\w.]+)'?", failure.message)
    if found is None:
        return _any_exception(failure, names)
    root, _, inner = found[1].partition(".")
    if inner and root not in PACKAGES:
        return f"`{root}` is there, but has no module `{inner}` in the version that is installed."
    package = PACKAGES.get(root, root)
    named = f" It comes with the package `{package}`." if package != root else ""
    install = (
        f"`pip install {package}` in a terminal, in the environment Jupyter runs in, brings it;"
        f" `%pip install {package}` here does where the chat has a network."
    )
    close = _closest(root, _COMMON_MODULES, 0.75) or _closest(root, sys.stdlib_module_names, 0.75)
    if close and not named:  # a name with a typo must not be installed without a second look
        return f"The module `{root}` is not installed. Did you mean {_quoted(close[:1])}? If not, {install}"
    return f"The module `{root}` is not installed.{named} {install}"


def _cannot_import(failure: Failure, names: frozenset[str]) -> str:
    found = re.search(r"cannot import name '(\w+)' from '([\w.]+)'", failure.message)
    if found is None:
        return _any_exception(failure, names)
    return f"`{found[2]}` is installed, but this version of it has no `{found[1]}`."


def _unknown_name(failure: Failure, names: frozenset[str]) -> str:
    found = re.search(r"name '(\w+)' is not defined", failure.message)
    if found is None:
        return _any_exception(failure, names)
    name = found[1]
    text = f"`{name}` is not defined."
    close = _closest(name, names | frozenset(dir(builtins)))
    if name in _COMMON_IMPORTS:
        text += f" `{_COMMON_IMPORTS[name]}` defines it."
    elif name in sys.stdlib_module_names:
        text += f" `import {name}` defines it."
    elif close:
        text += f" Did you mean {_quoted(close)}?"
    if failure.fresh is not None:
        text += " Python was started anew before this call, so what was defined earlier is gone."
    return text


def _unknown_attribute(failure: Failure, names: frozenset[str]) -> str:
    found = re.search(r"(module |)'([\w.]+)'(?: object)? has no attribute '(\w+)'", failure.message)
    if found is None:
        return _any_exception(failure, names)
    is_module, kind, attribute = bool(found[1]), found[2], found[3]
    if kind == "NoneType":
        return f"The value before `.{attribute}` is `None`: what made it gave nothing back."
    suggested = re.search(r"Did you mean: '(\w+)'", failure.message + failure.traceback)
    close = [suggested[1]] if suggested else _closest(attribute, _attributes_of(kind))
    guess = f" Did you mean {_quoted(close)}?" if close else ""
    return (
        f"{'The module' if is_module else 'A'} `{kind}` has no `.{attribute}`.{guess or ' `dir(…)` lists what it has.'}"
    )


def _attributes_of(kind: str) -> list[str]:
    """Those of a built-in type, the same in every Python; of others nothing is known here."""
    known = getattr(builtins, kind, None)
    return dir(known) if isinstance(known, type) else []


def _unknown_key(failure: Failure, names: frozenset[str]) -> str:
    found = re.fullmatch(r"(['\"]?)([^'\"\[\]]+)\1", failure.message.strip())
    hint = "`list(…)` of a dictionary or a table gives its keys or columns."
    if found is None:
        return f"{_any_exception(failure, names)} {hint}"
    key = found[2]
    if found[1] and key in names:
        return f"There is no key `'{key}'`. There is a variable `{key}`: without quotes it is its value."
    close = _closest(key, names)
    similar = f" A variable has a similar name: {_quoted(close[:1])}." if close else ""
    return f"There is no key `{failure.message.strip()}`.{similar} {hint}"


def _missing_file(failure: Failure, names: frozenset[str]) -> str:
    found = re.search(r"['\"]([^'\"]+)['\"]\s*$", failure.message)
    if found is None:
        return _any_exception(failure, names)
    path = found[1]
    close = _closest(path, failure.files)
    guess = f" Did you mean {_quoted(close)}?" if close else ""
    return f"There is no file `{path}`.{guess} Code runs in this chat's own folder; `/files` lists what is in it."


def _no_permission(failure: Failure, names: frozenset[str]) -> str:
    found = re.search(r"['\"]([^'\"]+)['\"]\s*$", failure.message)
    what = f"`{found[1]}`" if found else "That"
    return f"{what} may not be used from here. Files in this chat's own folder may; `/files` lists them."


def _syntax(failure: Failure, names: frozenset[str]) -> str:
    reason, line = re.fullmatch(r"(.*?)\s*(?:\([^()]*?line (\d+)\))?\s*", failure.message, re.DOTALL).groups()  # type: ignore[union-attr]
    where = f"line {line}" if line else "this"
    return f"Python cannot read {where}: {reason or 'invalid syntax'}. Nothing of it was run."


def _memory(failure: Failure, names: frozenset[str]) -> str:
    return f"{_NO_MEMORY} {_LESS}"


def _stopped(failure: Failure, names: frozenset[str]) -> str:
    return _STOPPED


def _asks(failure: Failure, names: frozenset[str]) -> str:
    return "Code that waits for input cannot be answered here. Put the value into the code instead of `input()`."


def _no_network(failure: Failure, names: frozenset[str]) -> str:
    return f"{_any_exception(failure, names)} The address was not reached; there may be no network here."


_RULES: dict[str, _Rule] = {
    "ModuleNotFoundError": _missing_module,
    "ImportError": _cannot_import,
    "NameError": _unknown_name,
    "UnboundLocalError": _unknown_name,
    "AttributeError": _unknown_attribute,
    "KeyError": _unknown_key,
    "FileNotFoundError": _missing_file,
    "PermissionError": _no_permission,
    "MemoryError": _memory,
    "KeyboardInterrupt": _stopped,
    "StdinNotImplementedError": _asks,
    "EOFError": _asks,
    **dict.fromkeys(("SyntaxError", "IndentationError", "TabError"), _syntax),
    **dict.fromkeys(("URLError", "gaierror", "ConnectionError", "ConnectError", "MaxRetryError"), _no_network),
}


_CELL_LINE = re.compile(r"(?:Cell|Input) In\s*\[(\d+)\],(?: in <cell)? line:? ?(\d+)")


def _any_exception(failure: Failure, names: frozenset[str]) -> str:
    """The exception in a sentence, with its line in the code that was typed."""
    frames = _CELL_LINE.findall(failure.traceback)
    lines = [line for cell, line in frames if cell == frames[0][0]]  # later ones may be of code that ran before
    where = f" in line {lines[-1]}" if lines else ""
    said = f": {_first_line(failure.message)}" if failure.message else "."
    return f"It stopped{where} with `{failure.exception}`{said}"


def _first_line(text: str) -> str:
    line = text.strip().partition("\n")[0][:300]
    return line if line.endswith((".", "!", "?", ":")) or not line else line + "."


def _closest(word: str, among: Iterable[str], cutoff: float = 0.6) -> list[str]:
    """At most three names like the word, best first; letter case does not count."""
    by_lower: dict[str, str] = {}
    for each in sorted(among):
        if not each.startswith("_") or word.startswith("_"):
            by_lower.setdefault(each.lower(), each)
    found = difflib.get_close_matches(word.lower(), by_lower, n=3, cutoff=cutoff)
    return [by_lower[each] for each in found if by_lower[each] != word]


def _quoted(words: list[str]) -> str:
    return " or ".join(f"`{word}`" for word in words)
