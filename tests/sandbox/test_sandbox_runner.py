"""Calls in the kernel of one thread."""

from __future__ import annotations

import asyncio
import json
import os
import time
from contextlib import aclosing

import pytest
from sandbox_calls import Run, a_long_time, context_of, eventually, running, told_by

from jupyter_chat_sessions.core.ids import ThreadId, new_thread_id
from jupyter_chat_sessions.core.roles import ToolOutput, ToolStatus
from jupyter_chat_sessions.sandbox import SandboxRunner
from jupyter_chat_sessions.sandbox.backends import backend_named

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_the_first_call_of_a_chat_lands_in_its_own_folder(
    run: Run, runner: SandboxRunner, thread_id: ThreadId, backend: str
) -> None:
    told = await run("from pathlib import Path; Path('tmp.txt').touch(); import os; os.getcwd()")
    folder = runner.folder(context_of(thread_id))
    assert told.statuses == ["Starting Python"]
    assert told.result.content == repr(str(folder))
    assert told.result.metadata["kernel"] == {"epoch": 1, "fresh": True, "reason": "first"}
    assert told.result.metadata["level"] == backend_named(backend).level
    assert [path.name for path in folder.parent.parent.glob("**/tmp.txt")] == ["tmp.txt"]
    assert (folder / "tmp.txt").exists()


async def test_the_next_call_sees_the_files_and_variables_of_the_one_before(run: Run) -> None:
    await run("x = 41; open('seen.txt', 'w').close()")
    told = await run("import os; print(os.path.exists('seen.txt')); x + 1")
    assert told.result.content == "True\n42"
    assert told.statuses == []
    assert told.result.metadata["kernel"]["fresh"] is False


async def test_the_debugger_is_not_loaded_and_code_can_import_it(run: Run) -> None:
    loaded = "[name for name in sys.modules if name.partition('.')[0] in ('debugpy', '_pydevd_bundle')]"
    told = await run(f"import os, sys; print({loaded}, sys.path.count(''), os.path.basename(sys.argv[0]), __name__)")
    assert told.result.content == "[] 1 ipykernel_launcher.py __main__"
    assert (await run("import debugpy; debugpy.__name__")).result.content == "'debugpy'"


async def test_what_is_shown_live_is_what_is_kept(run: Run) -> None:
    told = await run("print('a'); print('b'); import sys; print('c', file=sys.stderr); {'k': 1}")
    assert told.outputs == told.result.metadata["outputs"]
    assert [each["output_type"] for each in told.outputs] == ["stream", "stream", "execute_result"]
    assert told.outputs[0] == {"output_type": "stream", "name": "stdout", "text": "a\nb\n"}


async def test_output_is_shown_while_the_code_runs(runner: SandboxRunner, thread_id: ThreadId) -> None:
    code = "import time, os\nprint('one', flush=True)\nwhile not os.path.exists('go'): time.sleep(.01)\nprint('two')"
    async with aclosing(runner.run(code, context_of(thread_id), timeout_s=20)) as events:
        first = await anext(events)
        assert isinstance(first, ToolOutput)
        assert first.output["text"] == "one\n"
        (runner.folder(context_of(thread_id)) / "go").touch()
        rest = [event async for event in events]
    assert rest[-1].content == "one\ntwo"


async def test_an_error_names_itself_and_shows_the_users_own_lines(run: Run) -> None:
    told = await run("import json\ndef parse():\n    return json.loads('{')\nparse()")
    assert told.result.error is not None
    assert told.result.error.startswith("JSONDecodeError: Expecting property name")
    assert "return json.loads('{')" in told.result.content
    assert "raw_decode" not in told.result.content
    assert "frames of libraries not shown" in told.result.content
    assert "\x1b" not in told.result.content
    assert "\x1b" in "".join(told.outputs[-1]["traceback"]), "colours are kept for the person"


async def test_names_are_known_after_each_call_also_when_it_failed(
    run: Run, runner: SandboxRunner, thread_id: ThreadId
) -> None:
    await run("list = str = 3; _hidden = 1; frame = 2")
    assert {"list", "str", "frame"} <= runner.names(thread_id)
    assert not {"_hidden", "get_ipython", "In", "Out"} & runner.names(thread_id)
    await run("late = 1; 1/0")
    assert "late" in runner.names(thread_id)
    await run("del list, str")
    assert runner.names(new_thread_id()) == frozenset()


async def test_a_matplotlib_figure_becomes_a_png_in_the_folder(
    run: Run, runner: SandboxRunner, thread_id: ThreadId
) -> None:
    code = "import matplotlib.pyplot as plt\nfor n in (1, 2):\n    plt.plot([1, n]); plt.show()"
    told = await run(code)
    assert told.result.content == "[image plot-1.png]\n[image plot-2.png]"
    assert [each["metadata"] for each in told.outputs] == [{"artifact": "plot-1.png"}, {"artifact": "plot-2.png"}]
    assert told.artifacts == {"plot-1.png": "image/png", "plot-2.png": "image/png"}
    assert (runner.folder(context_of(thread_id)) / "plot-2.png").read_bytes().startswith(b"\x89PNG")
    assert "image/png" not in json.dumps(told.outputs)
    assert (await run(code)).artifacts == {"plot-3.png": "image/png", "plot-4.png": "image/png"}


async def test_files_a_call_writes_are_its_artifacts_with_their_types(run: Run) -> None:
    told = await run("for name in 'data.csv x.svg x.html .secret'.split(): open(name, 'w').write('1')")
    assert told.artifacts == {"data.csv": "text/csv", "x.svg": "image/svg+xml", "x.html": "text/html"}
    assert (await run("open('data.csv', 'a').write('2')")).artifacts == {"data.csv": "text/csv"}
    assert (await run("open('data.csv').read()")).artifacts == {}


async def test_only_outputs_that_a_page_can_show_without_running_code_leave(run: Run) -> None:
    told = await run(
        "from IPython.display import display, Javascript, HTML\n"
        "display(Javascript('alert(1)'))\n"
        "get_ipython().kernel.comm_manager\n"
        "display({'application/vnd.jupyter.widget-view+json': {'model_id': 'x'}}, raw=True)\n"
        "display(HTML('<b>bold</b>'))"
    )
    assert "application/" not in json.dumps(told.outputs)
    assert told.outputs[-1]["data"]["text/html"] == "<b>bold</b>"


async def test_a_progress_bar_is_one_line_for_the_agent(run: Run) -> None:
    told = await run("import sys\nfor n in range(101): sys.stderr.write(f'\\r\\x1b[32m{n}%\\x1b[0m')\nprint()")
    assert told.result.content == "100%"


async def test_a_long_output_is_clipped_for_the_agent_and_kept_whole_in_a_file(
    run: Run, runner: SandboxRunner, thread_id: ThreadId
) -> None:
    told = await run("for n in range(20_000): print(f'line {n:05d} ' + 'x' * 40)\nprint('the end')")
    content = told.result.content
    assert len(content) <= 16_000
    assert content.startswith("line 00000")
    assert content.endswith("the end")
    path = next(word for word in content.replace("]", " ").split() if word.startswith(".outputs/"))
    whole = (runner.folder(context_of(thread_id)) / path).read_text()
    assert len(whole) == 20_000 * 52 + len("the end\n")
    assert 32_000 < len(json.dumps(told.result.metadata)) <= 64_000
    assert told.artifacts == {}


async def test_the_live_view_has_its_own_cap_and_does_not_change_the_result(run: Run) -> None:
    told = await run("for n in range(40): print('y' * 50_000)")
    shown = sum(len(each["text"]) for each in told.outputs)
    assert 1_000_000 < shown < 1_060_000
    assert ".outputs/" in told.outputs[-1]["text"]
    assert len(told.result.content) <= 16_000
    assert "2,000,040 characters" in told.result.content


async def test_a_message_too_large_is_dropped_and_the_call_still_ends(run: Run) -> None:
    told = await run("print('x' * 20_000_000); kept = 1")
    assert told.result.error is None
    assert "larger than 8 MB was dropped" in told.result.content
    assert (await run("print('again', kept)")).result.content == "again 1"


async def test_an_error_too_large_to_read_is_still_an_error(run: Run) -> None:
    told = await run("raise ValueError('x' * 20_000_000)")
    assert told.result.error is not None
    assert (await run("print('again')")).result.content == "again"


async def test_output_that_comes_between_calls_is_not_the_next_calls(
    run: Run, runner: SandboxRunner, thread_id: ThreadId
) -> None:
    await run(
        "import threading, time, os\n"
        "def late():\n"
        "    while not os.path.exists('late'): time.sleep(.01)\n"
        "    print('late', flush=True); open('said', 'w').close()\n"
        "threading.Thread(target=late).start()"
    )
    folder = runner.folder(context_of(thread_id))
    (folder / "late").touch()
    assert await eventually((folder / "said").exists)
    assert (await run("print('mine')")).result.content == "mine"


async def test_code_that_asks_the_keyboard_fails_at_once(run: Run) -> None:
    assert "StdinNotImplementedError" in str((await run("input('name?')", timeout_s=5)).result.error)


async def test_the_environment_holds_no_secret_and_home_is_the_folder(
    run: Run, runner: SandboxRunner, thread_id: ThreadId, backend: str
) -> None:
    told = await run("import os, json, tempfile; print(json.dumps([dict(os.environ), tempfile.gettempdir()]))")
    env, temporary = json.loads(told.result.content)
    folder = str(runner.folder(context_of(thread_id)))
    assert env["HOME"] == folder
    assert temporary == env["TMPDIR"] == f"{folder}/.tmp"
    strange = {name for name in env if name.startswith(("JPY_", "AWS_")) or name.endswith(("_TOKEN", "_KEY"))}
    if backend == "plain":
        assert env["JPY_PARENT_PID"] == str(os.getpid()), "the kernel ends when its server does"
        strange.remove("JPY_PARENT_PID")
    assert strange == set()


async def test_a_call_that_is_out_of_time_tells_so_with_its_files_and_keeps_the_variables(run: Run) -> None:
    began = time.monotonic()
    told = await run("stays = 7\nprint('x', file=open('r.csv', 'w'), flush=True)\nimport time; time.sleep(999)", 1)
    assert time.monotonic() - began < 30
    assert told.result.error == "timed out after 1 s"
    assert "r.csv" in told.artifacts
    assert (await run("stays")).result.content == "7"


async def test_closing_the_iterator_interrupts_the_code_and_keeps_the_variables(
    run: Run, runner: SandboxRunner, thread_id: ThreadId
) -> None:
    nap = a_long_time()
    await run("import subprocess; kept = 8")
    code = f"subprocess.Popen(['setsid', 'sleep', '{nap}']); subprocess.run(['sleep', '{nap}'])"
    events = runner.run(code, context_of(thread_id))
    waiting = asyncio.create_task(anext(events))
    assert await eventually(lambda: len(running(nap)) >= 2)
    began = time.monotonic()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await events.aclose()
    assert time.monotonic() - began < 5  # one second, and what a busy machine adds
    assert await eventually(lambda: running(nap) == [])
    assert (await run("kept")).result.content == "8"


async def test_calls_of_one_chat_run_one_at_a_time_in_the_order_they_came(
    runner: SandboxRunner, thread_id: ThreadId
) -> None:
    calls = [told_by(runner, f"order = [*globals().get('order', []), {n}]; order", thread_id) for n in range(5)]
    told = await asyncio.gather(*calls)
    assert told[-1].result.content == "[0, 1, 2, 3, 4]"


async def test_a_call_without_a_chat_has_a_kernel_and_a_folder_of_its_own(runner: SandboxRunner) -> None:
    nap = a_long_time()
    code = f"""
import os, subprocess
mine = subprocess.Popen(["sleep", "{nap}"])
print(os.getcwd())
try:
    print(os.listdir(".."))
except PermissionError:
    print(["files"])
"""
    told = [event async for event in runner.run(code, context_of(None))]
    folder, beside = told[-1].content.splitlines()
    assert isinstance(told[0], ToolStatus)
    assert folder.split("/")[-3] == "_default"
    assert beside == "['files']", "no other call's folder"
    assert await eventually(lambda: running(nap) == [])
    assert (await told_by(runner, "mine", None)).result.error == "NameError: name 'mine' is not defined"


async def test_a_folder_replaced_by_a_symlink_is_refused(
    runner: SandboxRunner, tmp_path_factory: pytest.TempPathFactory
) -> None:
    thread_id = new_thread_id()
    folder = runner.folder(context_of(thread_id))
    target = tmp_path_factory.mktemp("etc")
    folder.rmdir()
    folder.parent.rmdir()
    folder.parent.symlink_to(target)
    told = await told_by(runner, "open('x', 'w').close()", thread_id)
    assert "symbolic link" in str(told.result.error)
    assert list(target.iterdir()) == []
