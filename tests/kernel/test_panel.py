from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from traitlets import TraitError

import jupyter_chat_sessions
from jupyter_chat_sessions import ChatPanel
from jupyter_chat_sessions.kernel.panel import MIME, MODULE, MODULE_VERSION

THREAD = "0d5c1c52-93a6-4a5e-9d0e-6a1d0c1f2b3a"
FRONT_END = Path(__file__).parents[2] / "labextension"


def test_a_panel_without_a_thread_leaves_the_choice_to_the_browser() -> None:
    assert ChatPanel().thread_id is None


def test_a_panel_keeps_a_thread_id_in_canonical_lower_case() -> None:
    assert ChatPanel(thread_id=THREAD.upper()).thread_id == THREAD


@pytest.mark.parametrize("given", ["", "../etc", THREAD + "\n", "00000000-0000-0000-0000-000000000000"])
def test_a_panel_refuses_what_is_no_thread_id_and_keeps_the_one_it_had(given: str) -> None:
    panel = ChatPanel(thread_id=THREAD)
    with pytest.raises(TraitError, match="UUID"):
        panel.thread_id = given
    assert panel.thread_id == THREAD


def test_what_the_browser_gets_names_the_thread_and_the_front_ends_module() -> None:
    state = ChatPanel(thread_id=THREAD).get_state()
    assert (state["thread_id"], state["height"]) == (THREAD, "28em")
    assert (state["_model_module"], state["_view_module"]) == (MODULE, MODULE)
    assert (state["_model_name"], state["_view_name"]) == ("ChatPanelModel", "ChatPanelView")


def test_an_output_can_be_shown_without_a_kernel_and_read_without_a_front_end() -> None:
    panel = ChatPanel(thread_id=THREAD, height="10em")
    bundle = panel._repr_mimebundle_()
    assert bundle is not None
    assert bundle[MIME] == {"schema_version": 1, "thread_id": THREAD, "model_id": panel.model_id, "height": "10em"}
    assert bundle["application/vnd.jupyter.widget-view+json"]["model_id"] == panel.model_id
    assert THREAD in bundle["text/html"]
    assert "<script" not in bundle["text/html"]
    assert "ChatPanel" in bundle["text/plain"]


def test_an_output_of_a_panel_without_a_thread_names_none() -> None:
    bundle = ChatPanel()._repr_mimebundle_()
    assert bundle is not None
    assert bundle[MIME]["thread_id"] is None
    assert "None" not in bundle["text/html"]


def test_both_sides_name_one_mime_type() -> None:
    assert f"MIME = '{MIME}'" in (FRONT_END / "src" / "notebook" / "snapshot.ts").read_text()


def test_both_sides_of_the_panel_have_one_name_and_one_version() -> None:
    package = json.loads((FRONT_END / "package.json").read_text())
    assert (package["name"], package["version"]) == (MODULE, MODULE_VERSION)
    assert jupyter_chat_sessions.__version__ == MODULE_VERSION
    named = (FRONT_END / "src" / "notebook" / "name.ts").read_text()
    assert f"MODULE = '{MODULE}'" in named
    assert f"MODULE_VERSION = '{MODULE_VERSION}'" in named


def test_importing_the_package_imports_neither_the_server_nor_ipywidgets() -> None:
    code = "import sys, jupyter_chat_sessions; print([n for n in sys.modules if n.split('.')[0] in sys.argv[1:]])"
    heavy = ["ipywidgets", "jupyter_server", "tornado", "traitlets", "pydantic", "IPython"]
    shown = subprocess.run([sys.executable, "-c", code, *heavy], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"


def test_importing_the_panel_imports_nothing_of_the_server() -> None:
    code = "import sys; from jupyter_chat_sessions import ChatPanel; print('\\n'.join(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()
    assert "jupyter_chat_sessions.kernel.panel" in loaded
    assert not [name for name in loaded if name.startswith(("jupyter_chat_sessions.server", "jupyter_server"))]


def test_jupyter_finds_the_front_end_and_the_server_extension() -> None:
    assert jupyter_chat_sessions._jupyter_labextension_paths() == [{"src": "labextension", "dest": MODULE}]
    (point,) = jupyter_chat_sessions._jupyter_server_extension_points()
    assert point["module"] == "jupyter_chat_sessions.server.extension"


def test_a_name_that_is_no_door_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no_such_door"):
        _ = jupyter_chat_sessions.no_such_door  # type: ignore[attr-defined]
