"""`jupyter chat-sessions …`: what can be done from a terminal. Each command loads what it needs, and nothing else."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from . import __version__


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command; its exit status."""
    parser = argparse.ArgumentParser(prog="jupyter chat-sessions", description="Chat threads for Jupyter.")
    parser.add_argument("--version", action="version", version=__version__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("doctor", help="tries every way of confining tools, and tells what works here")
    commands.add_parser("settings", help="prints every setting with its default, for jupyter_server_config.py")
    importing = commands.add_parser("import", help="makes threads of chats that other programs have saved")
    importing.add_argument(
        "files",
        nargs="+",
        type=Path,
        metavar="FILE",
        help="a .chat file of JupyterLab, a chat.jsonl of a .chats folder, or a JSON list of messages",
    )
    importing.add_argument(
        "--notebook-dir",
        type=Path,
        default=Path(),
        metavar="DIR",
        help="the directory whose chats they become; where the server was started, unless said",
    )
    given = parser.parse_args(arguments)
    if given.command == "import":
        from .local.importing import import_files

        return import_files(given.files, given.notebook_dir)
    if given.command == "settings":
        from .server.settings import main as tell_settings

        return tell_settings()
    from .doctor import main as examine

    return examine()


if __name__ == "__main__":
    sys.exit(main())
