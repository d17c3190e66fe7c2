"""The errors here are raised by Python itself, so that the rules are held against its real words."""

from __future__ import annotations

import traceback
from typing import Any

import pytest

from jupyter_chat_sessions.agents.direct.explain import PACKAGES, explain
from jupyter_chat_sessions.agents.direct.failure import Failure, failure_of, pasted_failure

NAMES = frozenset({"sales", "total", "frame"})


def result(code: str, **facts: Any) -> dict[str, Any]:
    """The tool message of code that raises."""
    try:
        exec(compile(code, "<cell>", "exec"), {"sales": [], "total": 0, "frame": {}})
    except BaseException as raised:
        name = type(raised).__name__
        output = {
            "output_type": "error",
            "ename": name,
            "evalue": str(raised),
            "traceback": traceback.format_exc().splitlines(),
        }
        return {
            "role": "tool",
            "content": f"{name}: {raised}",
            "error": f"{name}: {raised}",
            "metadata": {"jupyter": {"outputs": [output], **facts}},
        }
    raise AssertionError(f"{code!r} did not fail")


def explained(code: str, **facts: Any) -> str:
    failure = failure_of(result(code, **facts))
    assert failure is not None
    return explain(failure, NAMES)


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("import no_such_module_here", ["`pip install no_such_module_here`", "where the chat has a network"]),
        ("import nunpy", ["Did you mean `numpy`?", "If not, `pip install nunpy`"]),
        ("import json.nothing", ["`json` is there", "no module `nothing`"]),
        ("from json import lods", ["`json` is installed", "`lods`"]),
        ("totl + 1", ["`totl` is not defined", "Did you mean `total`"]),
        ("Sales", ["Did you mean `sales`"]),
        ("prnt(1)", ["Did you mean `print`"]),
        ("np.mean([1])", ["`import numpy as np`"]),
        ("json.dumps({})", ["`import json`"]),
        ("qqqqqq", ["`qqqqqq` is not defined."]),
        ("''.uper()", ["`str` has no `.uper`", "`upper`"]),
        ("[].push(1)", ["`list` has no `.push`"]),
        ("None.head()", ["before `.head` is `None`"]),
        ("import math; math.sqr", ["The module `math` has no `.sqr`"]),
        ("frame['pric']", ["no key `'pric'`", "keys or columns"]),
        ("frame['totl']", ["no key `'totl'`", "A variable has a similar name: `total`"]),
        ("frame['total']", ["variable `total`", "without quotes"]),
        ("frame[3]", ["no key `3`"]),
        ("raise KeyError(\"['a'] not in index\")", ["`KeyError`", "keys or columns"]),
        ("raise KeyError()", ["`KeyError`."]),
        ("open('no such file.csv')", ["no file `no such file.csv`", "`/files`"]),
        ("raise PermissionError(13, 'Permission denied', '/etc/shadow')", ["`/etc/shadow` may not be used"]),
        ("print('a'", ["cannot read line 1", "never closed", "Nothing of it was run"]),
        ("if x:\nprint(1)", ["cannot read line 2", "expected an indented block"]),
        ("raise MemoryError", ["not enough memory", "`/reset`"]),
        ("raise KeyboardInterrupt", ["It was stopped."]),
        ("raise EOFError('EOF when reading a line')", ["waits for input"]),
        ("import urllib.error; raise urllib.error.URLError('no host')", ["there may be no network"]),
        ("1/0", ["`ZeroDivisionError`: division by zero."]),
        ("raise ValueError('first\\nsecond')", ["`ValueError`: first."]),
    ],
)
def test_an_error_is_explained_by_its_rule(code: str, said: list[str]) -> None:
    text = explained(code)
    for words in said:
        assert words in text
    assert ".." not in text


@pytest.mark.parametrize(("module", "package"), PACKAGES.items())
def test_a_module_with_another_package_name_names_its_package(module: str, package: str) -> None:
    text = explain(Failure("ModuleNotFoundError", f"No module named '{module}'"), NAMES)
    assert f"`%pip install {package}`" in text
    assert f"comes with the package `{package}`" in text


def test_the_line_that_failed_is_named_as_ipython_marks_it() -> None:
    text = "ZeroDivisionError\nCell In[3], line 2\n      1 a = 1\n----> 2 1/0\n"
    assert "in line 2 " in explain(Failure("ZeroDivisionError", "division by zero", traceback=text), NAMES)


def test_the_line_is_of_the_code_that_was_typed_and_not_of_a_library() -> None:
    text = "gaierror\nFile /lib/request.py:1348, in do_open\n-> 1348 h.request()\nCell In[7], line 4\n"
    text += "Cell In[2], line 9, in f()\n"
    assert "in line 4 " in explain(Failure("OSError", "no", traceback=text), NAMES)


def test_files_the_result_names_are_offered_for_a_missing_one() -> None:
    artifacts = [{"path": "sales.csv", "size": 1, "media_type": "text/csv"}]
    assert "Did you mean `sales.csv`" in explained("open('sales.cvs')", artifacts=artifacts)


def test_a_name_lost_with_its_kernel_is_told_as_such() -> None:
    fresh = {"epoch": 2, "fresh": True, "reason": "idle"}
    assert "started anew" in explained("qqqqqq", kernel=fresh)
    assert "started anew" not in explained("qqqqqq", kernel={"epoch": 1, "fresh": True, "reason": "first"})


@pytest.mark.parametrize(
    ("error", "said"),
    [
        ("Timed out after 60 s.", "time limit"),
        ("timeout", "time limit"),
        ("The kernel died.", "Python ended"),
        ("Python was killed by signal 9", "Python ended"),
        ("Killed: out of memory", "not enough memory"),
        ("cancelled", "It was stopped."),
        ("the call was aborted", "It was stopped."),
        ("the Python process was restarted during the call", "Python was restarted"),
        ("Python could not be started: the kernel exited", "could not be started"),
        ("exit status 127", "no such command"),
        ("The command exited with code 2", "exit status 2"),
        ("There is no file notes.txt", "It did not work: There is no file notes.txt."),
    ],
)
def test_a_failure_without_an_exception_is_explained_by_its_words(error: str, said: str) -> None:
    failure = failure_of({"role": "tool", "content": "", "error": error})
    assert failure is not None
    assert said in explain(failure, NAMES)


def test_what_the_result_says_of_its_end_is_said_as_it_stands() -> None:
    content = "step 1\n[The Python process died (signal 9, perhaps out of memory). Variables are gone; files remain.]"
    failure = failure_of({"role": "tool", "content": content, "error": "the Python process died"})
    assert failure is not None
    assert explain(failure, NAMES) == f"{content[8:-1]} The next code starts a new Python."


def test_what_a_command_printed_last_is_no_notice() -> None:
    failure = failure_of({"role": "tool", "content": "[1, 2]", "error": "exit status 1"})
    assert failure is not None
    assert explain(failure, NAMES) == "The command ended with exit status 1."


def test_what_stops_code_from_outside_is_not_taken_for_its_own_error() -> None:
    stopped = result("raise KeyboardInterrupt")
    stopped["error"] = "Timed out after 60 s."
    failure = failure_of(stopped)
    assert failure is not None
    assert "time limit" in explain(failure, NAMES)


def test_an_error_that_speaks_of_a_timeout_is_not_taken_for_the_time_limit() -> None:
    assert "`ValueError`: the request timed out." in explained("raise ValueError('the request timed out')")


def test_an_exception_named_only_in_the_error_text_is_read_from_it() -> None:
    failure = failure_of({"role": "tool", "content": "", "error": "NameError: name 'totl' is not defined"})
    assert failure is not None
    assert "`total`" in explain(failure, NAMES)


@pytest.mark.parametrize(
    "message",
    [
        {"role": "tool", "content": "4"},
        {"role": "tool", "content": "4", "error": None, "metadata": {"jupyter": {"outputs": []}}},
        {"role": "tool", "content": "4", "metadata": None},
        {"role": "tool", "content": "4", "metadata": {"jupyter": {"outputs": [{"output_type": "stream"}, 3]}}},
    ],
)
def test_a_call_that_went_well_is_no_failure(message: dict[str, Any]) -> None:
    assert failure_of(message) is None


def test_a_pasted_traceback_is_explained_by_its_last_error() -> None:
    pasted = str(traceback.format_exception(KeyError("a"))[-1])
    text = f"Traceback (most recent call last):\n  File 'a.py', line 1\n{pasted}\nwhat does that mean?"
    assert pasted_failure(text) == Failure("KeyError", "'a'", traceback=text)
    assert pasted_failure("Traceback (most recent call last):\n  nothing") is None
