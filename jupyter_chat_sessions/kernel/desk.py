"""What the magics of one kernel do: they send to the notebook's current thread, or to one that was chosen here."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..core.errors import ChatError
from ..core.ids import ThreadId, new_thread_id, parse_thread_id
from .asking import ask, going_along, worded_prompt
from .chats_of_kernel import Chats, chats_here
from .command_line import BadLine, Command, Prompt, parsed
from .help import HELP
from .service import Record
from .showing import fenced
from .thread import Thread
from .tool_table import ToolChoice, tool_table

MOST_SHOWN = 10
SHORTEST_ID = 6
"""Characters of an id that name a thread: what is shorter is a number that the list has not, or a word."""


class Desk:
    """The state of a kernel's magics: which thread and which model were chosen."""

    def __init__(self, shell: Any) -> None:
        self._shell = shell
        self._chosen: ThreadId | None = None
        self._model: str | None = None
        self._tools = ToolChoice()
        self._threads: dict[ThreadId, Thread] = {}
        self._commands: dict[str, Callable[[str], None]] = {
            "new": self._new,
            "list": self._list,
            "use": self._use,
            "show": self._show,
            "rename": self._rename,
            "rm": self._remove,
            "reset": self._new,
            "model": self._name_model,
            "tools": self._choose_tools,
            "stop": self._stop,
            "fix": self._fix,
            "export": self._export,
            "where": self._where,
            "help": lambda _: self._say(HELP),
        }

    def do(self, line: str, cell: str | None) -> None:
        """One `%chat`, or with a cell one `%%chat`."""
        asked = parsed(line, cell)
        if isinstance(asked, Command):
            self._commands[asked.name](asked.argument)
        else:
            self._send(asked)

    # --- sending ------------------------------------------------------------------------------------------------------

    def _send(self, prompt: Prompt) -> None:
        thread, is_for_once = self._thread_for(prompt.thread)
        content, instructions = worded_prompt(prompt, self._shell.user_ns)
        options: Record = {
            "model": prompt.model or self._model,
            "instructions": instructions,
            "tool_names": self._tools.names if prompt.has_tools else [],
            "asks_first": self._tools.asks_first or None,
            "context": going_along(prompt, self._shell, thread) or None,
        }
        try:
            ask(thread, prompt, content, {name: it for name, it in options.items() if it is not None}, self._shell)
        finally:
            if is_for_once:
                self._chats.service.delete(thread.id)

    def _thread_for(self, named: str | None) -> tuple[Thread, bool]:
        """The thread a prompt goes to, and whether it goes again afterwards."""
        if named == "none":
            place = type(self._chats.place)(None, self._chats.place.folder)
            return self._open(parse_thread_id(self._chats.service.create(place)["thread_id"])), True
        if named == "new":
            return self._open(self._made(None)), False
        return self._open(self._current() if named is None else self._found(named)), False

    def _fix(self, _: str) -> None:
        self._send(Prompt("Explain this error and show the corrected code.", cells="1", with_error=True))

    # --- threads ------------------------------------------------------------------------------------------------------

    @property
    def _chats(self) -> Chats:
        return chats_here(self._shell.user_ns)

    def _current(self) -> ThreadId:
        if self._chosen is not None:
            return self._chosen
        return parse_thread_id(self._chats.service.current(self._chats.place)["thread_id"])

    def _open(self, thread_id: ThreadId) -> Thread:
        chats = self._chats.service
        known = self._threads.get(thread_id)
        if known is None or known.chats is not chats:
            known = self._threads[thread_id] = Thread(thread_id, chats=chats)
        return known

    def _made(self, title: str | None) -> ThreadId:
        record = self._chats.service.create(self._chats.place, new_thread_id(), title)
        return parse_thread_id(record["thread_id"])

    def _rows(self) -> list[Record]:
        return self._chats.service.threads(self._chats.place)

    def _found(self, named: str) -> ThreadId:
        """The thread of that number in the list, that id or its beginning, or that title."""
        rows = self._rows()
        number = named.removeprefix("#")
        if number.isdecimal() and 1 <= int(number) <= len(rows):
            return parse_thread_id(rows[int(number) - 1]["thread_id"])
        folded = named.casefold()
        by_id = [row for row in rows if len(folded) >= SHORTEST_ID and row["thread_id"].startswith(folded)]
        fitting = [row for row in rows if row["title"].casefold() == folded] or by_id
        if len(fitting) == 1:
            return parse_thread_id(fitting[0]["thread_id"])
        if fitting:
            raise BadLine(f"{len(fitting)} chats are named {named!r}; `%chat list` gives each a number.")
        try:
            return parse_thread_id(named)
        except ChatError:
            raise BadLine(f"There is no chat {named!r} beside this notebook; `%chat list` shows them.") from None

    # --- subcommands --------------------------------------------------------------------------------------------------

    def _new(self, title: str) -> None:
        self._chosen = self._made(title or None)
        self._say(f"New chat{f': **{title}**' if title else ''}. The next `%chat` goes there.")

    def _list(self, _: str) -> None:
        rows, current = self._rows(), self._chosen
        if not rows:
            self._say("There is no chat beside this notebook yet. `%chat hello` begins one.")
            return
        current = current or parse_thread_id(rows[0]["thread_id"])
        lines = ["| | # | chat | messages | last |", "|---|---|---|---|---|"]
        for number, row in enumerate(rows, 1):
            mark = "→" if row["thread_id"] == current else "running" if row["running"] else ""
            title = _cell(row["title"])
            lines.append(f"| {mark} | {number} | {title} | {row['message_count']} | {_time(row['updated'])} |")
        self._say("\n".join(lines))

    def _use(self, named: str) -> None:
        self._chosen = None if named == "current" else self._found(named)
        thread = self._open(self._current())
        self._say(f"`%chat` goes to **{thread.title}**.")

    def _show(self, count: str) -> None:
        messages = self._open(self._current()).messages[-(int(count) if count else MOST_SHOWN) :]
        self._say("\n\n".join(_shown(message) for message in messages) or "Nothing has been said in this chat yet.")

    def _rename(self, title: str) -> None:
        thread_id = self._current()
        self._say(f"This chat is now **{self._chats.service.rename(thread_id, title)['title']}**.")

    def _remove(self, named: str) -> None:
        thread_id = self._found(named) if named else self._current()
        title = self._open(thread_id).title
        self._chats.service.delete(thread_id)
        self._threads.pop(thread_id, None)
        self._chosen = None if self._chosen == thread_id else self._chosen
        self._say(f"Deleted **{title}**. It stays in `.chats/.trash` for 7 days; the sidebar can take it back.")

    def _name_model(self, name: str) -> None:
        if name and name != "list":
            self._model = None if name in ("default", "none") else name
        self._say(f"`%chat` is answered by **{self._model or self._open(self._current()).agent}**.")

    def _choose_tools(self, chosen: str) -> None:
        told = self._chats.service.tools(self._current())
        if chosen:
            self._tools = self._tools.changed(chosen, [tool["name"] for tool in told["tools"]])
        self._say(tool_table(told, self._tools))

    def _stop(self, _: str) -> None:
        stopped = self._open(self._current()).cancel()
        self._say("Stopped." if stopped else "Nothing is running in this chat.")

    def _export(self, given: str) -> None:
        thread = self._open(self._current())
        path = Path(given or f"{thread.id}.md")
        kind = path.suffix.removeprefix(".")
        if kind not in ("md", "ipynb", "json"):
            raise BadLine(f"A chat is exported to a name that ends in .md, .ipynb or .json, not {given!r}.")
        data = self._chats.service.export(thread.id, kind)
        try:
            with path.expanduser().open("xb") as file:
                file.write(data)
        except OSError as refused:
            raise BadLine(f"{path} cannot be written: {refused.strerror}. Nothing is overwritten.") from None
        self._say(f"Written to `{path}`, {len(data):,} bytes.")

    def _where(self, _: str) -> None:
        chats = self._chats
        thread = self._open(self._current())
        record = chats.service.thread(thread.id)
        named = "/".join(filter(None, (record["folder"], record["notebook"])))
        place = named if record["notebook"] else f"the folder {named or '.'!r}"
        self._say(
            f"- chats: {chats.service.where}\n- beside: {place}\n- thread: `{thread.id}`\n- answers: {thread.agent}"
        )

    def _say(self, markdown: str) -> None:
        from IPython.display import display

        display({"text/markdown": markdown, "text/plain": markdown}, raw=True)  # type: ignore[no-untyped-call]


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _shown(message: Record) -> str:
    content = message.get("content")
    text = content if isinstance(content, str) else "\n".join(part.get("text", "") for part in content or ())
    if message["role"] == "user":
        return f"**You:** {text}"
    return fenced(text, "text") if message["role"] == "tool" and text else text


def _time(written: str | None) -> str:
    """Day, hour and minute, UTC."""
    return (written or "")[:16].replace("T", " ")
