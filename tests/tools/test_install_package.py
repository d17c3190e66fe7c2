"""Packages for the chat's own Python: from a folder of wheels, or a plain word that there is no network."""

from __future__ import annotations

import tarfile
import zipfile
from contextlib import aclosing
from pathlib import Path

import pytest

from jupyter_chat_sessions.core.ids import new_run_id, new_thread_id
from jupyter_chat_sessions.core.roles import ToolCall, ToolContext, ToolResult, Workplace
from jupyter_chat_sessions.sandbox import SandboxRunner
from jupyter_chat_sessions.tools import ToolBox

pytestmark = pytest.mark.asyncio(loop_scope="module")


def wheel(folder: Path, name: str, version: str = "1.0") -> None:
    """The smallest wheel pip takes."""
    info = f"{name}-{version}.dist-info"
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as file:
        file.writestr(f"{name}.py", f"VERSION = {version!r}\n")
        file.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        file.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        file.writestr(f"{info}/RECORD", "")


async def used(box: ToolBox, where: ToolContext, name: str, **arguments: object) -> ToolResult:
    async with aclosing(box.call(ToolCall("c", name, arguments), where)) as events:
        last = [event async for event in events][-1]
    assert isinstance(last, ToolResult)
    return last


async def test_a_package_is_installed_for_its_chat_from_a_folder_of_wheels_and_outlives_the_kernel(
    sandbox: SandboxRunner, tmp_path: Path
) -> None:
    wheel(tmp_path, "chatty_wheel")
    box, here = ToolBox(Workplace(sandbox, packages=str(tmp_path))), ToolContext(new_thread_id(), new_run_id())
    done = await used(box, here, "install_package", packages=["chatty-wheel==1.0"])
    assert done.error is None, done.content
    assert (await used(box, here, "run_python", code="import chatty_wheel; chatty_wheel.VERSION")).content == "'1.0'"
    await used(box, here, "restart_kernel")
    assert "1.0" in (await used(box, here, "run_python", code="import chatty_wheel; chatty_wheel.VERSION")).content
    assert (await used(box, here, "list_files")).content == "(no files)"
    absent = await used(box, here, "install_package", packages=["no-such-wheel"])
    assert "could not be fetched" in str(absent.error)
    await sandbox.restart(here.thread_id or new_thread_id())


async def test_without_a_place_to_install_from_it_says_so_and_nobody_is_asked(
    sandbox: SandboxRunner, here: ToolContext
) -> None:
    if sandbox.level == "unconfined":
        pytest.skip("nothing confines tools here")
    box = ToolBox(Workplace(sandbox))
    told = await box.preview(ToolCall("c", "install_package", {"packages": ["polars"]}), here)
    assert isinstance(told, ToolResult)
    assert "c.ChatSessions.packages" in told.content
    for wrong in ("-r requirements.txt", "--index-url=x", "git+https://x"):
        assert (await used(box, here, "install_package", packages=[wrong])).error is not None


async def test_an_archive_beside_the_server_is_no_package_and_its_code_never_runs(
    sandbox: SandboxRunner, here: ToolContext, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """pip would build it to learn what it needs, outside every sandbox."""
    (wheels := tmp_path / "wheels").mkdir()
    (source := tmp_path / "evil-1.0").mkdir()
    (source / "pyproject.toml").write_text('[build-system]\nrequires = []\nbuild-backend = "b"\nbackend-path = ["."]\n')
    (source / "b.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w').close()\n")
    with tarfile.open(tmp_path / "evil-1.0.tar.gz", "w:gz") as archive:
        archive.add(source, "evil-1.0")
    monkeypatch.chdir(tmp_path)
    box = ToolBox(Workplace(sandbox, packages=wheels.name))
    done = await used(box, here, "install_package", packages=["evil-1.0.tar.gz"])
    assert "could not be fetched" in str(done.error)
    assert not (tmp_path / "ran").exists()
