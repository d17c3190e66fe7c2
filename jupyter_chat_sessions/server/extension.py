"""The server extension: its traits, its doors, its start and its end.

Loading it costs a server almost nothing: what chats are made of is put together at the first request.
"""

from __future__ import annotations

from datetime import datetime, timezone
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from jupyter_server.extension.application import ExtensionApp
from jupyter_server.utils import url_path_join
from traitlets import Bool, Callable, Dict, Enum, Int, List, Unicode

from .. import __version__

if TYPE_CHECKING:
    from jupyter_server.serverapp import ServerApp

    from ..chats.chats import Chats
    from ..chats.settings import Whereabouts
    from ..core.grants import Grant
    from ..core.roles import Notebook
    from .grants import Grants
    from .kernel_tokens import KernelTokens
    from .mcp.clients import Clients
    from .notebook.open_pages import OpenPages
    from .openai.desk import Desk


class ChatSessions(ExtensionApp):
    """Chat threads that are kept beside their notebooks and run their tools in folders of their own."""

    name = "jupyter_chat_sessions"
    extension_url = "/lab"
    load_other_extensions = True
    version = __version__

    default_model = Unicode(
        "",
        help="Who answers where a message names nobody: an agent's name such as `direct`, or a model as "
        "`provider:model`. Blank: the model of a provider whose key is in the environment, else of a model server of "
        "yours on this computer, else direct mode, which needs none.",
    ).tag(config=True)
    detect_local = Bool(True, help="Look for model servers of yours on this computer's loopback address.").tag(
        config=True
    )
    api_key_file = Dict(
        key_trait=Unicode(),
        value_trait=Unicode(),
        help="Files with API keys, by provider: `{'openai': '/run/secrets/openai'}`. Read for each request.",
    ).tag(config=True)
    api_key_command = Dict(
        key_trait=Unicode(),
        value_trait=List(Unicode()),
        help="Commands that print API keys, by provider: `{'anthropic': ['pass', 'show', 'anthropic']}`. Run without "
        "a shell at the first request, and again after five minutes.",
    ).tag(config=True)
    use_keyring = Bool(
        False,
        help="Keep keys that are typed into the chat in the system's keyring too, so that they outlive the server.",
    ).tag(config=True)
    agents = Dict(
        key_trait=Unicode(),
        value_trait=Callable(),
        help="More agents by name: each a class, or anything callable, that takes nothing and gives an `Agent`.",
    ).tag(config=True)
    sandbox = Enum(
        ("auto", "bubblewrap", "landlock", "plain"),
        default_value="auto",
        help="How tools are confined: `auto` takes the strongest way that works here, `plain` confines nothing.",
    ).tag(config=True)
    spare_kernel = Bool(
        True,
        help="Start Python ahead when a person writes in a new chat or it asks a model, so that its first call need "
        "not wait: one process at most, for five minutes, on Linux, where memory allows (docs/sandbox.md).",
    ).tag(config=True)
    tool_permissions = Dict(
        key_trait=Unicode(),
        value_trait=Enum(("allow", "ask", "deny")),
        help="What a model may do without asking, by the tool's name, and for all others under `*`; nothing in a chat "
        "loosens it. Without a rule, what a model wrote asks where the operating system confines nothing.",
    ).tag(config=True)
    packages = Unicode(
        "",
        help="Where `install_package` gets wheels from: a folder, or the address of a package index. Blank: chats "
        "whose tools have no network cannot install any.",
    ).tag(config=True)
    most_rounds = Int(
        20, min=1, help="How many rounds of tool calls a model may make to answer one message before it is stopped."
    ).tag(config=True)
    persist = Bool(
        True,
        help="Keep transcripts in `.chats` beside the notebooks. When off, chats end with the server.",
    ).tag(config=True)
    list_unnamed = Bool(
        False,
        help="List the threads of API calls that named no thread, conversation or session key; they are kept anyway.",
    ).tag(config=True)
    unlisted_days = Int(
        30,
        min=0,
        help="Days after which threads of API calls that named no thread, conversation or session key are deleted; 0 "
        "keeps them. Those that are shared or open are kept.",
    ).tag(config=True)
    separate_users = Bool(
        False,
        help="Keep the threads of different users of one server apart, by the identity provider's user names "
        "(JupyterHub with shared servers, collaborative servers).",
    ).tag(config=True)

    @cached_property
    def chats(self) -> Chats:
        """The chats of this server."""
        from ..chats.chats import Chats
        from ..chats.settings import Settings
        from .bus import Bus

        settings = Settings(
            root=_local_root(self.server),
            has_notebooks=_has_local_contents(self.server),
            address=self.address,
            default_model=self.default_model,
            detect_local=self.detect_local,
            api_key_file=self.api_key_file,
            api_key_command=self.api_key_command,
            use_keyring=self.use_keyring,
            agents=self.agents,
            sandbox=self.sandbox,  # type: ignore[arg-type]  # one of its choices
            spare_kernel=self.spare_kernel,
            tool_permissions=self.tool_permissions,
            packages=self.packages,
            most_rounds=self.most_rounds,
            notebook=self._notebook,
            persist=self.persist,
            separate_users=self.separate_users,
            unlisted_days=self.unlisted_days,
            on_listed=lambda folder, version: self._bus.tell_changed(folder, version),
            on_activity=self._note_activity,
        )
        chats = Chats(settings)

        async def follow(old: PurePosixPath, new: PurePosixPath) -> None:
            if old.suffix == ".ipynb" and new.suffix == ".ipynb":
                await chats.follow_notebook(chats.places.named(str(old), None), chats.places.named(str(new), None))
            else:
                await chats.disk(chats.places.follow, str(old), str(new))

        self._bus = Bus(self.server.event_logger, follow)
        return chats

    def _notebook(self, whereabouts: Whereabouts) -> Notebook:
        from .notebook.beside import NotebookBeside

        return NotebookBeside(self.server, self.open_pages, whereabouts)

    @cached_property
    def open_pages(self) -> OpenPages:
        """The pages that can be asked for the notebooks they have open."""
        from .notebook.open_pages import OpenPages

        return OpenPages()

    @cached_property
    def desk(self) -> Desk:
        """What the OpenAI-compatible doors keep between requests."""
        from .openai.desk import Desk

        return Desk()

    @cached_property
    def mcp_clients(self) -> Clients:
        """What is known of MCP clients between requests."""
        from .mcp.clients import Clients

        return Clients()

    @cached_property
    def grants(self) -> Grants:
        """Who holds a scoped token here."""
        from jupyter_core.paths import jupyter_data_dir

        from .grants import Grants

        return Grants(Path(jupyter_data_dir()))

    @cached_property
    def kernel_tokens(self) -> KernelTokens:
        """The tokens of notebooks' kernels."""
        from .kernel_tokens import KernelTokens

        return KernelTokens(self)

    async def granted(self, token: str) -> Grant:
        """What a scoped token opens now. `Unauthorized` where it opens nothing."""
        from ..core.grants import Share

        grant = await self.grants.find(token)
        return grant if isinstance(grant, Share) else await self.kernel_tokens.follow(token, grant)

    def initialize_settings(self) -> None:
        from .bus import announce

        self.settings["jupyter_chat_sessions"] = self
        announce(self.server.event_logger)

    def initialize_handlers(self) -> None:
        from .addresses import DOORS, PREFIX

        self.handlers.extend((rf"/{PREFIX}{pattern}", handler) for pattern, handler in DOORS)
        self.kernel_tokens.watch()

    async def stop_extension(self) -> None:
        """Ends runs and kernels with the server."""
        if "grants" in self.__dict__:
            await self.grants.close()
        if "chats" in self.__dict__:
            await self.chats.close()
            self._bus.close()

    def _note_activity(self) -> None:
        """A run in flight is activity: a hub must not cull the server under it."""
        self.settings["last_activity_times"]["chat_sessions"] = datetime.now(timezone.utc)

    @property
    def address(self) -> str:
        """The path all doors begin with, as seen from outside."""
        from .addresses import PREFIX

        return url_path_join(self.server.base_url, PREFIX)

    @property
    def server(self) -> ServerApp:
        """The server this is an extension of."""
        assert self.serverapp is not None, "the extension has been loaded by a server"
        return self.serverapp


def _local_root(server: ServerApp) -> Path:
    """Where contents are: the server's root; where they are not local files, a folder of the server's own."""
    from jupyter_core.paths import jupyter_data_dir

    if _has_local_contents(server):
        return Path(server.root_dir).resolve()
    root = Path(jupyter_data_dir()) / "chat_sessions" / "threads"
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    return root


def _has_local_contents(server: ServerApp) -> bool:
    from jupyter_server.services.contents.fileio import FileManagerMixin

    return isinstance(server.contents_manager, FileManagerMixin)
