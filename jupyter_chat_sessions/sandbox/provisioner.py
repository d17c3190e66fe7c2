"""How Jupyter launches a kernel in a sandbox: the provisioner `chat-sandbox`.

It works for any installed kernel, in any kernel manager. The folder is the `cwd` the kernel is started with.
"""

from __future__ import annotations

import asyncio
import contextlib
import copy
import os
import subprocess
import sys
import uuid
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_client.manager import KernelManager
from jupyter_client.provisioning.factory import KernelProvisionerFactory
from jupyter_client.provisioning.local_provisioner import LocalProvisioner
from traitlets import Unicode

from .backends import Launch, backend_named, choose_backend
from .environment import HIDDEN, TEMPORARY, kernel_environment
from .folder import make_folder, make_inner
from .processes import kill_since, kill_tree
from .sockets import SocketFolder, has_ipc

NAME = "chat-sandbox"
_LOG = "kernel.log"
_LOG_TAIL = 2_000


class SandboxProvisioner(LocalProvisioner):
    """Launches a kernel in its folder, with an environment of its own, and ends it with all it has started."""

    backend = Unicode("", config=True, help="The name of the backend that confines the kernel; empty: the strongest.")

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.mark = uuid.uuid4().hex
        self._sockets: SocketFolder | None = None
        self._log_tail = ""
        self.exit_code: int | None = None

    async def pre_launch(self, **kwargs: Any) -> dict[str, Any]:
        folder = Path(kwargs.get("cwd") or os.getcwd())
        try:
            make_folder(folder)
            make_inner(folder, (TEMPORARY, HIDDEN))
            if has_ipc() and self.parent is not None:
                self._listen_on_sockets(self.parent)
            kwargs["env"] = kernel_environment(os.environ, folder, self.mark)
            kwargs["extra_arguments"] = [*kwargs.get("extra_arguments", []), *self._kernel_options()]
            kwargs = await super().pre_launch(**kwargs)
            kwargs["cmd"], kwargs["env"] = self._confined(kwargs["cmd"], kwargs["env"], folder)
        except BaseException:
            self._remove_sockets()
            raise
        return kwargs

    def _listen_on_sockets(self, manager: KernelManager) -> None:
        """Has the kernel listen where only this user can connect, and never in a folder with a long path."""
        if self._sockets is None:
            self._sockets = SocketFolder()
        manager.transport = "ipc"
        manager.ip = str(self._sockets.path / "k")
        manager.connection_file = str(self._sockets.path / "c.json")

    def _kernel_options(self) -> list[str]:
        is_ipykernel = any("ipykernel" in part for part in self.kernel_spec.argv)
        return ["--HistoryManager.enabled=False"] if is_ipykernel else []

    def _confined(self, argv: list[str], env: dict[str, str], folder: Path) -> tuple[list[str], dict[str, str]]:
        backend = backend_named(self.backend) if self.backend else choose_backend()[0]
        sockets = self._sockets.path if self._sockets else None
        launch = backend.confine(Launch(tuple(argv), env, folder, sockets))
        return list(launch.argv), dict(launch.env)

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        try:
            if self._sockets is None:
                return await super().launch_kernel(cmd, **kwargs)
            log = os.open(self._sockets.path / _LOG, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o600)
            try:
                return await super().launch_kernel(cmd, stdout=log, stderr=log, **kwargs)
            finally:
                os.close(log)
        except BaseException:
            self._remove_sockets()
            raise

    async def kill(self, restart: bool = False) -> None:
        """Kills the kernel and every process it has started, wherever they went."""
        process = self.process
        if process is None or sys.platform == "win32":
            await super().kill(restart)
            return
        self.exit_code = await asyncio.to_thread(_end, process, self.mark)

    async def kill_since(self, started: float) -> None:
        """Kills what the kernel has started since `boot_clock()` was `started`; the kernel lives on."""
        if self.process is not None and sys.platform != "win32":
            await asyncio.to_thread(kill_since, self.process.pid, self.mark, started)

    async def cleanup(self, restart: bool = False) -> None:
        await super().cleanup(restart)
        if not restart:
            self._remove_sockets()

    def _remove_sockets(self) -> None:
        if self._sockets is not None:
            self._log_tail = self.log_tail()
            self._sockets.remove()
            self._sockets = None

    def log_tail(self) -> str:
        """The last of what the kernel process itself has written: why it could not start, where it crashed."""
        if self._sockets is None:
            return self._log_tail
        try:
            log = os.open(self._sockets.path / _LOG, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
        except OSError:
            return ""
        with os.fdopen(log, "rb") as file:
            file.seek(max(os.fstat(file.fileno()).st_size - _LOG_TAIL, 0))
            return file.read(_LOG_TAIL).decode("utf-8", "replace").strip()


def _end(process: subprocess.Popen[bytes], mark: str) -> int | None:
    """Kills and reaps. Returns the exit code. Blocks."""
    kill_tree(process.pid, mark, is_reaped=process.poll() is not None)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(timeout=1.0)
    return process.returncode


class SandboxKernelSpecs(KernelSpecManager):
    """The installed kernels, each to be launched in a sandbox. Nothing is written to disk."""

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        spec = copy.deepcopy(super().get_kernel_spec(kernel_name))
        spec.metadata["kernel_provisioner"] = {"provisioner_name": NAME, "config": {}}
        return spec


def register_provisioner() -> None:
    """Makes the provisioner known where the package's entry points are not, as in a source tree."""
    known = EntryPoint(NAME, f"{__name__}:{SandboxProvisioner.__name__}", KernelProvisionerFactory.GROUP_NAME)
    KernelProvisionerFactory.provisioners.setdefault(NAME, known)
