"""What the chats of one place are told by whoever puts them up: a server's traits, or a kernel without a server."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from ..core.ids import Subject, ThreadId
from ..core.roles import Agent, Notebook, Permission

Whereabouts = Callable[[ThreadId], tuple[str, Subject | None]]
"""The path of a thread's notebook below the root, and whose thread it is where users are kept apart. `NotFound` where
it has none."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Each means what the trait of that name means (server/extension.py)."""

    root: Path
    """Where contents are: the directory that folders and notebooks are named from."""
    has_notebooks: bool = True
    """Whether notebooks lie there; not where contents are no local files."""
    address: str = ""
    """The path that addresses of files begin with."""
    default_model: str = ""
    detect_local: bool = True
    api_key_file: Mapping[str, str] = field(default_factory=dict)
    api_key_command: Mapping[str, Sequence[str]] = field(default_factory=dict)
    use_keyring: bool = False
    agents: Mapping[str, Callable[[], Agent]] = field(default_factory=dict)
    sandbox: Literal["auto", "bubblewrap", "landlock", "plain"] = "auto"
    spare_kernel: bool = False
    tool_permissions: Mapping[str, Permission] = field(default_factory=dict)
    packages: str = ""
    most_rounds: int = 20
    notebook: Callable[[Whereabouts], Notebook] | None = None
    """Gives the tools the notebook beside a thread, where there is a server to find it with."""
    persist: bool = True
    separate_users: bool = False
    unlisted_days: int = 0
    on_listed: Callable[[str, int], None] = lambda folder, version: None
    """Told that the list of threads in a folder has a new version."""
    on_activity: Callable[[], None] = lambda: None
    """Told, again and again, while something is in flight."""

    @property
    def starts_ahead(self) -> bool:
        """Whether Python is started before a chat asks for it: not where no model may run any."""
        for_all = self.tool_permissions.get("*")
        may_run = any(self.tool_permissions.get(name, for_all) != "deny" for name in ("run_python", "run_shell"))
        return self.spare_kernel and may_run
