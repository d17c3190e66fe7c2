"""The environment a kernel starts with: an allow-list, so that a secret nobody thought of stays behind.

Home, temporary files and Jupyter's own folders all lie inside the thread's folder.
"""

from __future__ import annotations

import site
import sys
from collections.abc import Mapping
from pathlib import Path

MARK = "JUPYTER_CHAT_SANDBOX"
"""The variable every process of one kernel inherits: its value tells whose they are."""

HIDDEN = ".jupyter"
"""The folder, inside the thread's, of what Jupyter and IPython keep for a kernel."""

TEMPORARY = ".tmp"

_KEPT = frozenset(
    {
        "PATH",
        "LANG",
        "LANGUAGE",
        "TZ",
        "VIRTUAL_ENV",
        "CONDA_PREFIX",
        "CONDA_DEFAULT_ENV",
        "PYTHONPATH",
        "LD_LIBRARY_PATH",
        "OMP_NUM_THREADS",
    }
)
_KEPT_ON_WINDOWS = frozenset({"SYSTEMROOT", "SYSTEMDRIVE", "WINDIR", "COMSPEC", "PATHEXT", "NUMBER_OF_PROCESSORS"})


def _is_kept(name: str) -> bool:
    kept_here = _KEPT | _KEPT_ON_WINDOWS if sys.platform == "win32" else _KEPT
    return name in kept_here or name.startswith("LC_")


def kept(server: Mapping[str, str]) -> dict[str, str]:
    """What of the server's environment a kernel gets."""
    return {name: value for name, value in server.items() if _is_kept(name)}


def kernel_environment(server: Mapping[str, str], folder: Path, mark: str) -> dict[str, str]:
    """What of the server's environment a kernel in `folder` gets, and what it gets instead of the rest."""
    hidden = folder / HIDDEN
    env = kept(server)
    env |= {
        "HOME": str(folder),
        "TMPDIR": str(folder / TEMPORARY),
        "IPYTHONDIR": str(hidden / "ipython"),
        "JUPYTER_CONFIG_DIR": str(hidden / "config"),
        "JUPYTER_DATA_DIR": str(hidden / "data"),
        "JUPYTER_RUNTIME_DIR": str(hidden / "runtime"),
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        MARK: mark,
    }
    if sys.platform == "win32":
        env |= dict.fromkeys(("TEMP", "TMP"), env["TMPDIR"]) | {"USERPROFILE": env["HOME"]}
    if site.ENABLE_USER_SITE:
        # With another HOME, packages installed with `pip install --user` would be gone; ipykernel may be one of them.
        env["PYTHONUSERBASE"] = site.getuserbase()
    return env
