"""How Jupyter launches a kernel in a sandbox: the provisioner `chat-sandbox`.

It works for any installed kernel, in any kernel manager. The folder is the `cwd` the kernel is started with.
"""

from __future__ import annotations

import asyncio
import contextlib
import copy
import os
import signal
import subprocess
import sys
import uuid
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager, NoSuchKernel
from jupyter_client.manager import KernelManager
from jupyter_client.provisioning.factory import KernelProvisionerFactory
from jupyter_client.provisioning.local_provisioner import LocalProvisioner
from traitlets import Any as AnyValue
from traitlets import Unicode

from .backends import Backend, Launch, chosen_backend
from .beside import Beside
from .environment import HIDDEN, TEMPORARY, kernel_environment
from .folder import make_folder, make_inner
from .lean import without_debugger
from .policy import SandboxPolicy
from .processes import below, kill_kept_tree, kill_since, kill_tree, offer_to_the_oom_killer
from .sockets import SocketFolder, has_ipc

NAME = "chat-sandbox"
_LOG = "kernel.log"
_ALIAS = "home"
_LOG_TAIL = 2_000
_KEEPER_S = 0.5
"""How long what keeps a kernel may take to end after it."""


class SandboxProvisioner(LocalProvisioner):
    """Launches a kernel in its folder, with an environment of its own, and ends it with all it has started."""

    backend = Unicode("auto", config=True, help="What confines the kernel: auto, bubblewrap, landlock or plain.")
    policy = AnyValue(help="The kernel's `SandboxPolicy`; `None`: the limits that are usual.")

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.mark = uuid.uuid4().hex
        self._sockets: SocketFolder | None = None
        self._log_tail = ""
        self._exit_code: int | None = None
        self._confinement: Backend | None = None
        self._beside: Beside | None = None
        self._fds: tuple[int, ...] = ()
        self._folder = Path()
        self._alias: Path | None = None
        self.kernel_pid: int | None = None
        """The kernel's own process as the server sees it, once it has answered."""

    async def pre_launch(self, **kwargs: Any) -> dict[str, Any]:
        folder = self._folder = Path(kwargs.get("cwd") or os.getcwd())
        self._beside, is_spare = kwargs.pop("beside", None), kwargs.pop("is_spare", False)
        try:
            make_folder(folder)
            make_inner(folder, (TEMPORARY, HIDDEN))
            if has_ipc() and self.parent is not None:
                self._listen_on_sockets(self.parent)
            if is_spare:
                self._alias = self._new_alias(folder)
            backend = self._confinement = await asyncio.to_thread(chosen_backend, self.backend)
            kwargs["env"] = kernel_environment(os.environ, self._alias or folder, self.mark)
            kwargs["extra_arguments"] = [*kwargs.get("extra_arguments", []), *self._kernel_options(backend)]
            kwargs = await super().pre_launch(**kwargs)
            command = without_debugger(kwargs["cmd"])
            launch = await asyncio.to_thread(backend.confine, self._launch(command, kwargs["env"], folder))
            kwargs["cmd"], kwargs["env"] = list(launch.argv), dict(launch.env)
            kwargs["pass_fds"], self._fds = launch.fds, launch.descriptors
            if launch.stdin is not None:
                kwargs["stdin"] = launch.stdin
        except BaseException:
            self._close_fds()
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

    def _kernel_options(self, backend: Backend) -> list[str]:
        return ["--HistoryManager.enabled=False", *backend.ipykernel_options] if self._is_ipykernel else []

    @property
    def _is_ipykernel(self) -> bool:
        return any("ipykernel" in part for part in self.kernel_spec.argv)

    def _new_alias(self, folder: Path) -> Path:
        """A link to the folder that stands beside the kernel's sockets, whatever the folder is called in the end."""
        if self._sockets is None or not self._is_ipykernel or sys.platform != "linux":
            raise OSError("Only an ipykernel that is reached over unix sockets can be moved with its folder.")
        alias = self._sockets.path / _ALIAS
        alias.symlink_to(folder)
        return alias

    def _launch(self, argv: list[str], env: dict[str, str], folder: Path) -> Launch:
        sockets = self._sockets.path if self._sockets else None
        resources = (Path(self.kernel_spec.resource_dir),) if self.kernel_spec.resource_dir else ()
        policy = self.policy or SandboxPolicy()
        return Launch(tuple(argv), env, folder, sockets, resources, policy, self._beside, self._alias)

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        self.kernel_pid = None
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
        finally:
            self._close_fds()

    @property
    def beside_at(self) -> str | None:
        """Where the kernel reads the notebook's folder; `None` where it does not."""
        return self._confinement.place_of(self._beside) if self._confinement and self._beside else None

    @property
    def socket_folder(self) -> Path | None:
        """The folder it shares with the server, of its sockets and its log."""
        return self._sockets.path if self._sockets else None

    def _close_fds(self) -> None:
        fds, self._fds = self._fds, ()
        for descriptor in fds:
            os.close(descriptor)

    def follow(self, folder: Path) -> None:
        """Goes on in `folder`, which the kernel's own has become. `OSError`. Blocks."""
        if self._alias is None or self._confinement is None or self.kernel_pid is None:
            raise OSError("This kernel cannot be moved.")
        self._confinement.follow(self.kernel_pid, self._folder, folder)
        fresh = self._alias.with_suffix(".new")
        fresh.symlink_to(folder)
        fresh.replace(self._alias)
        self._folder = folder

    # --- its processes -----------------------------------------------------------------------------------------------

    @property
    def keepers(self) -> int:
        """How many processes stand between the one that was launched and the kernel."""
        return self._confinement.keepers if self._confinement else 0

    def settle(self) -> None:
        """Finds the kernel's own process, once it has answered. Blocks."""
        if self.process is not None and sys.platform != "win32":
            self.kernel_pid = below(self.process.pid, self.keepers)
            offer_to_the_oom_killer(self.process.pid, self.mark)

    @property
    def exit_code(self) -> int | None:
        """What the kernel ended with, a signal as a negative number; `None` while it runs or where it is unknown."""
        code = self._exit_code if self.process is None else self.process.poll()
        return 128 - code if code is not None and self.keepers and code > 128 else code

    async def send_signal(self, signum: int) -> None:
        """Signals the kernel and what runs in its group, past what keeps it."""
        if self.keepers and signum == signal.SIGINT and self.process is not None:
            pid = self.kernel_pid or await asyncio.to_thread(below, self.process.pid, self.keepers)
            if pid is not None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(os.getpgid(pid), signum)
            return
        await super().send_signal(signum)

    async def kill(self, restart: bool = False) -> None:
        """Kills the kernel and every process it has started, wherever they went."""
        process = self.process
        if process is None or sys.platform == "win32":
            await super().kill(restart)
            return
        self._exit_code = await asyncio.to_thread(_end, process, self.mark, self.keepers)

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


def _end(process: subprocess.Popen[bytes], mark: str, keepers: int) -> int | None:
    """Kills and reaps. Returns the exit code. Blocks."""
    if keepers and process.poll() is None:
        kill_kept_tree(process.pid, mark)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=_KEEPER_S)
    kill_tree(process.pid, mark, is_reaped=process.poll() is not None)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(timeout=1.0)
    return process.returncode


class SandboxKernelSpecs(KernelSpecManager):
    """The installed kernels, each to be launched in a sandbox. Nothing is written to disk."""

    def __init__(self, policy: SandboxPolicy | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._policy = policy or SandboxPolicy()

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        spec = copy.deepcopy(super().get_kernel_spec(kernel_name))
        config = {"backend": self._policy.backend, "policy": self._policy}
        spec.metadata["kernel_provisioner"] = {"provisioner_name": NAME, "config": config}
        return spec

    def look_around(self, kernel_name: str) -> None:
        """Has what the first look for a kernel loads be there: much of IPython, and what is installed. Blocks."""
        KernelProvisionerFactory.instance()
        with contextlib.suppress(NoSuchKernel):  # the start will say so
            self.get_kernel_spec(kernel_name)


def register_provisioner() -> None:
    """Makes the provisioner known where the package's entry points are not, as in a source tree."""
    known = EntryPoint(NAME, f"{__name__}:{SandboxProvisioner.__name__}", KernelProvisionerFactory.GROUP_NAME)
    KernelProvisionerFactory.provisioners.setdefault(NAME, known)
