"""`%chat`, `%%chat` and `%jchat`: the notebook's chat from a cell."""

from __future__ import annotations

import re
import tokenize
import warnings
from collections.abc import Sequence
from typing import Any

from IPython.core.error import UsageError
from IPython.core.inputtransformer2 import TokenTransformBase
from IPython.core.magic import no_var_expand

NAMES = ("chat", "jchat")


def load(shell: Any) -> None:
    """Registers the magics. A `%chat` of another extension is left to it."""
    chat = ChatMagic(shell)
    for name in NAMES:
        owner = _owner(shell, name)
        if owner is not None:
            warnings.warn(
                f"%{name} belongs to another extension here ({owner}) and stays so; this chat is %jchat.", stacklevel=3
            )
            continue
        shell.register_magic_function(chat, "line_cell", name)
    if QuestionToChat not in shell.input_transformer_manager.token_transformers:
        shell.input_transformer_manager.token_transformers.append(QuestionToChat)


def unload(shell: Any) -> None:
    """Takes them away again."""
    for name in NAMES:
        for kind in ("line", "cell"):
            if isinstance(shell.magics_manager.magics[kind].get(name), ChatMagic):
                del shell.magics_manager.magics[kind][name]
    if QuestionToChat in shell.input_transformer_manager.token_transformers:
        shell.input_transformer_manager.token_transformers.remove(QuestionToChat)


def _owner(shell: Any, name: str) -> str | None:
    """Whose the magic of that name is, where it is another's."""
    for kind in ("line", "cell"):
        there = shell.magics_manager.magics[kind].get(name)
        if there is not None and not isinstance(there, ChatMagic):
            return str(getattr(there, "__module__", None) or type(there).__module__)
    return None


class ChatMagic:
    """Chat with this notebook's thread. `%chat help` says how."""

    def __init__(self, shell: Any) -> None:
        self._shell = shell
        self._desk: Any = None
        self.__doc__ = ChatMagic.__doc__
        no_var_expand(self)  # braces are the prompt's own

    def __call__(self, line: str, cell: str | None = None) -> None:
        """What is imported for it waits for the first use: a kernel that only loads the extension pays nothing."""
        from ..core.errors import ChatError
        from .command_line import BadLine
        from .desk import Desk
        from .interpolation import NoSuchValue

        if self._desk is None:
            self._desk = Desk(self._shell)
        try:
            self._desk.do(line, cell)
        except (BadLine, NoSuchValue) as misunderstood:
            raise UsageError(str(misunderstood)) from None
        except ChatError as refused:
            raise UsageError(refused.message) from None


class QuestionToChat(TokenTransformBase):
    """`%chat what is a list?` is a question to the chat; IPython would show its help on `list`."""

    priority = 4  # before IPython's own reading of a question mark, which is 5

    _LINE = re.compile(rf"(\s*)%({'|'.join(NAMES)})\s+(.*\?)\s*")

    @classmethod
    def find(cls, tokens_by_line: Sequence[Sequence[Any]]) -> QuestionToChat | None:
        """The first such line of the cell."""
        for line in tokens_by_line:
            first = next((each for each in line if each.type not in (tokenize.INDENT, tokenize.DEDENT)), None)
            if first is not None and first.string == "%" and cls._LINE.fullmatch(first.line.partition("\n")[0]):
                return cls(first.start)
        return None

    def transform(self, lines: list[str]) -> list[str]:
        """The cell with that line as a call of the magic."""
        found = self._LINE.fullmatch(lines[self.start_line].rstrip("\n"))
        if found is None:
            raise SyntaxError(lines[self.start_line])
        call = f"{found[1]}get_ipython().run_line_magic({found[2]!r}, {found[3]!r})\n"
        return [*lines[: self.start_line], call, *lines[self.start_line + 1 :]]
