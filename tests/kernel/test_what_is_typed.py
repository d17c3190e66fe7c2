"""What stands behind `%chat`, and the values in it."""

from __future__ import annotations

import pytest

from jupyter_chat_sessions.kernel.command_line import BadLine, Command, Prompt, parsed
from jupyter_chat_sessions.kernel.interpolation import MOST, NoSuchValue, interpolated, worded
from jupyter_chat_sessions.kernel.mentions import mentioned, shown


@pytest.mark.parametrize(
    "text", ["{'a': 1}", '{"k": [1,2]}', "{}", "{x:.2f}", "{{x}}", "$x", "{unknown}", "{x y}", "f(x) { return x }"]
)
def test_braces_that_name_no_value_stay_as_they_stand(text: str) -> None:
    assert interpolated(text, {"x": 3, "k": 1, "a": 2}) == text


def test_names_with_attributes_indices_and_repr_become_their_values() -> None:
    class Point:
        x = [7, {"y": "seven"}]

    names = {"point": Point(), "word": "wörd", "In": ["", "1 + 1"]}
    given = "{point.x[0]} {point.x[1]['y']} {point.x[-1]} {word} {word!r} {In[1]}"
    assert interpolated(given, names) == "7 seven {'y': 'seven'} wörd 'wörd' 1 + 1"


def test_a_path_that_leads_nowhere_is_refused_with_the_way_out() -> None:
    with pytest.raises(NoSuchValue, match=r"\{word\.size\}.*--raw"):
        interpolated("look at {word.size}", {"word": "a"})


def test_a_table_is_told_by_its_shape_types_and_first_rows_and_a_long_value_is_cut_and_says_so() -> None:
    pandas = pytest.importorskip("pandas")
    told = worded(pandas.DataFrame({"mass": range(10_000)}))
    assert told.startswith("DataFrame, 10,000 by 1")
    assert "int64" in told
    assert len(told) < 400
    assert worded("x" * (MOST + 5)).endswith("[… 5 characters more]")


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ("", Command("help")),
        ("list", Command("list")),
        ("new", Command("new")),
        ("new The means", Command("new", "The means")),
        ('use "My chat"', Command("use", "My chat")),
        ("use 2", Command("use", "2")),
        ("show 3", Command("show", "3")),
        ("rm", Command("rm")),
        ("model openai:gpt-x", Command("model", "openai:gpt-x")),
        ("export notes.ipynb", Command("export", "notes.ipynb")),
        ("tools", Command("tools")),
        ("tools off", Command("tools", "off")),
        ("tools ask", Command("tools", "ask")),
        ("tools only read_file, show", Command("tools", "only read_file, show")),
    ],
)
def test_a_subcommand_is_one_where_the_words_fit_it(line: str, command: Command) -> None:
    assert parsed(line) == command


@pytest.mark.parametrize(
    "line",
    [
        "list the files",
        "use pandas to plot it",
        "show me the first rows",
        "export the table to csv",
        "stop using numpy",
        "fix the bug in f",
        "where is the mean?",
        "tools are what?",
        "tools ask too much of me",
        "tools only help who knows them",
        "it's {x} isn't it",
        "-1 + 2",
        "-- list",
    ],
)
def test_other_words_are_a_prompt_as_it_was_typed(line: str) -> None:
    prompt = parsed(line)
    assert isinstance(prompt, Prompt)
    assert prompt.text == line.removeprefix("-- ")


def test_options_stand_before_the_prompt_which_is_not_touched() -> None:
    prompt = parsed(
        "-m provider:model -s 'Be brief' --no-tools -a 'my data.csv' -a {df} --cells 2,5-7 --err --yes -o result "
        "-f code  it's  -m x"
    )
    assert isinstance(prompt, Prompt)
    assert (prompt.model, prompt.attach, prompt.cells) == ("provider:model", ["my data.csv", "{df}"], "2,5-7")
    assert (prompt.with_error, prompt.says_yes, prompt.out, prompt.format) == (True, True, "result", "code")
    assert (prompt.system, prompt.has_tools) == ("Be brief", False)
    assert prompt.text == "it's  -m x"


def test_the_body_of_a_cell_is_the_prompt_whatever_it_begins_with() -> None:
    prompt = parsed("-t new --timeout=3.5", "list\n  {x}\n")
    assert isinstance(prompt, Prompt)
    assert (prompt.thread, prompt.timeout, prompt.text) == ("new", 3.5, "list\n  {x}")


@pytest.mark.parametrize(
    ("line", "cell", "why"),
    [
        ("--nosuch x", None, "no option --nosuch"),
        ("-m", None, "-m needs a value"),
        ("-f pdf x", None, "--format is one of"),
        ("-o 1x y", None, "name of a variable"),
        ("--timeout soon x", None, "number of seconds"),
        ("words", "more words", "takes options only"),
        ("", "  \n", "nothing to send"),
    ],
)
def test_what_cannot_be_understood_says_what_was_expected(line: str, cell: str | None, why: str) -> None:
    with pytest.raises(BadLine, match=why):
        parsed(line, cell)


# --- what is mentioned -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("explain @df", ["df"]),
        ("@df and (@x), @df again", ["df", "x"]),
        ("me@df.org, `@df`, a[0]@df, x.@df", []),
        ("@x\ndef f(): ...", []),
        ("@df is what?\nsay", ["df"]),
        ("@unknown @_hidden", []),
    ],
)
def test_a_name_after_an_at_sign_is_meant_where_there_is_such_a_value(text: str, names: list[str]) -> None:
    values = {"df": 1, "x": 2, "_hidden": 3}
    assert [each["name"] for each in mentioned(text, values, {"_hidden"})] == names


def test_a_function_is_shown_by_its_source_and_anything_by_its_kind() -> None:
    assert "def test_a_function_is_shown_by" in shown(
        "f", test_a_function_is_shown_by_its_source_and_anything_by_its_kind
    )
    assert shown("n", 41) == "n: builtins.int\n41"
    assert shown("length", len).startswith("length: builtins.builtin_function_or_method\n")
