"""Looking at variables: of the chat's own Python, or of the notebook's kernel, which a person allows first.

What looks is code of ours, cut short inside the kernel: no value leaves it whole. It still runs what the values'
classes do when they are shown, so the person's own kernel is looked at only with their consent.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from ..core.errors import NotFound
from ..core.roles import Consent, ToolContext, ToolEvent, ToolResult, Workplace
from .inside import run_apart, told_apart

SCOPE = {
    "type": "string",
    "enum": ["sandbox", "notebook"],
    "default": "sandbox",
    "description": "sandbox: this chat's own Python; notebook: the kernel of the person's notebook, read only.",
}
CONSENT = Consent("notebook_variables", {"scope": "notebook"})
"""One word of the person for all tools that look at the notebook's variables."""

_SECONDS = 10

LOOKING = '''
import itertools, reprlib

short = reprlib.Repr()
short.maxstring = short.maxother = 60
short.maxlist = short.maxtuple = short.maxset = short.maxdict = 4

def attempt(look, value):
    """What looking tells; a variable whose class raises is still told of."""
    try:
        return look(value)
    except Exception:
        return None

def size(value):
    shape = attempt(lambda each: each.shape, value)
    if isinstance(shape, tuple):
        return "x".join(map(str, shape)) or "scalar"
    length = attempt(len, value) if not isinstance(value, type) else None
    return "" if length is None else str(length)
'''
"""What every look begins with."""


async def looked(
    workplace: Workplace, scope: str, source: str, context: ToolContext, **given: Any
) -> AsyncGenerator[ToolEvent, None]:
    """The events of a call that looks with `source`, which leaves text in `told`."""
    if scope == "notebook":
        if workplace.notebook is None:
            raise NotFound("There is no notebook here to look into; use scope sandbox.")
        yield ToolResult(await workplace.notebook.look(told_apart(LOOKING + source, **given), context))
        return
    code = run_apart(f"{LOOKING}{source}\nprint(told)", **given)
    async with aclosing(workplace.sandbox.run(code, context, timeout_s=_SECONDS)) as events:  # type: ignore[type-var]
        async for event in events:
            yield event
