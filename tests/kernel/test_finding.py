"""Where a kernel's chats are."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from jupyter_chat_sessions.kernel.finding import Server, Surroundings, place_on, servers
from jupyter_chat_sessions.kernel.service import Place


def wrote(runtime: Path, name: str, root: Path, **more: Any) -> None:
    record = {"url": "http://0.0.0.0:8888/base/", "token": "t", "root_dir": str(root), "pid": os.getpid(), **more}
    runtime.mkdir(exist_ok=True)
    (runtime / name).write_text(json.dumps(record))


def test_servers_are_tried_in_their_order_and_those_that_ended_or_hold_other_folders_are_none(tmp_path: Path) -> None:
    runtime, root = tmp_path / "runtime", tmp_path / "root"
    wrote(runtime, "jpserver-7.json", root, url="http://localhost:7/")
    wrote(runtime, "jpserver-8.json", root / "inner", url="http://localhost:8/")
    wrote(runtime, "jpserver-9.json", tmp_path / "elsewhere")
    wrote(runtime, "jpserver-10.json", root, pid=2**22 + 1)
    (runtime / "jpserver-11.json").write_text("torn")
    environment = {
        "JUPYTER_CHAT_URL": "http://127.0.0.1:1/b/chat-sessions",
        "JUPYTER_CHAT_TOKEN": "jcs_secret",
        "JPY_PARENT_PID": "7",
        "JUPYTERHUB_SERVICE_URL": "http://0.0.0.0:99/user/a/",
        "JUPYTERHUB_SERVICE_PREFIX": "/user/a/",
        "JUPYTERHUB_API_TOKEN": "hub",
    }
    found = list(servers(Surroundings(environment, runtime, root / "inner", root / "inner" / "a.ipynb")))
    assert [(server.base, server.token) for server in found] == [
        ("http://127.0.0.1:1/b/chat-sessions", "jcs_secret"),
        ("http://localhost:7/chat-sessions", "t"),
        ("http://localhost:8/chat-sessions", "t"),
        ("http://localhost:7/chat-sessions", "t"),
        ("http://127.0.0.1:99/user/a/chat-sessions", "hub"),
    ]


def test_where_nothing_runs_there_is_no_server(tmp_path: Path) -> None:
    assert list(servers(Surroundings({"JPY_PARENT_PID": "1"}, tmp_path / "none", tmp_path))) == []


def test_a_notebook_is_named_from_the_servers_root_and_a_scoped_token_names_its_own(tmp_path: Path) -> None:
    here = Surroundings({}, tmp_path, tmp_path / "a b", tmp_path / "a b" / "c.ipynb")
    assert place_on(Server("x", "t", "", tmp_path), here) == Place(notebook="a b/c.ipynb")
    assert place_on(Server("x", "t", "", tmp_path / "other"), here) == Place(folder="")
    assert place_on(Server("x", "jcs_x", "", tmp_path), here) == Place()
    without = Surroundings({}, tmp_path, tmp_path / "a b")
    assert place_on(Server("x", "t", "", tmp_path), without) == Place(folder="a b")
    hidden = Surroundings({}, tmp_path, tmp_path / ".a", tmp_path / ".a" / "c.ipynb")
    assert place_on(Server("x", "t", "", tmp_path), hidden) == Place(notebook=".a/c.ipynb")
    assert place_on(Server("x", "t", "", tmp_path), Surroundings({}, tmp_path, tmp_path)) == Place(folder="")
