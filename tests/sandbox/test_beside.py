"""The notebook's folder, shown to kernels with a person's consent: read only, no chat in it, nothing hidden."""

from __future__ import annotations

import os
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from sandbox_calls import told_by

from jupyter_chat_sessions.core.errors import Conflict, Forbidden
from jupyter_chat_sessions.core.ids import ThreadId, new_thread_id
from jupyter_chat_sessions.sandbox import SandboxPolicy, SandboxRunner, beside
from jupyter_chat_sessions.sandbox.beside import look_beside, seen_beside


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An analysis with two chats folders, a secret, and a link out."""
    analysis = tmp_path / "analysis"
    for name in (".chats/other/chat.jsonl", "sub/.chats/other/chat.jsonl", ".env", "sub/.git/config"):
        (analysis / name).parent.mkdir(parents=True, exist_ok=True)
        (analysis / name).write_text("secret")
    for name in ("data.csv", "sub/deep/t.csv", "whole/a/b.txt"):
        (analysis / name).parent.mkdir(parents=True, exist_ok=True)
        (analysis / name).write_text("open")
    (tmp_path / "outside.txt").write_text("secret")
    (analysis / "link.txt").symlink_to(tmp_path / "outside.txt")
    (analysis / "chats").symlink_to(".chats")
    for path in (tmp_path, *tmp_path.rglob("*")):  # a root server's kernels are other users'
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() else 0o644)
    return analysis


# --- what may be shown -----------------------------------------------------------------------------------------------


def test_what_is_hidden_is_left_out_and_the_rest_is_named_in_the_largest_parts(folder: Path) -> None:
    seen = look_beside(folder)
    below = lambda paths: {str(path.relative_to(folder)) for path in paths}  # noqa: E731
    assert below(seen.hidden_folders) == {".chats", "sub/.chats", "sub/.git"}
    assert below(seen.hidden_files) == {".env"}
    assert below(seen.shown) == {"data.csv", "sub/deep", "whole"}
    assert below(seen.chats) == {".chats", "sub/.chats"}
    assert seen.names() == "data.csv, sub, whole"


def test_a_folder_without_anything_hidden_is_one_part(folder: Path) -> None:
    assert look_beside(folder / "whole").shown == (folder / "whole",)


def test_sockets_and_pipes_are_left_out_as_what_listens_there_is_no_file(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.mkfifo(folder / "pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        monkeypatch.chdir(folder)
        listener.bind("listener")
        assert {path.name for path in look_beside(folder).hidden_files} == {".env", "pipe", "listener"}


def test_a_folder_too_large_to_be_sure_of_is_refused_with_the_way_that_is_left(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for limit in ("_MOST_ENTRIES", "_MOST_HIDDEN", "_MOST_SHOWN", "_DEEPEST"):
        with monkeypatch.context() as patched:
            patched.setattr(beside, limit, 2)
            with pytest.raises(Conflict, match="import single files"):
                look_beside(folder)
            assert "import single files" in seen_beside(folder).refusal


def test_a_folder_among_chats_and_the_whole_machine_are_never_shown(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "sly").symlink_to(folder / ".chats" / "other")
    for path in (Path("/"), folder / ".chats", tmp_path / "sly"):
        with pytest.raises(Forbidden):
            look_beside(path)


# --- what a kernel sees ----------------------------------------------------------------------------------------------


class Person:
    """Who lets the tools read a folder, or not."""

    def __init__(self) -> None:
        self.lets: Path | None = None


@pytest.fixture
def person() -> Person:
    return Person()


@pytest_asyncio.fixture(loop_scope="module")
async def shown(folder: Path, person: Person, backend: str) -> AsyncIterator[SandboxRunner]:
    chats = folder / ".chats"
    made = SandboxRunner(
        lambda thread_id: chats / thread_id / "files",
        lambda run_id: chats / "_default" / run_id / "files",
        SandboxPolicy(backend=backend),  # type: ignore[arg-type]
        beside_of=lambda thread_id: person.lets,
    )
    yield made
    await made.shutdown()


LOOK = """
import os
def tried(path):
    try:
        with open(os.path.join(place, path)) as file:
            return file.read()
    except OSError:
        return "-"
"""


def read(place: str, *paths: str) -> str:
    return f"place = {place!r}{LOOK}print(*map(tried, {list(paths)!r}), sep='|')"


HIDDEN = (
    ".env", ".chats/other/chat.jsonl", "sub/.chats/other/chat.jsonl", "sub/.git/config", "link.txt",
    "chats/other/chat.jsonl", "../outside.txt",
)  # fmt: skip


async def text(runner: SandboxRunner, thread_id: ThreadId, code: str) -> str:
    return (await told_by(runner, code, thread_id)).result.content


@pytest.mark.asyncio(loop_scope="module")
async def test_the_folder_can_be_read_and_not_written_and_no_chat_or_secret_is_in_it(
    shown: SandboxRunner, person: Person, folder: Path, backend: str
) -> None:
    person.lets, thread_id = folder, new_thread_id()
    told = await told_by(shown, "1", thread_id)
    place = told.result.metadata.get("notebook_folder")
    if backend == "plain":
        assert place is None
        return
    assert place == ("/mnt/notebook" if backend == "bubblewrap" else str(folder))
    assert told.result.content.startswith("[")
    assert place in told.result.content
    assert await text(shown, thread_id, read(place, "data.csv", "sub/deep/t.csv", "whole/a/b.txt")) == "open|open|open"
    seen = await text(shown, thread_id, read(place, *HIDDEN))
    assert set(seen.split("|")) <= {"-", ""}
    assert "secret" not in seen
    write = f"open({place!r} + '/data.csv', 'a')\n"
    assert "Error" in str((await told_by(shown, write, thread_id)).result.error)
    write = f"open({place!r} + '/new.csv', 'w')\n"
    assert "Error" in str((await told_by(shown, write, thread_id)).result.error)
    assert (folder / "data.csv").read_text() == "open"
    assert not (folder / "new.csv").exists()


@pytest.mark.asyncio(loop_scope="module")
async def test_without_consent_nothing_of_it_is_there(shown: SandboxRunner, folder: Path, backend: str) -> None:
    if backend == "plain":
        pytest.skip("nothing is kept out where nothing confines")
    thread_id = new_thread_id()
    for place in ("/mnt/notebook", str(folder)):
        assert await text(shown, thread_id, read(place, "data.csv")) == "-"


@pytest.mark.slow
@pytest.mark.asyncio(loop_scope="module")
async def test_consent_holds_from_the_next_start_and_its_end_from_the_next_call(
    shown: SandboxRunner, person: Person, folder: Path, backend: str
) -> None:
    if backend == "plain":
        pytest.skip("nothing is shown where nothing confines")
    place, thread_id = "/mnt/notebook" if backend == "bubblewrap" else str(folder), new_thread_id()
    await told_by(shown, "kept = 1", thread_id)
    person.lets = folder
    assert await text(shown, thread_id, read(place, "data.csv")) == "-"
    assert await text(shown, thread_id, "kept") == "1"
    await shown.restart(thread_id)
    assert (await text(shown, thread_id, read(place, "data.csv"))).endswith("open")
    person.lets = None
    after = await text(shown, thread_id, read(place, "data.csv"))
    assert after.endswith("-")
    assert "may no longer be read" in after


@pytest.mark.slow
@pytest.mark.asyncio(loop_scope="module")
async def test_a_chat_begun_later_below_the_folder_is_left_out_from_the_next_call(
    shown: SandboxRunner, person: Person, folder: Path, backend: str
) -> None:
    if backend == "plain":
        pytest.skip("nothing is shown where nothing confines")
    place, thread_id = "/mnt/notebook" if backend == "bubblewrap" else str(folder), new_thread_id()
    person.lets = folder
    await told_by(shown, "1", thread_id)
    (folder / "whole" / ".chats" / "new").mkdir(parents=True)
    (folder / "whole" / ".chats" / "new" / "chat.jsonl").write_text("secret")
    after = await text(shown, thread_id, read(place, "whole/.chats/new/chat.jsonl", "whole/a/b.txt"))
    assert after.endswith("-|open")
    assert "another chat was begun" in after


@pytest.mark.slow
@pytest.mark.asyncio(loop_scope="module")
async def test_what_was_to_be_hidden_and_has_gone_is_looked_for_again(
    shown: SandboxRunner, person: Person, folder: Path, backend: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if backend != "bubblewrap":
        pytest.skip("only mounts need what they cover to be there")
    person.lets, thread_id = folder, new_thread_id()
    look = beside.look_beside
    looks = []

    def late(at: Path) -> beside.Beside:
        looks.append(at)
        seen = look(at)
        if len(looks) == 1:
            (folder / ".env").unlink()
        return seen

    monkeypatch.setattr(beside, "look_beside", late)
    assert (await text(shown, thread_id, read("/mnt/notebook", "data.csv", ".env"))).endswith("open|-")
    assert len(looks) == 2
