"""A backend's trial: a small command is run as a kernel would be, and must not reach what lies outside its folder."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from .backend import Backend, Launch

_PATIENCE_S = 20.0

_TRIAL = """
import os, socket, sys
secret, folder, sockets = sys.argv[1:]
found = []
try:
    open(secret).close(); found.append("a file outside its folder could be read")
except OSError:
    pass
try:
    open(secret + ".new", "w").close()
except OSError:
    pass
try:
    peer = socket.socket(); peer.settimeout(2); peer.connect(("127.0.0.1", int(os.environ["TRIAL_PORT"])))
    found.append("the network could be reached")
except OSError:
    pass
if os.getuid() == 0:
    found.append("it ran as root")
open("trial", "w").close()
os.stat(os.path.join(folder, "trial"))
with socket.socket(socket.AF_UNIX) as listener:
    listener.bind(os.path.join(sockets, "trial")); listener.listen()
print("; ".join(found) or "confined")
"""


def try_out(backend: Backend) -> None:
    """Runs the trial. `OSError` with the reason where it does not run, or is not confined."""
    with tempfile.TemporaryDirectory(prefix="jcs-trial-") as place, _listener() as port:
        folder, sockets, secret = (Path(place) / name for name in ("files", "sockets", "secret"))
        folder.mkdir(mode=0o700)
        sockets.mkdir(mode=0o700)
        secret.write_text("secret")
        secret.chmod(0o644)
        argv = (sys.executable, "-I", "-S", "-c", _TRIAL, str(secret), str(folder), str(sockets))
        env = {"PATH": os.environ.get("PATH", os.defpath), "TRIAL_PORT": str(port)}
        _judge(backend.confine(Launch(argv, env, folder, sockets)))
        if secret.with_suffix(".new").exists():
            raise OSError("a file outside its folder could be written")


@contextmanager
def _listener() -> Iterator[int]:
    """A port of this machine's that must not be reached."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield int(server.getsockname()[1])


def _judge(launch: Launch) -> None:
    try:
        done = subprocess.run(
            launch.argv,
            env=dict(launch.env),
            pass_fds=launch.fds,
            cwd=launch.folder,
            stdin=subprocess.DEVNULL if launch.stdin is None else launch.stdin,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_PATIENCE_S,
            start_new_session=True,
        )
    except subprocess.TimeoutExpired as error:
        raise OSError("it did not answer") from error
    finally:
        for descriptor in launch.descriptors:
            with suppress(OSError):
                os.close(descriptor)
    if done.returncode != 0:
        words = done.stderr.strip().splitlines()
        raise OSError(words[-1] if words else f"it ended with {done.returncode}")
    if done.stdout.strip() != "confined":
        raise OSError(done.stdout.strip() or "it said nothing")
