"""The notebook beside a thread: asked of the page that has it open, else of its file and its real kernel."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any

import nbformat
import pytest
from jupyter_server.serverapp import ServerApp
from played import Played, calls
from served import Connect, Socket

from jupyter_chat_sessions.chats.chats import Chats
from jupyter_chat_sessions.core.errors import Conflict
from jupyter_chat_sessions.core.ids import ThreadId, new_run_id
from jupyter_chat_sessions.core.roles import CellEdit, ToolContext, ToolResult
from jupyter_chat_sessions.server.notebook.beside import NotebookBeside
from jupyter_chat_sessions.tools.cells import sha_of

Chat = Callable[[], Chats]
ALLOWED = {"ChatSessions": {"tool_permissions": {"edit_cell": "allow", "run_cell": "allow", "list_variables": "allow"}}}


def write_notebook(path: Path) -> None:
    cells = [
        nbformat.v4.new_code_cell("x = 6 * 7\nprint(x)", id="one"),
        nbformat.v4.new_markdown_cell("# Words", id="two"),
        nbformat.v4.new_code_cell("import time; time.sleep(30)", id="slow"),
    ]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)


def sources(path: Path) -> dict[str, str]:
    return {cell["id"]: cell["source"] for cell in nbformat.read(path, 4).cells}


@pytest.fixture
def path(jp_root_dir: Path) -> Path:
    write_notebook(jp_root_dir / "report.ipynb")
    return jp_root_dir / "report.ipynb"


@pytest.fixture
def thread_id(new_id: Callable[[], str]) -> str:
    return new_id()


async def used(socket: Socket, agent: Played, name: str, **arguments: Any) -> dict[str, Any]:
    """The result of one tool call that the model makes."""
    agent.play = calls(name, **arguments)
    await socket.send("go", options={"model": "played"})
    await socket.until(lambda frame: frame.get("event", {}).get("type") == "RUN_FINISHED")
    results = [line["message"] for line in socket.lines() if line.get("message", {}).get("role") == "tool"]
    result: dict[str, Any] = results[-1]
    return result


@pytest.mark.parametrize("chat_config", [ALLOWED])
async def test_a_notebook_that_nobody_has_open_is_read_and_changed_in_its_file_and_only_where_it_is_what_was_seen(
    live: Connect, agent: Played, path: Path, thread_id: str
) -> None:
    socket = await live(thread_id, notebook="report.ipynb")
    told = (await used(socket, agent, "read_notebook"))["content"]
    assert f"=== cell one · code · sha {sha_of('x = 6 * 7' + chr(10) + 'print(x)')}" in told
    sha = sha_of("# Words")
    done = await used(socket, agent, "edit_cell", cell_id="two", old_source_sha=sha, new_source="# More words")
    assert "error" not in done, done
    assert done["metadata"]["jupyter"]["diff"] == "-# Words\n+# More words"
    assert sources(path)["two"] == "# More words"
    again = await used(socket, agent, "edit_cell", cell_id="two", old_source_sha=sha, new_source="# Mine")
    assert "not what you saw" in again["error"]
    assert "# More words" in again["content"]
    sha = sha_of("# More words")
    added = {"cell_id": "two", "old_source_sha": sha, "op": "insert_after", "new_source": "y = 1"}
    await used(socket, agent, "edit_cell", **added)
    assert list(sources(path).values())[2] == "y = 1"
    await used(socket, agent, "edit_cell", cell_id="two", old_source_sha=sha, op="move")
    assert next(iter(sources(path))) == "two"
    await used(socket, agent, "edit_cell", cell_id="two", old_source_sha=sha, op="delete")
    assert "two" not in sources(path)


async def test_a_file_that_was_saved_meanwhile_is_not_written_over(
    chats: Chat, path: Path, jp_serverapp: ServerApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    from jupyter_chat_sessions.server.notebook import on_disk

    file = on_disk.NotebookFile(jp_serverapp.contents_manager, "report.ipynb")
    change = on_disk._change

    def slowly(cells: Any, *arguments: Any) -> str:
        done = change(cells, *arguments)
        theirs = nbformat.read(path, 4)
        theirs.cells[0].source = "theirs"
        nbformat.write(theirs, path)
        return done

    monkeypatch.setattr(on_disk, "_change", slowly)
    with pytest.raises(Conflict):
        await file.edit(CellEdit("two", "# Words", new_source="mine"))
    assert sources(path) == {"one": "theirs", "two": "# Words", "slow": "import time; time.sleep(30)"}


class Page:
    """A page with the notebook open: answers what it is asked, in the background, as a front end does."""

    def __init__(self, socket: Socket, cells: list[dict[str, Any]]) -> None:
        self.socket, self.cells, self.asked = socket, cells, list[dict[str, Any]]()

    async def serve(self) -> None:
        while True:
            frame = await self.socket.next(60)
            if frame.get("event", {}).get("name") == "notebook":
                question = frame["event"]["value"]
                self.asked.append(question)
                await self.socket.say(kind="notebook", id=question["id"], **self.answer(question))

    def answer(self, question: dict[str, Any]) -> dict[str, Any]:
        if question["operation"] == "find":
            return {"value": {"open": question["path"] == "report.ipynb"}}
        if question["operation"] == "read":
            return {"value": {"cells": self.cells}}
        if question["edit"]["old_source"] != self.cells[0]["source"]:
            return {"error": {"code": "conflict", "message": "It has changed in the page."}}
        self.cells[0]["source"] = question["edit"]["new_source"]
        return {"value": {"cell_id": "p"}}


@pytest.mark.parametrize("chat_config", [ALLOWED])
async def test_a_page_that_has_it_open_is_asked_and_its_refusal_counts(
    live: Connect, agent: Played, path: Path, thread_id: str
) -> None:
    page = Page(
        await live(thread_id, notebook="report.ipynb", notebooks="true"),
        [{"id": "p", "kind": "code", "source": "unsaved"}],
    )
    serving = asyncio.ensure_future(page.serve())
    socket = await live(thread_id, notebook="report.ipynb")
    try:
        assert "unsaved" in (await used(socket, agent, "read_notebook"))["content"]
        arguments = {"cell_id": "p", "old_source_sha": sha_of("unsaved"), "new_source": "new"}
        assert "error" not in await used(socket, agent, "edit_cell", **arguments)
        assert page.cells[0]["source"] == "new"
        assert sources(path)["one"].startswith("x = 6")
    finally:
        serving.cancel()


async def test_an_answer_counts_from_the_page_that_was_asked_and_a_page_that_goes_does_not_hold_anything_up(
    live: Connect, chats: Chat, path: Path, jp_serverapp: ServerApp, thread_id: str
) -> None:
    asked = await live(thread_id, notebooks="true")
    await asked.next()
    other = await live(thread_id, notebooks="true")
    await other.next()
    pages = jp_serverapp.web_app.settings["jupyter_chat_sessions"].open_pages
    (page, _) = list(pages._pages)
    reading = asyncio.ensure_future(pages.ask(page, "read", "report.ipynb"))
    question = (await asked.until(lambda frame: frame.get("event", {}).get("name") == "notebook"))["event"]["value"]
    await other.say(kind="notebook", id=question["id"], value={"cells": []})
    assert (await other.answer(question["id"]))["kind"] == "ack"
    assert not reading.done()
    asked.connection.close()
    with pytest.raises(Exception, match="has gone"):
        await reading


# --- the person's own kernel -----------------------------------------------------------------------------------------


@asynccontextmanager
async def kernel_of(server: ServerApp) -> AsyncIterator[Any]:
    """The notebook's session with its kernel, as another front end has them: a client that is ready."""
    session = await server.session_manager.create_session(
        path="report.ipynb", name="report.ipynb", type="notebook", kernel_name="python3"
    )
    manager = server.kernel_manager.get_kernel(session["kernel"]["id"])
    client = manager.client()
    client.start_channels()
    try:
        await client.wait_for_ready(timeout=30)
        yield client
    finally:
        client.stop_channels()
        await server.kernel_manager.shutdown_kernel(session["kernel"]["id"], now=True)


@pytest.mark.parametrize("chat_config", [ALLOWED])
async def test_variables_are_told_while_a_cell_runs_and_leave_no_trace(
    live: Connect, agent: Played, path: Path, jp_serverapp: ServerApp, thread_id: str
) -> None:
    async with kernel_of(jp_serverapp) as kernel:
        await _look_while_busy(live, agent, jp_serverapp, kernel, thread_id)


async def _look_while_busy(live: Connect, agent: Played, jp_serverapp: ServerApp, kernel: Any, thread_id: str) -> None:
    await kernel.execute_interactive("secret = list(range(10**6)); 41 + 1", timeout=20)
    busy = kernel.execute("import time; time.sleep(60)")
    socket = await live(thread_id, notebook="report.ipynb")
    result = await asyncio.wait_for(used(socket, agent, "list_variables", scope="notebook"), 30)
    assert "secret | list | 1000000" in result["content"]
    await jp_serverapp.kernel_manager.interrupt_kernel(next(iter(jp_serverapp.kernel_manager.list_kernel_ids())))
    await _reply_to(kernel, busy)
    asked = {"code": "", "user_expressions": {"last": "_", "ins": "len(In)"}, "timeout": 20}
    shown = await kernel.execute_interactive(**asked)
    while shown["content"]["status"] == "aborted":  # what waits behind an interrupted cell is, with it
        shown = await kernel.execute_interactive(**asked)
    assert shown["content"]["user_expressions"]["last"]["data"]["text/plain"] == "42"


async def test_a_cell_runs_in_the_persons_kernel_its_output_is_kept_and_stop_interrupts_only_it(
    live: Connect, path: Path, jp_serverapp: ServerApp, thread_id: str
) -> None:
    async with kernel_of(jp_serverapp) as kernel:
        await _run_and_stop(live, path, jp_serverapp, kernel, thread_id)


async def _run_and_stop(live: Connect, path: Path, jp_serverapp: ServerApp, kernel: Any, thread_id: str) -> None:
    await (await live(thread_id, notebook="report.ipynb")).next()
    extension = jp_serverapp.web_app.settings["jupyter_chat_sessions"]
    beside = NotebookBeside(jp_serverapp, extension.open_pages, lambda _: ("report.ipynb", None))
    here = ToolContext(ThreadId(thread_id), new_run_id())
    one, _, slow = await beside.cells(here)
    async with aclosing(beside.run(one, here)) as events:
        result = [event async for event in events][-1]
    assert isinstance(result, ToolResult)
    assert (result.content, result.error) == ("42", None)
    assert nbformat.read(path, 4).cells[0].outputs[0].text == "42\n"
    running = asyncio.ensure_future(_drain(beside, slow, here))
    await _until_busy(kernel)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    shown = await _reply_to(kernel, kernel.execute("", user_expressions={"x": "x"}))
    while shown["status"] == "aborted":  # what waits behind an interrupted cell is, with it
        shown = await _reply_to(kernel, kernel.execute("", user_expressions={"x": "x"}))
    assert shown["user_expressions"]["x"]["data"]["text/plain"] == "42"


async def _reply_to(client: Any, message_id: str) -> dict[str, Any]:
    while True:
        reply = await client.get_shell_msg(timeout=20)
        if reply["parent_header"].get("msg_id") == message_id:
            content: dict[str, Any] = reply["content"]
            return content


async def _drain(beside: NotebookBeside, cell: Any, here: ToolContext) -> None:
    async with aclosing(beside.run(cell, here)) as events:
        async for _ in events:
            pass


async def _until_busy(client: Any) -> None:
    while True:
        message = await client.get_iopub_msg(timeout=10)
        if message["msg_type"] == "execute_input" and "sleep(30)" in message["content"]["code"]:
            return
